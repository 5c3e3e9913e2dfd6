"""What a metric of a user's own takes from paired worlds: each shopper lives once under each arm.

A shopper who is exposed in one of two paired worlds alone counts as zeros in the other, and has no
value there, as everywhere (`experiments.inference.worldtotals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.student import ROUNDING
from experiments.inference.logs import EngineSpec
from experiments.inference.own.estimating import Exposed, statistic_of
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.own.rows import Rows, rows_of
from experiments.inference.own.tables import open_tables
from experiments.inference.worldtotals import Floats, Paired
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError

Totals = tuple[Floats, Floats, Floats, Floats]
"""(S, U) numerator and denominator of treatment, then of control."""


@dataclass(frozen=True)
class Lived:
    """What a metric takes from the log of one world.

    Attributes:
        shopper_U: who was exposed, ascending.
        rows: of these shoppers; one for each where they are summed.
    """

    shopper_U: NDArray[np.int64]
    rows: Rows


def lived(
    metric: OwnMetric,
    made: Any,
    log: Path,
    catalog: Catalog | None,
    *,
    spec: EngineSpec | None = None,
) -> Lived:
    """Ask a metric about a world.

    Args:
        made: the user's object, None for SQL.
        log: of the world.
        catalog: the items.
        spec: threads and memory.

    Raises:
        ContractError: it raised, or its rows break their contract.
        DataError: the folder is not a log.
    """
    valued = statistic_of(metric, made) is not None
    with open_tables(log, catalog, spec=spec) as tables:
        rows = rows_of(metric, made, tables, valued=valued)
        exposed = Exposed.of(tables)
    exposed.places(rows.shopper_N, metric.name)
    return Lived(np.unique(exposed.shopper_U), rows if valued else rows.summed())


class PairedRows:
    """Rows of S pairs of worlds over U shoppers.

    Args:
        metric: its name, for errors.
        control, treatment: what it takes from each world, one for each luck, in the same order.

    Attributes:
        who: the shoppers.

    Raises:
        ContractError: some rows have a denominator, and others not.
    """

    def __init__(self, metric: str, control: Sequence[Lived], treatment: Sequence[Lived]) -> None:
        self._worlds = (control, treatment)
        every = [*control, *treatment]
        kinds = {each.rows.denominator_N is None for each in every}
        if len(kinds) > 1:
            raise ContractError(
                f"analysis.own.{metric}: denominator == in the rows of some worlds alone, must be "
                "in all or in none"
            )
        self.who = Paired.of(
            [
                (
                    np.repeat(np.arange(len(world)), [len(each.shopper_U) for each in world]),
                    np.concatenate([each.shopper_U for each in world]),
                )
                for world in self._worlds
            ],
            len(control),
        )

    def totals(self) -> Totals:
        """The sums of shoppers; of equal worlds they are equal to the bit.

        A user's own sums may differ by the order in which threads met the rows: what differs by
        rounding alone counts as equal.
        """
        base, treated = (self._totals(world) for world in self._worlds)
        for one_SU, other_SU in zip(treated, base, strict=True):
            size_SU = np.maximum(np.abs(one_SU), np.abs(other_SU))
            same_SU = np.abs(one_SU - other_SU) <= ROUNDING * size_SU
            one_SU[same_SU] = other_SU[same_SU]
        return (*treated, *base)

    def _totals(self, world: Sequence[Lived]) -> tuple[Floats, Floats]:
        top_SU, bottom_SU = np.zeros_like(self.who.exposed_SU), self.who.exposed_SU.copy()
        for luck, each in enumerate(world):
            at_N = self._units(each)
            top_SU[luck, at_N] = each.rows.numerator_N
            if each.rows.denominator_N is not None:
                bottom_SU[luck] = 0.0
                bottom_SU[luck, at_N] = each.rows.denominator_N
        return top_SU, bottom_SU

    def values(self) -> tuple[list[tuple[NDArray[np.int64], Floats]], ...]:
        """Of control and of treatment, for each luck: whose each value is (0 to U - 1), values."""
        control, treatment = (
            [(self._units(each), each.rows.numerator_N) for each in world] for world in self._worlds
        )
        return control, treatment

    def _units(self, each: Lived) -> NDArray[np.int64]:
        return np.searchsorted(self.who.shopper_U, each.rows.shopper_N).astype(np.int64)
