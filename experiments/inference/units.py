"""Sufficient statistics per arm, computed by DuckDB from the Parquet log.

The log is reduced once to a table of sums per shopper and day, which stays inside DuckDB (and
spills to disk); what leaves it is counts, means, variances and covariances. Memory is therefore
flat in exposures, and no table of shoppers reaches Python.

Prices and latencies are summed in fixed point (`exact_sum`), so a shopper's sums do not depend
on the order in which threads meet the rows: equal worlds give equal sums, to the bit.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
from tea_tasting.aggr import Aggregates

from experiments.inference.logs import (
    EngineSpec,
    Manifest,
    engine,
    exact_sum,
    read_manifest,
    rows,
    scan,
)
from experiments.inference.metrics import UNIT_COLUMNS, Column, Metric
from experiments.inference.reduction.cuped import PRE
from experiments.inference.reduction.unittable import UnitTable


def counted_rows(log: Path, table: str, kept: str = "") -> str:
    """SQL of a table of the log as columns of the unit table count it.

    Sessions come with their day, and with whether anything was clicked in them.

    Args:
        log: a log folder.
        table: which.
        kept: a table with the `request` and `session` of what counts; "": all does. A session
            counts as a whole.
    """
    if table != "sessions":
        only = f"(SELECT * FROM {scan(log, table)} SEMI JOIN {kept} USING (request))"
        return only if kept else scan(log, table)
    clicked = (
        f"SELECT DISTINCT session FROM {scan(log, 'exposures')} JOIN {scan(log, 'requests')} "
        "USING (request) WHERE clicked"
    )
    return (
        "(SELECT shopper, arm, CAST(floor(start / 86400) AS SMALLINT) AS day, "
        f"session IN ({clicked}) AS clicked FROM {scan(log, 'sessions')}"
        + (f" WHERE session IN (SELECT session FROM {kept}))" if kept else ")")
    )


def shopper_days(log: Path, columns: Iterable[str], kept: str = "") -> str:
    """SQL of (arm, shopper, day) and these columns of the unit table, summed over each day.

    `kept` is as of `counted_rows`.
    """
    asked = {UNIT_COLUMNS[column].positive or column for column in columns} | {"requests"}
    wanted = {name: column for name, column in UNIT_COLUMNS.items() if name in asked}
    parts = []
    for table in dict.fromkeys(column.table for column in wanted.values()):
        own = {name: column for name, column in wanted.items() if column.table == table}
        listed = ", ".join(f"{summed(column)} AS {name}" for name, column in own.items())
        source = counted_rows(log, table, kept)
        parts.append(f"SELECT arm, shopper, day, {listed} FROM {source} GROUP BY ALL")
    total = ", ".join(f"sum({name})::{_kind(column)} AS {name}" for name, column in wanted.items())
    union = " UNION ALL BY NAME ".join(parts)
    return f"SELECT arm, shopper, day, {total} FROM ({union}) GROUP BY ALL"


def summed(column: Column) -> str:
    """SQL of a column's sum over the rows of its table."""
    if column.value:
        return exact_sum(column.value)
    if column.distinct:
        return f"count(DISTINCT {column.distinct})"
    return f"count(*) FILTER ({column.where})" if column.where else "count(*)"


def _kind(column: Column) -> str:
    return "DOUBLE" if column.value else "INTEGER"


def unit_sums(columns: Iterable[str], *, prefix: str = "") -> str:
    """SQL select list of these columns of the unit table, from rows of `shopper_days`."""
    listed = []
    for name in sorted(set(columns)):
        column = UNIT_COLUMNS[name]
        value = f"coalesce(sum({name}), 0)::{_kind(column)}"
        if column.positive:
            value = f"(coalesce(sum({column.positive}), 0) > 0)::INTEGER"
        listed.append(f"{value} AS {prefix}{name}")
    return ", ".join(listed)


def exposed_shoppers(log: Path, columns: Iterable[str]) -> str:
    """SQL of a row for each exposed shopper of a log, with these columns of the unit table."""
    return (
        f"SELECT shopper, {unit_sums(columns)} FROM ({shopper_days(log, columns)}) "
        "GROUP BY shopper HAVING sum(requests) > 0"
    )


