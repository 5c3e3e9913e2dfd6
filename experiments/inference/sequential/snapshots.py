"""Tables of cumulative snapshots: counts, means and variances of two arms at each time.

The form in which experimentation platforms keep a metric over time, and in which ASOS published 78
experiments (Liu, Cardoso, Couturier and McCoy, "Datasets for online controlled experiments", 2021).
Reading and checking are done in DuckDB; only rows that tell an effect leave it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from experiments.inference.logs import EngineSpec, engine, rows
from experiments.inference.sequential.looks import ArmLooks, Looks
from simulator.errors import DataError, closest
from simulator.files.tables.findings import FileFinding, refuse, short, told
from simulator.files.tables.readers import DELIMITED, PARQUET, known_suffix
from simulator.spec import Spec

Floats = NDArray[np.float64]

SHRINKING = 0.95
"""A count below this part of one before it is no cumulative count; one between is told."""


class SnapshotColumns(Spec):
    """Which column of a table is what; the names of the ASOS table where nothing is said."""

    experiment: str = Field(default="experiment_id", description="which experiment")
    variant: str = Field(default="variant_id", description="which treatment of it")
    metric: str = Field(default="metric_id", description="which metric")
    time: str = Field(
        default="time_since_start", description="when: a number, or a moment (told in days)"
    )
    count_control: str = Field(default="count_c", description="units of control up to then")
    count_treatment: str = Field(default="count_t", description="units of the treatment")
    mean_control: str = Field(default="mean_c", description="mean over the units of control")
    mean_treatment: str = Field(default="mean_t", description="mean over those of the treatment")
    variance_control: str = Field(default="variance_c", description="variance of a unit of control")
    variance_treatment: str = Field(default="variance_t", description="of one of the treatment")


@dataclass(frozen=True)
class SnapshotSeries:
    """The looks at one metric of one treatment.

    Attributes:
        experiment, variant, metric: as the table calls them.
        looks: in the order of time.
    """

    experiment: str
    variant: str
    metric: str
    looks: Looks


@dataclass(frozen=True)
class SnapshotArm:
    """The last counts of a treatment and its control, also where no metric tells an effect.

    Attributes:
        experiment, variant: as the table calls them.
        n_control, n_treatment: units.
    """

    experiment: str
    variant: str
    n_control: int
    n_treatment: int


@dataclass(frozen=True)
class Snapshots:
    """A table of snapshots.

    Attributes:
        series: in the order in which the table has them.
        arms: likewise.
        findings: what was odd, and how many rows were left out for what reason, a sentence each.
    """

    series: tuple[SnapshotSeries, ...]
    arms: tuple[SnapshotArm, ...]
    findings: tuple[str, ...]


_NAMES = ("experiment", "variant", "metric")
_NUMBERS = tuple(name for name in SnapshotColumns.model_fields if name not in _NAMES)
_COUNTS = ("count_control", "count_treatment")
_VARIANCES = ("variance_control", "variance_treatment")
_MOMENTS = ("mean_control", "mean_treatment", *_VARIANCES)
_MISSING = "['', 'NA', 'NULL', 'null']"


def read_snapshots(
    path: Path, columns: SnapshotColumns | None = None, *, spec: EngineSpec | None = None
) -> Snapshots:
    """Read a table of snapshots, in any order of rows.

    Rows that tell no effect are left out and counted in `findings`: without a mean or a variance,
    with fewer than 2 units in an arm, or without any variation. A count that shrinks a little, and
    rows in another order than that of time, are told there with their place.

    Args:
        path: a Parquet file, or CSV (.csv, .tsv, .tab, .txt, also with .gz behind).
        columns: names of its columns.
        spec: threads and memory.

    Raises:
        DataError: no such file or column, or a table that cannot be used, with the first places and
            values: what is no number, no name, no time or no count, counts below 0 or of part of a
            unit, negative variances, two rows of one time, counts that are not cumulative.
    """
    columns = columns or SnapshotColumns()
    suffix = known_suffix(path)
    if suffix not in (*PARQUET, *DELIMITED):
        raise DataError(f"{path.name} == {suffix}, must be Parquet or CSV")
    with engine(spec or EngineSpec()) as connection:
        try:
            connection.execute("SET preserve_insertion_order = true")  # places are told by rows
            _load(connection, path, suffix, columns)
            refuse([each for kind in _refused(connection, path, columns) for each in told(kind)])
            found = Snapshots(
                tuple(_series(connection)), tuple(_arms(connection)), tuple(_odd(connection))
            )
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            said = short(str(error).splitlines()[0])
            raise DataError(f"{path.name} == unreadable ({said}), must be a whole table") from error
    if not found.arms:
        raise DataError(f"{path.name} == no rows, must be a table with at least one")
    return found


def _load(
    connection: duckdb.DuckDBPyConnection, path: Path, suffix: str, columns: SnapshotColumns
) -> None:
    """The table `snapshot`: each number also as text, with its row and what came before.

    Raises:
        DataError: a column is missing.
    """
    file = "'" + str(path).replace("'", "''") + "'"
    source = f"read_csv({file}, header = true, all_varchar = true, nullstr = {_MISSING})"
    if suffix in PARQUET:
        source = f"read_parquet({file})"
    known = [row["column_name"] for row in rows(connection, f"DESCRIBE SELECT * FROM {source}")]
    for field, name in columns:
        if name not in known:
            near = closest(name, known)
            hint = f" (the closest: {near!r})" if near else ""
            raise DataError(f"{path.name}: columns.{field} == {name!r}, must be a column{hint}")
    names = {field: '"' + name.replace('"', '""') + '"' for field, name in columns}
    texts = ", ".join(f"trim({name}::VARCHAR) AS {field}_text" for field, name in names.items())
    number = "TRY_CAST({0}_text AS DOUBLE)"
    moment = "coalesce({0}, epoch(TRY_CAST(time_text AS TIMESTAMP)) / 86400)"
    numbers = ", ".join(
        (moment.format(number.format(field)) if field == "time" else number.format(field))
        + f" AS {field}"
        for field in _NUMBERS
    )
    series = ", ".join(f"{field}_text" for field in _NAMES)
    before = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    most = ", ".join(f"max({field}) OVER (ordered {before}) AS most_{field}" for field in _COUNTS)
    connection.execute(
        f"CREATE TEMP TABLE snapshot AS WITH read AS (SELECT row_number() OVER () AS row, {texts} "
        f"FROM {source}), typed AS (SELECT *, {numbers} FROM read) SELECT *, {most}, "
        "lag(time) OVER (ordered) AS time_before, "
        f"lag(time) OVER (PARTITION BY {series} ORDER BY row) AS time_above, "
        f"min(row) OVER (PARTITION BY {series}) AS first_row, {_untold()} AS untold "
        f"FROM typed WINDOW ordered AS (PARTITION BY {series} ORDER BY time, row)"
    )


def _untold() -> str:
    """SQL of why a row tells no effect; '' where it does."""
    no_moment = " OR ".join(f"{field} IS NULL OR isnan({field})" for field in _MOMENTS)
    few = " OR ".join(f"{field} < 2" for field in _COUNTS)
    flat = " AND ".join(f"{field} = 0" for field in _VARIANCES)
    return (
        f"CASE WHEN {few} THEN 'an arm has fewer than 2 units' "
        f"WHEN {no_moment} THEN 'a mean or a variance is missing' "
        f"WHEN {flat} THEN 'nothing varies' ELSE '' END"
    )


def _refused(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: SnapshotColumns
) -> Iterator[list[FileFinding]]:
    """What makes the table unusable, rule by rule."""
    rules = [(field, f"{field}_text IS NULL", "a name") for field in _NAMES]
    for field in _NUMBERS:
        lacking = f"{field} IS NULL" + (
            f" AND {field}_text IS NOT NULL" if field in _MOMENTS else ""
        )
        rules.append((field, f"{lacking} OR isinf({field})", "a number"))
    for field in _COUNTS:
        whole = f"{field} < 0 OR {field} <> floor({field}) OR isnan({field})"
        cumulative = f"cumulative: at least {SHRINKING:.0%} of the most before"
        rules.append((field, whole, "a whole number, 0 or more"))
        rules.append((field, f"{field} < {SHRINKING} * most_{field}", cumulative))
    rules += [(field, f"{field} < 0", ">= 0") for field in _VARIANCES]
    rules.append(("time", "isnan(time)", "a number"))
    rules.append(("time", "time = time_before", "another time than that of any row of its series"))
    for field, wrong, wanted in rules:
        yield [
            FileFinding(
                f"{path.name}, {_place(row)}: {getattr(columns, field)}",
                short(row[f"{field}_text"]),
                wanted,
            )
            for row in rows(connection, f"SELECT * FROM snapshot WHERE {wrong} ORDER BY row")
        ]


def _place(row: dict[str, Any]) -> str:
    """Where a row is."""
    ids = ", ".join(f"{field} {row[f'{field}_text']}" for field in (*_NAMES, "time"))
    return f"row {row['row']} ({ids})"


def _odd(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What was odd, and what was left out."""
    for reason, count in connection.execute(
        "SELECT untold, count(*) FROM snapshot WHERE untold <> '' GROUP BY untold ORDER BY untold"
    ).fetchall():
        yield f"rows left out ({reason}): {count}"
    for field in _COUNTS:
        found = rows(
            connection, f"SELECT * FROM snapshot WHERE {field} < most_{field} ORDER BY row"
        )
        if found:
            first = found[0]
            yield (
                f"rows whose {field} is less than before: {len(found)}, first {_place(first)}: "
                f"{first[field]:.0f} after {first[f'most_{field}']:.0f}"
            )
    found = rows(connection, "SELECT * FROM snapshot WHERE time < time_above ORDER BY row")
    if found:
        yield (
            f"rows of an earlier time than the row of their series above them: {len(found)}, first "
            f"{_place(found[0])}; all were sorted"
        )


