"""The table of past experiments: one row for each, with its estimate and the simulated one."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from experiments.inference.intervals.student import reach
from experiments.records.reading import read_record, rows_of
from experiments.records.truth import Truths
from experiments.stages.finished import finished_config
from simulator.errors import DataError

FEWEST = 5
"""Past experiments below which nothing is told."""
_NEEDED = ("test", "estimate", "standard_error")
_SIMULATED = ("simulated", "simulated_standard_error")
_RUN = ("run", "metric")
_KNOWN = (*_NEEDED, *_SIMULATED, *_RUN, "change")


@dataclass(frozen=True)
class Past:
    """One past experiment: relative effects as fractions, with standard errors.

    Attributes:
        test: its name.
        change: what was changed, if told.
        estimate, error: what the experiment found.
        simulated, simulated_error: what the simulator says of the same change.
    """

    test: str
    change: str
    estimate: float
    error: float
    simulated: float
    simulated_error: float


def read_past(path: Path) -> list[Past]:
    """The rows of a CSV or Parquet file.

    Its columns are `test`, `estimate`, `standard_error`, and either `simulated` and
    `simulated_standard_error`, or `run` (folder of a finished run, from the file's own folder) and
    `metric`, whose true relative effect is taken; `change` may say what was changed.

    Raises:
        DataError: what cannot be used, with its row and column; or fewer than `FEWEST` rows.
        StoreError: a `run` that is none.
    """
    rows = _rows(path)
    names = set(rows[0]) if rows else set()
    missing = [name for name in _NEEDED if name not in names]
    pairs = [pair for pair in (_SIMULATED, _RUN) if set(pair) <= names]
    if missing or not pairs:
        wanted = missing or [f"{' and '.join(_SIMULATED)}, or {' and '.join(_RUN)}"]
        told = ", ".join(sorted(names)) or "none"
        raise DataError(f"{path}: columns == {told}, must have {', '.join(wanted)}")
    unknown = sorted(names - set(_KNOWN))
    if unknown:
        raise DataError(
            f"{path}: column {unknown[0]!r} is not known, must be one of {', '.join(_KNOWN)}"
        )
    found = [_past(path, number, row) for number, row in enumerate(rows, 1)]
    seen: dict[str, int] = {}
    for number, each in enumerate(found, 1):
        if each.test in seen:
            raise DataError(
                f"{path}: test == {each.test!r} in rows {seen[each.test]} and {number}, "
                "must be one row for each past experiment"
            )
        seen[each.test] = number
    if len(found) < FEWEST:
        raise DataError(f"{path}: rows == {len(found)}, must be >= {FEWEST} past experiments")
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        parquet = path.suffix.lower() in (".parquet", ".pq")
        table = pq.read_table(path) if parquet else arrow_csv.read_csv(path)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:160]
        raise DataError(f"{path} ({said}), must be a CSV or Parquet file") from error
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def _past(path: Path, number: int, row: dict[str, Any]) -> Past:
    place = f"{path}: row {number}"
    name = str(row["test"]).strip() if row["test"] is not None else ""
    if not name:
        raise DataError(f"{place}: test == '', must be a name")
    estimate, error = (_number(place, row, column) for column in ("estimate", "standard_error"))
    _positive(place, "standard_error", error)
    if row.get("simulated") is None and row.get("run") is not None:
        simulated, simulated_error = _of_run(path, place, row)
    else:
        simulated, simulated_error = (_number(place, row, column) for column in _SIMULATED)
        if simulated_error < 0:
            _positive(place, "simulated_standard_error", simulated_error)
    change = row.get("change")
    return Past(
        *(name, "" if change is None else str(change)),
        *(estimate, error, simulated, simulated_error),
    )


def _number(place: str, row: dict[str, Any], column: str) -> float:
    value = row.get(column)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"{place}: {column} == {value!r}, must be a number (relative effect as a fraction: "
            "0.012 is 1.2 %)"
        )
    return number


def _positive(place: str, column: str, value: float) -> None:
    if value <= 0:
        raise DataError(f"{place}: {column} == {value:g}, must be > 0")


def _of_run(path: Path, place: str, row: dict[str, Any]) -> tuple[float, float]:
    """The true relative effect of a run and its standard error, from its interval."""
    folder, metric = path.parent / str(row["run"]), row.get("metric")
    record = read_record(Truths, folder)
    found = rows_of(record.truth, metric=metric)
    if not found:
        metrics = ", ".join(dict.fromkeys(each.metric for each in record.truth))
        raise DataError(f"{place}: metric == {metric!r}, must be one of {folder}: {metrics}")
    if len(found) > 1:
        arms = ", ".join(each.contrast[1] for each in found)
        raise DataError(
            f"{place}: run == {str(row['run'])!r} with treatments {arms}, must have one treatment"
        )
    relative = found[0].relative
    if relative.estimate is None or relative.ends is None:
        raise DataError(f"{place}: {metric} of {folder} has no relative effect with an interval")
    low, high = relative.ends
    freedom = math.inf if found[0].freedom is None else found[0].freedom
    wide = float(reach(1.0, freedom, confidence=finished_config(folder).analysis.confidence))
    return relative.estimate, (high - low) / 2 / wide
