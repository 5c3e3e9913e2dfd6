"""Rows of records as pandas frames: a column for each number, so that frames merge and plot."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pandas as pd

from experiments.records.interval import Interval

CONTRAST = "contrast"
_DTYPES = {
    frozenset({float}): "float64",
    frozenset({float, NoneType}): "float64",
    frozenset({int, float}): "float64",
    frozenset({int}): "int64",
    frozenset({int, NoneType}): "Int64",
    frozenset({bool}): "bool",
    frozenset({bool, NoneType}): "boolean",
}
"""Of the columns, by what the fields may hold; all others are text."""


def frame(kind: type, rows: Iterable[Any]) -> pd.DataFrame:
    """Rows of a record as a frame.

    - An interval `effect` becomes `effect`, `effect_low` and `effect_high`; what the data do not
      determine is missing.
    - `contrast` becomes `control_arm` and `treatment_arm`. With `metric` they are the key by which
      estimates and truths merge.
    - A row within a row is spread: `parts.pages` becomes `parts_pages`.
    - Names in a list are joined by " + "; lists of anything else (readings of each seed) are left
      out: they are in the record.

    Args:
        kind: class of the rows, of which the columns follow even where there are none.
        rows: of that class.
    """
    columns = dict(_columns(kind, ""))
    told = [dict(_cells(row, kind, "")) for row in rows]
    made = pd.DataFrame(told, columns=list(columns))
    return made.astype(columns)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _columns(kind: type, prefix: str) -> Iterator[tuple[str, Any]]:
    """Names of the columns of a class of rows, and their dtypes."""
    for each in fields(kind):
        name, hint = f"{prefix}{each.name}", _hints(kind)[each.name]
        inner = _inner(hint)
        if each.name == CONTRAST and get_origin(hint) is tuple:
            yield from ((f"{prefix}{arm}_arm", "object") for arm in ("control", "treatment"))
        elif inner is Interval:
            yield from ((f"{name}{end}", "float64") for end in ("", "_low", "_high"))
        elif inner is not None:
            yield from _columns(inner, f"{name}_")
        elif _listed(hint) is not None:
            if _listed(hint) is str:
                yield name, "object"
        elif get_origin(hint) is not dict:
            yield name, _DTYPES.get(frozenset(_options(hint)), "object")


def _cells(row: Any, kind: type, prefix: str) -> Iterator[tuple[str, Any]]:
    """Names and values of one row; a row within it that is not there has none."""
    for each in fields(kind):
        name, hint = f"{prefix}{each.name}", _hints(kind)[each.name]
        value, inner = getattr(row, each.name), _inner(hint)
        if each.name == CONTRAST and get_origin(hint) is tuple:
            yield from zip((f"{prefix}control_arm", f"{prefix}treatment_arm"), value, strict=True)
        elif inner is Interval:
            if value is not None:
                ends = ("", "_low", "_high")
                yield from ((f"{name}{e}", n) for e, n in zip(ends, value.numbers, strict=True))
        elif inner is not None:
            if value is not None:
                yield from _cells(value, inner, f"{name}_")
        elif _listed(hint) is not None:
            if _listed(hint) is str:
                yield name, " + ".join(value)
        elif get_origin(hint) is not dict:
            yield name, value


def _options(hint: Any) -> tuple[Any, ...]:
    """The classes that a field may hold."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _inner(hint: Any) -> type | None:
    """The class of rows that a field holds one of, or none."""
    found = [each for each in _options(hint) if isinstance(each, type) and is_dataclass(each)]
    return found[0] if len(found) == 1 else None


def _listed(hint: Any) -> Any:
    """What a field is a list of; None where it is no list."""
    return get_args(hint)[0] if get_origin(hint) is tuple else None
