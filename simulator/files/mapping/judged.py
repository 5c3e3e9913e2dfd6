"""Which column of a file of human grades holds what: told from its names and its values."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.files.columns import GRADES
from simulator.files.mapping.columns import Settings, column_named, merged
from simulator.files.mapping.layouts import JUDGED, plain
from simulator.files.mapping.proposing import Proposal, written_as
from simulator.files.tables.amounts import is_empty
from simulator.files.tables.cells import text_in
from simulator.files.tables.findings import unusable
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.readers import read_table, table_columns
from simulator.files.tables.table import Table

_LOCALE = "product_locale"
_BESIDE = ("query.csv", "queries.csv", "query.tsv", "queries.tsv")
_BEST = 3
_WHOLE = ("0", "1", "2", "3", "0.0", "1.0", "2.0", "3.0")
_MOST_VALUES = 12  # of grades that a refusal lists


def propose_judgments(
    path: Path,
    queries: Path | None,
    only: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
) -> Proposal:
    """Settings under which a file is read as human grades.

    Args:
        queries: a file with the texts of queries; None: looked for beside the grades, where those
            have no texts.
        only: what the catalogue's rows must have; grades of other countries are left out alike.
        given: settings that the user has decided, as `[judgments]` has them.

    Raises:
        DataError: a file cannot be read, or no column can be the query, the product or the grade.
    """
    given = given or {}
    format_, told = written_as(path, given.get("format", {}))
    names = table_columns(path, FormatSpec(**format_))
    found = {role: column_named(names, text.split()) for role, text in JUDGED.items()}
    found |= {role: given[role] for role in ("query", "product", "grade") if role in given}
    texts = found["query"]
    if queries is None and texts is None and found["query_id"] is not None:
        beside = [path.with_name(name) for name in _BESIDE]
        queries = next((each for each in beside if each.is_file()), None)
        if queries is not None:
            told.append(f"the texts of queries are in {queries.name}, which lies beside it")
    if queries is not None:
        found["query"] = found["query_id"] or texts
    missing = [role for role in ("query", "product", "grade") if found[role] is None]
    if missing:
        hint = "; query texts apart: --queries FILE" if "query" in missing else ""
        listed = ", ".join(map(repr, names))
        raise unusable(
            path.name,
            f"no column that is known as {' or as '.join(missing)}",
            f"a file of queries, product ids and grades (columns: {listed}{hint})",
        )
    settings: Settings = {role: found[role] for role in ("query", "product", "grade")}
    table = _read(path, [*settings.values(), *_locale(names, only)], format_)
    settings |= {"format": format_} if format_ else {}
    for column in _locale(names, only):
        settings["only"] = {column: only[_LOCALE]}
        told.append(f"grades of other countries than {only[_LOCALE]} are left out")
    settings |= _scale(path, table, str(found["grade"]), told) if "grades" not in given else {}
    if queries is not None:
        settings["queries"] = {"path": str(queries), **_queries(queries, told)}
    told += [f"{role}: {found[role]}" for role in ("query", "product", "grade")]
    rest = {key: value for key, value in given.items() if key != "path"}
    return Proposal("", merged(settings, rest), tuple(told))


def _read(path: Path, columns: list[str], format_: Settings) -> Table:
    wanted = {f"judgments: {name}": name for name in columns}
    return read_table(path, FormatSpec(**format_), wanted, "judgments.format")


def _locale(names: list[str], only: Mapping[str, Any]) -> list[str]:
    return [name for name in names if plain(name) == _LOCALE and _LOCALE in only]


def _scale(path: Path, table: Table, column: str, told: list[str]) -> Settings:
    """The table of grades where they are neither names that are known nor 0 to 3."""
    cells = [text_in(c, joined=False) for c in table.columns[column] if not is_empty(c)]
    values = Counter(str(cell).strip() for cell in cells)
    unknown = [v for v in values if v.casefold() not in GRADES and v not in _WHOLE]
    if not unknown:
        named = {v: GRADES[v.casefold()] for v in values if v.casefold() in GRADES}
        if named:
            pairs = ", ".join(f"{name} {grade}" for name, grade in named.items())
            told.append(f"grades by name: {pairs}")
        return {}
    try:
        numbers = {value: float(value) for value in values}
    except ValueError:
        numbers = {}
    finite = all(map(math.isfinite, numbers.values()))
    if (
        not (numbers and finite)
        or len(values) > _MOST_VALUES
        or max(numbers.values()) <= min(numbers.values())
    ):
        shown = ", ".join(map(repr, list(values)[:_MOST_VALUES]))
        raise unusable(
            f"{path.name}: {column}",
            shown,
            "0, 1, 2 or 3, or a name such as Exact; or say which grade each is in judgments.grades",
        )
    low, high = min(numbers.values()), max(numbers.values())
    scaled = {v: round(_BEST * (n - low) / (high - low)) for v, n in numbers.items()}
    pairs = ", ".join(f"{value} is {grade}" for value, grade in sorted(scaled.items()))
    told.append(
        f"grades are of another scale and are brought to 0 to 3: {pairs}; change it at will"
    )
    return {"grades": scaled}


def _queries(path: Path, told: list[str]) -> Settings:
    format_, said = written_as(path, {})
    told += said
    names = table_columns(path, FormatSpec(**format_))
    key = column_named(names, JUDGED["query_id"].split())
    text = column_named(names, JUDGED["query"].split())
    if key is None or text is None:
        listed = ", ".join(map(repr, names))
        raise unusable(
            path.name, "no column that is known as query_id and query", f"both (columns: {listed})"
        )
    told.append(f"queries: {key} and {text} of {path.name}")
    return {"id": key, "text": text} | ({"format": format_} if format_ else {})
