"""Which cells a sweep has: lists of values on the command line, or a file of cells."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import tomli_w

from experiments.config.overrides import Node, parse_value
from experiments.config.schema import SweepSpec
from experiments.config.tomlfiles import read_toml
from experiments.records.sweep import short_keys
from simulator.errors import ConfigError

MOST_CELLS = 1_000
_LONGEST = 80  # characters of a cell's name
_OPENING, _CLOSING, _QUOTES = "[{", "]}", "\"'"
_ODD = re.compile(r"[^A-Za-z0-9.+=_-]+")
_FORM = "must be KEY=V1,V2,.."


@dataclass(frozen=True)
class Axis:
    """Settings that change together, and what they change to.

    Attributes:
        keys: paths of the settings.
        rows: in each, a value for every key, as `--set` takes them.
    """

    keys: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def parse_over(text: str) -> Axis:
    """What `--over KEY=V1,V2,..` says. Commas in brackets or quotes do not split.

    Raises:
        ConfigError: no key, no value, or a bracket or quote that is not closed.
    """
    key, equals, listed = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--over {text}, {_FORM}")
    values = [each.strip() for each in _split(listed, text)]
    if not all(values):
        found = "no values" if values == [""] else "an empty value"
        raise ConfigError(f"--over {text}: {key.strip()} == {found}, {_FORM}")
    return Axis((key.strip(),), tuple((value,) for value in values))


def _split(listed: str, text: str) -> list[str]:
    """A list at its outer commas."""
    parts, depth, quote, escaped = [""], 0, "", False
    for char in listed:
        if quote:
            quote = "" if char == quote and not escaped else quote
            escaped = char == "\\" and quote == '"' and not escaped
        elif char in _QUOTES and (depth or not parts[-1].strip()):  # not the one in it's
            quote = char
        elif char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        if char == "," and not quote and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    if depth or quote:
        raise ConfigError(
            f"--over {text}: a {'quote' if quote else 'bracket'} == without its other half, "
            "must be closed"
        )
    return parts


def read_cells(path: Path) -> Axis:
    """The cells of a TOML file: a list of tables `[[cells]]`, each with the same settings.

    Raises:
        ConfigError: no such file, or not such a list.
    """
    found = read_toml(path)
    cells = found.get("cells")
    if list(found) != ["cells"] or not isinstance(cells, list) or not cells:
        raise ConfigError(f"{path} == {', '.join(found) or 'empty'}, must be [[cells]] tables")
    flat = [_flat(each) if isinstance(each, dict) else {} for each in cells]
    keys = tuple(flat[0])
    for number, each in enumerate(flat):
        if not keys or each.keys() != set(keys):
            raise ConfigError(
                f"{path}: cells[{number}] == {', '.join(each) or 'nothing'}, must set "
                f"{', '.join(keys) or 'a setting'} as every cell does"
            )
    return Axis(keys, tuple(tuple(each[key] for key in keys) for each in flat))


def axes_of(spec: SweepSpec) -> list[Axis]:
    """The settings that `[sweep.over]` names, with their values.

    Raises:
        ConfigError: one has no list of values.
    """
    axes = []
    for key, values in _leaves(spec.over):
        if not isinstance(values, list) or not values:
            raise ConfigError(f"sweep.over.{key} == {values!r}, must be a list of values")
        axes.append(Axis((key,), tuple((_toml(value),) for value in values)))
    return axes


def _flat(table: dict[str, Any]) -> dict[str, str]:
    """Values by dotted path, as TOML."""
    return {key: _toml(value) for key, value in _leaves(table)}


def _leaves(table: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """What is no table, with its dotted path."""
    for key, value in table.items():
        inner = f"{place}.{key}" if place else key
        if isinstance(value, dict):
            yield from _leaves(value, inner)
        else:
            yield inner, value


def _toml(value: Any) -> str:
    """A value as TOML has it in one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    return tomli_w.dumps({"value": value}).partition("=")[2].strip()


def crossed(axes: Sequence[Axis]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """All keys, and every combination of what they change to, the last axis fastest.

    Raises:
        ConfigError: no axis, a key twice, or more cells than anybody could look at.
    """
    keys = tuple(key for axis in axes for key in axis.keys)
    if not keys:
        raise ConfigError(f"--over == not given, {_FORM}, once or more")
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"--over {key} == given twice, must be given once")
    rows = [sum(parts, ()) for parts in product(*(axis.rows for axis in axes))]
    if len(rows) > MOST_CELLS:
        raise ConfigError(f"cells == {len(rows):,}, must be <= {MOST_CELLS:,}")
    return keys, rows


def value_of(text: str) -> Any:
    """A value as a record tells it: what TOML reads, as far as JSON knows it; else the text."""
    value = parse_value(text, Node((object,)))
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return text
    return value


def cell_name(keys: Sequence[str], values: Sequence[str]) -> str:
    """A cell's name, of its values alone: a grid that grows finds its cells again.

    What a folder's name cannot hold is left out, and a digest of the whole then tells it apart.
    """
    told = ",".join(f"{key}={value}" for key, value in zip(short_keys(keys), values, strict=True))
    name = _ODD.sub("-", told.replace(",", "_")).strip("-.")
    if name == told.replace(",", "_") and len(name) <= _LONGEST and "," not in "".join(values):
        return name
    whole = "\n".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
    return f"{name[:_LONGEST]}-{sha256(whole.encode()).hexdigest()[:8]}"
