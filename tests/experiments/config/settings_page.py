"""The page of all settings, made from their schema: `make docs` writes it.

Every table of a config has a section: its keys, what they may be, what they are where a config
says nothing, and what they mean. A table that may stand in several places is told once.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.config.schema import Config
from simulator.spec import MOST
from tests.pages import anchor

Schema = Mapping[str, Any]

UNITS = {
    *("answers", "clicks", "currency", "days", "dimensions", "ids", "items", "items a request"),
    *("log s", "min", "nats", "radians", "requests", "requests a second", "s", "seconds", "seeds"),
    *("sellers", "share", "share of price", "share of the items", "simulated days", "subwords"),
    *("units", "units/day", "worlds"),
}
"""What stands in brackets behind a meaning and is a unit."""

OPENING = """# Settings

Every setting that a [config](extending.md) may have: its type, its value where the config says
nothing, its range, its unit and its meaning. This page is made from the schema that every config is
held against (`make docs`); `funnelab config --schema` prints the same as JSON.
`funnelab config --show NAME` prints a config with all defaults filled in.

A **table** is a part of a config with keys of its own, such as `[world.sessions]`. One setting is
changed on the command line by its place: `--set world.days=7`. An unknown key is refused,
and the closest one is named. *needed*: there is no default. Where a table has several types, each
has a section. `NAME` stands for a name that you choose.
"""


@dataclass
class _Table:
    """A table of settings: its schema and the places in a config where it may stand."""

    schema: Schema
    places: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Of its section: its first place, with its type where there are several."""
        kind = _type(self.schema)
        return _header(self.places[0]) + (f" with `type = {_toml(kind)}`" if kind else "")

    @property
    def anchor(self) -> str:
        """Of its section."""
        return anchor(self.title)


def _header(place: str) -> str:
    """How a table is begun in TOML; `[]` behind a place says that it stands in a list."""
    plain = place.replace("[]", "")
    return f"`[[{plain}]]`" if place.endswith("[]") else f"`[{plain}]`"


def settings_page() -> str:
    """The page, in Markdown."""
    whole = Config.model_json_schema()
    tables: dict[str, _Table] = {}
    top = dict(whole["properties"])
    plain = {name: each for name, each in top.items() if not list(_tables_of(each, whole, name))}
    for name, each in top.items():
        _collect(each, name, whole, tables)
    parts = [OPENING, _contents(top, plain, whole, tables), "## Outside any section\n"]
    parts.append(_rows(plain, whole, tables))
    group = ""
    for table in _in_order(tables, list(top)):
        first = _section_of(table)
        if first != group:
            group = first
            told = top[group].get("description", "")
            parts.append(f"## Section `{group}`\n" + (f"\n{_sentence(told)}\n" if told else ""))
        parts.append(_section(table, whole, tables))
    return "\n".join(parts)


def _in_order(tables: Mapping[str, _Table], top: list[str]) -> list[_Table]:
    """Tables as the sections of a config come, each followed by what is in it."""

    return sorted(tables.values(), key=lambda table: top.index(_section_of(table)))


def _section_of(table: _Table) -> str:
    """The section of a config in which a table stands first."""
    return re.split(r"[.\[]", table.places[0])[0]


def _contents(top: Schema, plain: Schema, whole: Schema, tables: Mapping[str, _Table]) -> str:
    """Where each section of a config is, and how many settings it has."""
    lines = ["| section | settings | is |", "|---|--:|---|"]
    lines.append(f"| [outside any section](#{anchor('Outside any section')}) | {len(plain)} | |")
    for name, each in top.items():
        own = [table for table in tables.values() if _section_of(table) == name]
        if name not in plain and own:
            count = sum(len(table.schema.get("properties", {})) for table in own)
            told = each.get("description") or own[0].schema["description"]
            lines.append(f"| [`{name}`](#section-{name}) | {count} | {_cell(_first(told))} |")
    return "\n".join(lines) + "\n"


def _collect(each: Schema, place: str, whole: Schema, tables: dict[str, _Table]) -> None:
    """Find all tables below a setting, first those that stand higher."""
    for name, where in _tables_of(each, whole, place):
        if inner := _passed_on(whole["$defs"][name]):
            _collect(inner[1], f"{where}.{inner[0]}", whole, tables)
            continue
        known = name in tables
        table = tables.setdefault(name, _Table(whole["$defs"][name]))
        if where not in table.places:
            table.places.append(where)
        if not known:
            for key, inner in table.schema.get("properties", {}).items():
                _collect(inner, f"{where}.{key}", whole, tables)


def _passed_on(schema: Schema) -> tuple[str, Schema] | None:
    """The one key of a table that has nothing but a table in it."""
    keys = list(schema.get("properties", {}).items())
    return keys[0] if len(keys) == 1 and "$ref" in keys[0][1] and schema.get("required") else None


def _tables_of(each: Schema, whole: Schema, place: str) -> Iterator[tuple[str, str]]:
    """The tables that a setting may be or hold, by their name in the schema, and their places."""
    if "$ref" in each:
        yield each["$ref"].rpartition("/")[2], place
    for part in (*each.get("anyOf", ()), *each.get("oneOf", ())):
        yield from _tables_of(part, whole, place)
    if isinstance(each.get("items"), dict):
        yield from _tables_of(each["items"], whole, f"{place}[]")
    for inner in _by_name(each):
        yield from _tables_of(inner, whole, f"{place}.NAME")


def _by_name(each: Schema) -> Iterator[Schema]:
    """What a table whose keys are the user's own holds."""
    if isinstance(each.get("additionalProperties"), dict):
        yield each["additionalProperties"]
    yield from each.get("patternProperties", {}).values()