def _series(connection: duckdb.DuckDBPyConnection) -> Iterator[SnapshotSeries]:
    listed = ", ".join(_NUMBERS)
    table = connection.execute(
        f"SELECT first_row, {listed} FROM snapshot WHERE untold = '' ORDER BY first_row, time"
    ).fetchnumpy()
    number = {field: np.asarray(table[field], np.float64) for field in _NUMBERS}
    starts = np.flatnonzero(np.diff(table["first_row"], prepend=-1))
    names = connection.execute(
        "SELECT DISTINCT first_row, experiment_text, variant_text, metric_text FROM snapshot "
        "WHERE untold = '' ORDER BY first_row"
    ).fetchall()
    ends = np.append(starts, len(table["first_row"]))[1:]
    for (_, experiment, variant, metric), start, end in zip(names, starts, ends, strict=True):
        own = {field: column[start:end] for field, column in number.items()}
        arms = (
            ArmLooks(count, own[f"mean_{arm}"], np.sqrt(own[f"variance_{arm}"] / count))
            for arm in ("control", "treatment")
            for count in (own[f"count_{arm}"],)
        )
        yield SnapshotSeries(experiment, variant, metric, Looks(own["time"], *arms))


def _arms(connection: duckdb.DuckDBPyConnection) -> Iterator[SnapshotArm]:
    for experiment, variant, control, treatment in connection.execute(
        "SELECT experiment_text, variant_text, max_by(count_control, time), "
        "max_by(count_treatment, time) FROM snapshot GROUP BY ALL ORDER BY min(row)"
    ).fetchall():
        yield SnapshotArm(experiment, variant, int(control), int(treatment))
