"""SQL over the rows of a log: what a row is worth for a metric, and which rows count."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from experiments.analyze.settings import LogMetric, LogSpec
from simulator.errors import DataError

_NUMBER = re.compile(r"\d+(\.\d+)?")


def value_of(metric: LogMetric) -> str:
    """SQL of what a row adds."""
    return f"({metric.value})::DOUBLE"


def fixed(metric: LogMetric) -> bool:
    """Whether every row that counts adds the same number."""
    return _NUMBER.fullmatch(metric.value) is not None


def sum_of(metric: LogMetric, counted: str) -> str:
    """SQL of the sum over rows; of a fixed number it is counted, which takes a third of the time.

    Args:
        metric: what is summed.
        counted: SQL of the rows that count.
    """
    if fixed(metric):
        return f"count(*) FILTER ({counted}) * {value_of(metric)}"
    return f"coalesce(sum({value_of(metric)}) FILTER ({counted}), 0)"


def counts(metric: LogMetric, spec: LogSpec) -> str:
    """SQL of the rows that count: those of the experiment; in a join of `row_values`."""
    apart = spec.assignments is not None and spec.time is not None
    after = "of_log.at_ >= assigned.at_" if apart else "true"
    return f"({metric.where or 'true'}) AND {after}"


def row_values(metric: LogMetric, spec: LogSpec) -> str:
    """SQL of rows (arm, unit, value): what every row is worth that counts for a metric."""
    return (
        f"SELECT assigned.arm_ AS arm, unit_ AS unit, {value_of(metric)} AS value FROM "
        f"log_assigned AS assigned JOIN log_rows AS of_log USING (unit_) "
        f"WHERE {counts(metric, spec)}"
    )


@contextmanager
def numbers_of_rows() -> Iterator[None]:
    """Blame what is not SQL of numbers on the metrics.

    Raises:
        DataError: with what DuckDB says.
    """
    try:
        yield
    except (duckdb.ConversionException, duckdb.BinderException, duckdb.ParserException) as error:
        raise DataError(
            f"metrics == {said(error)}, must be SQL of numbers over the columns"
        ) from error


def said(error: Exception) -> str:
    """The first line of what DuckDB says."""
    return str(error).splitlines()[0]
