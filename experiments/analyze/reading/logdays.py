"""Sums of a log's units by day, inside DuckDB."""

import duckdb

from experiments.analyze.reading.rowsql import counts, sum_of
from experiments.analyze.reading.source import quoted
from experiments.analyze.settings import LogSpec
from simulator.protocols import DAY

DAYS = "log_days"
"""Of units and days: `unit`, `day` (since the first exposure of all), `since` (since the unit's
own), and the sum of each metric by its name. Only where there are events with times."""


def build_days(connection: duckdb.DuckDBPyConnection, spec: LogSpec) -> tuple[int, float]:
    """Make `DAYS`, where it is wanted and rows have times; how many days, and since when."""
    if not spec.daily or spec.rows != "events" or spec.time is None:
        return 0, 0.0
    (start,) = connection.execute("SELECT min(at_) FROM log_assigned").fetchone() or (None,)
    if start is None:
        return 0, 0.0
    sums = ", ".join(
        f"{sum_of(metric, counts(metric, spec))} AS {quoted(metric.name)}"
        for metric in spec.metrics
        if metric.quantile is None
    )
    connection.execute(
        f"CREATE TEMP TABLE {DAYS} AS SELECT unit_ AS unit, "
        f"floor((of_log.at_ - {start!r}) / {DAY})::INTEGER AS day, "
        f"floor((of_log.at_ - assigned.at_) / {DAY})::INTEGER AS since, {sums or '0 AS none'} "
        "FROM log_assigned AS assigned JOIN log_rows AS of_log USING (unit_) "
        f"WHERE of_log.at_ >= assigned.at_ GROUP BY unit_, day, since"
    )
    (last,) = connection.execute(f"SELECT max(day) FROM {DAYS}").fetchone() or (None,)
    return (0 if last is None else int(last) + 1), float(start)