class Units:
    """The unit table of a log: one row per exposed shopper and arm, inside DuckDB.

    Attributes:
        manifest: the log's manifest.
        connection: where the tables live; open until `open_units` ends.
        has_history: whether every column also exists with the prefix `PRE`.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        log: Path,
        history: Path | None,
        columns: set[str],
        kept: str = "",
    ) -> None:
        self.manifest: Manifest = read_manifest(log)
        self.connection = connection
        self.has_history = history is not None
        self._columns = columns
        if kept:
            connection.execute(f"CREATE TEMP TABLE kept AS {kept}")
        made = shopper_days(log, columns, "kept" if kept else "")
        connection.execute(f"CREATE TEMP TABLE shopper_days AS {made}")
        if history is not None:
            sums = unit_sums(columns, prefix=PRE)
            connection.execute(
                f"CREATE TEMP TABLE history AS SELECT shopper, {sums} "
                f"FROM ({shopper_days(history, columns)}) GROUP BY shopper"
            )

    def _table(self, columns: set[str], last_day: int | None) -> str:
        own = {column for column in columns if not column.startswith(PRE)}
        until = "" if last_day is None else f"WHERE day <= {last_day}"
        table = (
            f"SELECT arm, shopper, {unit_sums(own | {'requests'})} "
            f"FROM shopper_days {until} GROUP BY arm, shopper HAVING sum(requests) > 0"
        )
        covariates = [f"coalesce({column}, 0) AS {column}" for column in sorted(columns - own)]
        if not covariates:
            return table
        return (
            f"SELECT units.*, {', '.join(covariates)} FROM ({table}) AS units "
            "LEFT JOIN history USING (shopper)"
        )

    def table(self, metrics: Sequence[Metric]) -> UnitTable:
        """The columns of these metrics, of each exposed shopper, for adjustments of any kind.

        With the history's, where there is one. Columns `shopper` and `arm`, its name.

        Raises:
            DataError: a shopper is in two arms.
        """
        prefixes = ("", PRE) if self.has_history else ("",)
        columns = {prefix + c for prefix in prefixes for m in metrics for c in m.columns}
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in self.manifest.arms)
        sql = f"SELECT * REPLACE ([{names}][arm + 1] AS arm) FROM ({self._table(columns, None)})"
        return UnitTable.of(self.connection, sql, unit="shopper", arm="arm")

    def aggregates(
        self, metrics: Sequence[Metric], *, covariates: bool = False, last_day: int | None = None
    ) -> dict[str, Aggregates]:
        """Statistics of every column of these metrics, by arm name.

        Args:
            metrics: what is to be estimated.
            covariates: add the history columns, for CUPED; needs a history.
            last_day: count what happened up to and including this day; none: all.

        Returns:
            tea-tasting aggregates; an arm without exposed shoppers has count 0.
        """
        prefixes = ("", PRE) if covariates else ("",)
        groups = [[prefix + c for prefix in prefixes for c in m.columns] for m in metrics]
        columns = sorted({column for group in groups for column in group})
        pairs = sorted({pair for group in groups for pair in combinations(sorted(group), 2)})
        statistics = ["count(*) AS n"]
        statistics += [f"avg({c}), var_samp({c})" for c in columns]
        statistics += [f"covar_samp({left}, {right})" for left, right in pairs]
        result = self.connection.execute(
            f"SELECT arm, {', '.join(statistics)} "
            f"FROM ({self._table(set(columns), last_day)}) GROUP BY arm"
        ).fetchall()
        by_arm = {row[0]: row[1:] for row in result}
        nothing = (0,) + (None,) * (len(columns) * 2 + len(pairs))
        return {
            name: aggregates_of(by_arm.get(arm, nothing), columns, pairs)
            for arm, name in enumerate(self.manifest.arms)
        }

    def days(self) -> list[int]:
        """The days with requests."""
        asked = "SELECT DISTINCT day FROM shopper_days WHERE requests > 0 ORDER BY day"
        return [row["day"] for row in rows(self.connection, asked)]

    def daily(self, metrics: Sequence[Metric]) -> dict[int, dict[str, Aggregates]]:
        """Cumulative statistics of these metrics: by day, everything up to and including it."""
        return {day: self.aggregates(metrics, last_day=day) for day in self.days()}


def aggregates_of(
    row: Sequence[Any], columns: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Aggregates:
    """Statistics from a row of SQL: a count, mean and variance of each column, then covariances."""
    values = [float("nan") if value is None else float(value) for value in row[1:]]
    means, variances = values[: 2 * len(columns) : 2], values[1 : 2 * len(columns) : 2]
    return Aggregates(
        count_=int(row[0]),
        mean_=dict(zip(columns, means, strict=True)),
        var_=dict(zip(columns, variances, strict=True)),
        cov_=dict(zip(pairs, values[2 * len(columns) :], strict=True)),
    )


@contextmanager
def open_units(
    log: Path,
    metrics: Sequence[Metric],
    *,
    history: Path | None = None,
    kept: str = "",
    spec: EngineSpec | None = None,
) -> Iterator[Units]:
    """Read a log, and the history before it, into a unit table for these metrics.

    Args:
        log: the experiment's log folder.
        metrics: all that will be asked of the table.
        history: log folder of the period before, joined by shopper; shoppers without one get 0.
        kept: SQL of the `request` and `session` of what counts; "": all does. Shoppers of whom
            nothing counts are left out.
        spec: threads and memory.

    Raises:
        DataError: a folder is not a log.
    """
    columns = {column for metric in metrics for column in metric.columns}
    if history is not None:
        read_manifest(history)
    with engine(spec or EngineSpec()) as connection:
        yield Units(connection, log, history, columns, kept)
