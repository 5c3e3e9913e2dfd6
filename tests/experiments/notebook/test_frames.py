"""Frames have a flat column for each number of the rows, of the right kind, also where empty."""

from dataclasses import dataclass

import pandas as pd
import pytest

from experiments.notebook.frames import frame
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.metrics import Contrast, Estimate
from experiments.records.truth import Truth


@dataclass(frozen=True)
class Inner:
    pages: Interval
    note: str


@dataclass(frozen=True)
class Row:
    metric: str
    contrast: Contrast
    n: int
    level: Number
    held: bool | None
    best: int | None
    effect: Interval
    inner: Inner | None
    channels: tuple[str, ...]
    per_seed: tuple[float, ...]


FULL = Row(
    *("gmv", ("a", "b"), 3, 1.5, True, 7, Interval(0.1, -0.2, 0.4)),
    *(Inner(Interval(1.0, 0.0, 2.0), "x"), ("lexical", "dense"), (1.0, 2.0)),
)
BARE = Row("orders", ("a", "b"), 4, None, None, None, UNKNOWN, None, (), ())
COLUMNS = [
    *("metric", "control_arm", "treatment_arm", "n", "level", "held", "best"),
    *("effect", "effect_low", "effect_high"),
    *("inner_pages", "inner_pages_low", "inner_pages_high", "inner_note", "channels"),
]


def test_every_number_has_a_column_and_lists_of_readings_have_none() -> None:
    made = frame(Row, [FULL, BARE])
    assert list(made.columns) == COLUMNS
    first = made.iloc[0]
    assert (first["control_arm"], first["treatment_arm"]) == ("a", "b")
    assert first[["effect", "effect_low", "effect_high"]].tolist() == [0.1, -0.2, 0.4]
    assert first["inner_pages_high"] == 2.0
    assert first["channels"] == "lexical + dense"
    assert first["best"] == 7


def test_what_is_not_known_is_missing() -> None:
    bare = frame(Row, [FULL, BARE]).iloc[1]
    unknown = ["level", "held", "best", "effect", "effect_low", "inner_pages", "inner_note"]
    assert bare[unknown].isna().all()
    assert bare["channels"] == ""


def test_columns_and_kinds_are_the_same_without_rows() -> None:
    empty, full = frame(Row, []), frame(Row, [FULL])
    assert list(empty.columns) == list(full.columns)
    assert empty.dtypes.tolist() == full.dtypes.tolist()
    kinds = dict(zip(full.columns, map(str, full.dtypes), strict=True))
    assert [kinds[name] for name in ("n", "level", "held", "best")] == [
        *("int64", "float64", "boolean", "Int64"),
    ]


@pytest.mark.parametrize("kind", [Estimate, Truth])
def test_records_of_a_run_have_frames_of_scalars(kind: type) -> None:
    made = frame(kind, [])
    assert {"metric", "control_arm", "treatment_arm", "relative", "relative_low"} <= set(made)
    assert isinstance(made, pd.DataFrame)
