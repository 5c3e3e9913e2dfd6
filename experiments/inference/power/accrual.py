"""How shoppers and what they do accrue in a log, day by day.

DuckDB takes all sums in one pass over the days of shoppers: a shopper's totals after a day minus
those before it are what the day adds to the sums and to the sums of products. So the statistics of
any number of days are there without reading the log once for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.logs import rows
from experiments.inference.metrics import UNIT_COLUMNS, Metric
from experiments.inference.power.crossproducts import Layout
from experiments.inference.reduction.cuped import PRE
from experiments.inference.units import Units
from simulator.errors import DataError

Floats = NDArray[np.float64]
VISITS = "requests"
"""The column that makes a shopper exposed."""


@dataclass(frozen=True)
class Accrual:
    """Cumulative sums of a log, all arms together, by day.

    A shopper who is served by two arms counts once in each, as in the unit table.

    Attributes:
        layout: the columns of the tables.
        first_day: of the log.
        active_D: shoppers with a request on each day.
        table_DKK: cross products of exposed shoppers' totals, up to and including each day.
        within_DEE: the same of what shoppers did within single days, of the period's own columns;
            the constant counts active shoppers.
        days_of: by column (the requests, and what a 0-1 column tells of) and number of days, the
            shoppers with something in it on 1, 2, .. of these first days.
        arms: exposed shoppers of each arm over the whole log, by name.
    """

    layout: Layout
    first_day: int
    active_D: Floats
    table_DKK: Floats
    within_DEE: Floats
    days_of: dict[tuple[str, int], Floats]
    arms: dict[str, int]

    @property
    def days(self) -> int:
        """How many days the log has."""
        return len(self.active_D)


def accrue(units: Units, metric: Metric, lengths: Sequence[float] = (0.5, 1.0)) -> Accrual:
    """The sums of an open log.

    Args:
        units: its unit table, with the metric's columns.
        metric: what is tested.
        lengths: for which first parts of the days `days_of` is counted.

    Raises:
        DataError: nobody searches in the log.
    """
    layout = Layout.of(metric, history=units.has_history)
    span = rows(
        units.connection,
        f"SELECT min(day) AS low, max(day) AS high FROM shopper_days WHERE {VISITS} > 0",
    )[0]
    if span["low"] is None:
        raise DataError("log == without requests, must have some")
    first, days = int(span["low"]), int(span["high"] - span["low"]) + 1
    counted = {VISITS, *(UNIT_COLUMNS[name].positive for name in metric.columns)} - {""}
    lasts = sorted({max(1, int(days * length)) for length in lengths})
    steps_DKK = _by_day(units, _steps(layout), len(layout.names), first, days)
    within_DEE = _by_day(units, _within(layout), layout.own, first, days)
    return Accrual(
        layout=layout,
        first_day=first,
        active_D=within_DEE[:, 0, 0],
        table_DKK=np.cumsum(steps_DKK, axis=0),
        within_DEE=np.cumsum(within_DEE, axis=0),
        days_of={
            (name, last): _frequencies(units, name, first, last)
            for name in sorted(counted)
            for last in lasts
        },
        arms=_arms(units),
    )


def _steps(layout: Layout) -> str:
    """SQL of what each day of each shopper adds to the table of cross products."""
    base = {VISITS, *(_base(name) for name in layout.names if name and not name.startswith(PRE))}
    pre = [name for name in layout.names if name.startswith(PRE)]
    cumulated = ", ".join(
        f"coalesce(sum({name}) OVER w, 0) AS after_{name}, coalesce({name}, 0) AS own_{name}"
        for name in sorted(base)
    )
    joined = "".join(f", coalesce({name}, 0) AS {name}" for name in pre)
    source = "shopper_days LEFT JOIN history USING (shopper)" if pre else "shopper_days"
    told = []
    for at, name in enumerate(layout.names):
        for when, less in (("after", "0"), ("before", "own_{}")):
            seen = f"(after_{VISITS} - {less.format(VISITS)}) > 0"
            told.append(f"CASE WHEN {seen} THEN {_value(name, less)} ELSE 0 END AS {when}{at}")
    size = len(layout.names)
    sums = ", ".join(
        f"sum(after{i} * after{j} - before{i} * before{j})::DOUBLE AS x{i}_{j}"
        for i in range(size)
        for j in range(i, size)
    )
    return (
        f"SELECT day, {sums} FROM (SELECT day, {', '.join(told)} FROM "
        f"(SELECT day, {cumulated}{joined} FROM {source} "
        "WINDOW w AS (PARTITION BY arm, shopper ORDER BY day))) GROUP BY day ORDER BY day"
    )


def _value(name: str, less: str) -> str:
    """SQL of a column after a day, or before it where what it brought is taken off."""
    if not name:
        return "1::DOUBLE"
    if name.startswith(PRE):
        return f"{name}::DOUBLE"
    total = f"(after_{_base(name)} - {less.format(_base(name))})"
    return f"({total} > 0)::INTEGER::DOUBLE" if UNIT_COLUMNS[name].positive else f"{total}::DOUBLE"


def _within(layout: Layout) -> str:
    """SQL of the cross products of what shoppers did on each day."""
    told = [f"({VISITS} > 0)::INTEGER::DOUBLE AS x0"]
    for at, name in enumerate(layout.names[1 : layout.own], 1):
        today = f"coalesce({_base(name)}, 0)"
        value = f"({today} > 0)::INTEGER" if UNIT_COLUMNS[name].positive else today
        told.append(f"{value}::DOUBLE AS x{at}")
    sums = ", ".join(
        f"sum(x{i} * x{j}) AS x{i}_{j}" for i in range(layout.own) for j in range(i, layout.own)
    )
    return f"SELECT day, {sums} FROM (SELECT day, {', '.join(told)} FROM shopper_days) GROUP BY day"


def _base(name: str) -> str:
    """The column of the shoppers' days that a column is of."""
    return UNIT_COLUMNS[name].positive or name


def _by_day(units: Units, sql: str, size: int, first: int, days: int) -> Floats:
    """(D, K, K) symmetric tables from rows of (day, upper triangle); 0 on days without rows."""
    table_DKK = np.zeros((days, size, size))
    for row in rows(units.connection, sql):
        at = int(row["day"]) - first
        if not 0 <= at < days:  # orders of days on which nobody searched
            at = min(max(at, 0), days - 1)
        for i in range(size):
            for j in range(i, size):
                table_DKK[at, i, j] += row[f"x{i}_{j}"] or 0.0
                table_DKK[at, j, i] = table_DKK[at, i, j]
    return table_DKK


def _frequencies(units: Units, column: str, first: int, last: int) -> Floats:
    """Shoppers with something in a column on 1, 2, .. of the first days."""
    found = rows(
        units.connection,
        f"SELECT n, count(*) AS shoppers FROM (SELECT count(*) AS n FROM shopper_days "
        f"WHERE {column} > 0 AND day < {first + last} GROUP BY arm, shopper) GROUP BY n",
    )
    count_K = np.zeros(last)
    for row in found:
        count_K[min(int(row["n"]), last) - 1] += row["shoppers"]
    return count_K


def _arms(units: Units) -> dict[str, int]:
    found = rows(
        units.connection,
        "SELECT arm, count(*) AS n FROM (SELECT DISTINCT arm, shopper FROM shopper_days "
        f"WHERE {VISITS} > 0) GROUP BY arm",
    )
    counts = {int(row["arm"]): int(row["n"]) for row in found}
    return {name: counts.get(arm, 0) for arm, name in enumerate(units.manifest.arms)}