def _section(table: _Table, whole: Schema, tables: Mapping[str, _Table]) -> str:
    """A table: what it is, where else it may stand, and its keys."""
    told = _plain(table.schema.get("description", ""))
    more = [_header(place) for place in table.places[1:]]
    also = f"\nAlso {', '.join(more)}.\n" if more else ""
    keys = table.schema.get("properties", {})
    rows = _rows(keys, whole, tables, table.schema.get("required", ()))
    return f"### {table.title}\n\n{told}\n{also}\n{rows if keys else 'It has no keys.'}"


def _rows(
    keys: Schema, whole: Schema, tables: Mapping[str, _Table], needed: Any = ("name",)
) -> str:
    """Keys and what they are, as a table in Markdown."""
    lines = ["| key | type | default | range | unit | meaning |", "|---|---|---|---|---|---|"]
    for key, each in keys.items():
        if "const" in each:
            continue  # the title says it
        meaning, unit = _meaning(each, whole)
        default = "*needed*" if key in needed else _default(each, whole)
        cells = (f"`{key}`", _kind(each, whole, tables), default, _range(each), unit, meaning)
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that breaks no row."""
    return " ".join(text.split()).replace("|", "\\|")


def _plain(told: str) -> str:
    """A docstring, without what it says to programmers alone."""
    words = re.split(r"\n\s*\n?(?:Attributes|Args|Raises|Example)s?:\n", told)[0]
    return re.sub(r"(?<!`)``([^`]+)``(?!`)", r"`\1`", words).strip()


def _first(told: str) -> str:
    """The first sentence."""
    return re.split(r"(?<=[.:])\s", _plain(told))[0].rstrip(":.")


def _sentence(told: str) -> str:
    return told[:1].upper() + told[1:].rstrip(".") + "."


def _meaning(each: Schema, whole: Schema) -> tuple[str, str]:
    """What a setting means, and its unit where it has one."""
    told = each.get("description", "")
    found = re.search(r" \(([^()]+)\)$", told)
    if found and found[1] in UNITS:
        return told[: found.start()], found[1]
    if not told:
        inside = [whole["$defs"][name] for name, _ in _tables_of(each, whole, "")]
        told = _first(inside[0]["description"]) if len(inside) == 1 else "by its type"
    return told, ""


def _kind(each: Schema, whole: Schema, tables: Mapping[str, _Table]) -> str:
    """What a value is, in a word or two; a table with a link to its section."""
    if "$ref" in each:
        name = each["$ref"].rpartition("/")[2]
        if inner := _passed_on(whole["$defs"][name]):
            return _kind(inner[1], whole, tables)
        table = tables[name]
        return f"[{_type(table.schema) or 'table'}](#{table.anchor})"
    if "enum" in each:
        return " or ".join(f"`{_toml(value)}`" for value in each["enum"])
    parts = [*each.get("anyOf", ()), *each.get("oneOf", ())]
    if parts:
        told = [_kind(part, whole, tables) for part in parts if part.get("type") != "null"]
        if len(told) > 1 and all("](#" in part for part in told):
            return "table: " + ", ".join(told)
        return " or ".join(dict.fromkeys(told))
    if each.get("type") == "array":
        return _list(each, whole, tables)
    by_name = [_kind(inner, whole, tables) for inner in _by_name(each)]
    if by_name:
        return f"for each name: {by_name[0]}"
    words = {"object": "table of your own", "string": "text", "boolean": "yes or no"}
    kind = str(each.get("type", "any value"))
    return words.get(kind, kind)


def _list(each: Schema, whole: Schema, tables: Mapping[str, _Table]) -> str:
    if "prefixItems" in each:
        return "list of " + ", ".join(_kind(item, whole, tables) for item in each["prefixItems"])
    return f"list of {_kind(each['items'], whole, tables)}"


def _range(each: Schema) -> str:
    """What bounds a value; bounds that all numbers have are not told."""
    if each.get("anyOf"):
        told = (_range(part) for part in each["anyOf"] if part.get("type") != "null")
        return "; ".join(dict.fromkeys(text for text in told if text))
    low = each.get("exclusiveMinimum", each.get("minimum"))
    high = each.get("exclusiveMaximum", each.get("maximum"))
    told = []
    if low is not None and abs(low) < MOST:
        told.append(f"{'>' if 'exclusiveMinimum' in each else '≥'} {_number(low)}")
    if high is not None and abs(high) < MOST:
        told.append(f"{'<' if 'exclusiveMaximum' in each else '≤'} {_number(high)}")
    if "minItems" in each and "prefixItems" not in each:
        told.append(f"{each['minItems']} or more")
    if "maxItems" in each and "prefixItems" not in each:
        told.append(f"{each['maxItems']} at most")
    inner = each.get("items")
    if isinstance(inner, dict) and (below := _range(inner)):
        told.append(f"each {below}")
    return ", ".join(told) + "".join(f"each {text}" for i in _by_name(each) if (text := _range(i)))


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _default(each: Schema, whole: Schema) -> str:
    """What holds where a config says nothing."""
    if "default" not in each:
        return ""
    value = each["default"]
    if isinstance(value, dict) and value and any(_tables_of(each, whole, "")):
        kind = value.get("type")
        return f"`{_toml(kind)}`" if kind else "its defaults"
    if value is None:
        return "none"
    return f"`{_toml(value)}`"


def _type(schema: Schema) -> str:
    """The value of `type` that chooses a table; none where there is no choice."""
    return str(schema.get("properties", {}).get("type", {}).get("const", ""))


def _toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return str(value)


def main() -> None:
    """Write the page that is named on the command line."""
    Path(sys.argv[1]).write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
