"""The unit table of a log as distinct rows with counts: what simulated tests draw from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.metrics import UNIT_COLUMNS, Metric
from experiments.inference.power.accrual import VISITS
from experiments.inference.power.crossproducts import Layout, cross
from experiments.inference.reduction.cuped import PRE
from experiments.inference.units import Units, unit_sums

Floats = NDArray[np.float64]
MOST_UNITS = 500_000
"""Units that are drawn from; of more, as many are taken, the same ones every time."""


@dataclass(frozen=True)
class UnitTable:
    """Units by what they did: those who did the same are one row.

    Attributes:
        layout: the columns.
        values_GK: of each kind of unit; the constant first.
        count_G: units of each kind.
        counted: whether the numerator counts events, is 0 or 1 ("binary"), or is an "amount".
    """

    layout: Layout
    values_GK: Floats
    count_G: NDArray[np.int64]
    counted: str

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.count_G.sum())

    @property
    def table(self) -> Floats:
        """(K, K) the cross products of all units."""
        return cross(self.values_GK, self.count_G.astype(np.float64))


def unit_table(units: Units, metric: Metric, last_day: int, most: int = MOST_UNITS) -> UnitTable:
    """The exposed shoppers of a log.

    Args:
        units: its unit table; with CUPED's columns where it has a history.
        metric: what is tested.
        last_day: what happened up to and including which day counts.
        most: units at most.
    """
    layout = Layout.of(metric, history=units.has_history)
    own = layout.names[1 : layout.own]
    pre = [name for name in layout.names if name.startswith(PRE)]
    table = (
        f"SELECT arm, shopper, {unit_sums(own)} FROM shopper_days WHERE day <= {last_day} "
        f"GROUP BY arm, shopper HAVING sum({VISITS}) > 0"
    )
    listed = [f"{name}::DOUBLE AS {name}" for name in own]
    listed += [f"coalesce({name}, 0)::DOUBLE AS {name}" for name in pre]
    joined = f"({table}) LEFT JOIN history USING (shopper)" if pre else f"({table})"
    names = ", ".join((*own, *pre))
    chosen = f"SELECT {', '.join(listed)} FROM {joined} ORDER BY hash(shopper), arm LIMIT {most}"
    found = units.connection.execute(
        f"SELECT {names}, count(*) AS n FROM ({chosen}) GROUP BY ALL ORDER BY ALL"
    ).fetchnumpy()
    columns = [np.asarray(found[name], np.float64) for name in (*own, *pre)]
    count_G = np.asarray(found["n"], np.int64)
    column = UNIT_COLUMNS[metric.numerator]
    kind = "binary" if column.positive else "amount" if column.value else "count"
    return UnitTable(
        layout, np.column_stack([np.ones(len(count_G)), *columns]), count_G, counted=kind
    )
