"""Splits of one design, each drawn anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.config.schema import Config
from experiments.designs.design import Design
from experiments.designs.layout import AnyLayout
from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.rampup import RampUp
from experiments.designs.settings import DesignSpec, InterleavingDesign
from experiments.designs.sides.listing import ListingSplit
from experiments.designs.sides.twosided import TwoSidedSplit
from experiments.designs.split import Split
from experiments.designs.switchback import Switchback
from experiments.inference.randomised.redrawn import Assigns
from experiments.inference.randomised.redrawnpairs import AssignsBoth
from experiments.running.assigning.assigned import on_sale
from experiments.running.assigning.designed import design_of, split_of
from simulator.errors import DataError
from simulator.living.world import Population


@dataclass(frozen=True)
class Drawn:
    """A design whose split can be drawn anew.

    Attributes:
        design: as the config's own experiment would have it.
        layout: how its log is read; None: shopper by shopper.
        items: (I,) the items on sale, where items are split.
    """

    design: Design | ListingSplit | TwoSidedSplit
    layout: AnyLayout | None
    items: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, config: Config, spec: DesignSpec, population: Population, history: Path) -> "Drawn":
        """The design of these settings.

        Args:
            config: of the study.
            spec: settings of the design.
            population: of the shop.
            history: log folder, whose clicks tell what texts are about.

        Raises:
            DataError: the design splits slots.
        """
        layout = spec.layout(config.world.history_days)
        if isinstance(spec, InterleavingDesign):
            raise DataError(f"design.type == {spec.type!r}, must be a split of units, not of slots")
        design = design_of(config, spec, population, history)
        if isinstance(design, ListingSplit | TwoSidedSplit):
            return cls(design, layout, on_sale(config.world, population)[0])
        return cls(split_of(design), layout)

    @property
    def unit(self) -> str:
        """What the test takes to be independent, in the plural."""
        return unit_of(self.layout)

    @property
    def cluster_T(self) -> NDArray[np.int64] | None:
        """(T,) the cluster of each text, where clusters of queries are split."""
        design = self.design
        return design.cluster_T if isinstance(design, QueryClusterSplit) else None

    @property
    def spacing(self) -> int | None:
        """As of `resampled`: two days of periods that mirror each other."""
        design = self.design
        if isinstance(design, Switchback) and design.mirrored and design.per_day is not None:
            return 2 * design.per_day
        return None

    def splits(self, count: int) -> Sequence[Assigns]:
        """So many splits; the first ones are the same however many are asked for."""
        return [self._salted(f"redrawn.{number}") for number in range(count)]

    def splits_of_both(self, count: int) -> Sequence[AssignsBoth]:
        """The same of a design that splits shoppers and items.

        Raises:
            DataError: it splits one side alone.
        """
        design = self.design
        if not isinstance(design, TwoSidedSplit):
            raise DataError(f"{design.name} == a split of one side, must be of both")
        return [
            TwoSidedSplit(
                replace(design.shoppers, salt=f"redrawn.{number}"),
                replace(design.listings, salt=f"redrawn.{number}.listings"),
            )
            for number in range(count)
        ]

    def _salted(self, salt: str) -> Assigns:
        design = self.design
        if isinstance(design, RampUp):
            return replace(design, split=replace(design.split, salt=salt))
        if isinstance(design, Split | ListingSplit):
            return replace(design, salt=salt)
        raise DataError(f"{design.name} == no split by a hash, must be one to be drawn anew")


_GROUPS = {
    "session": "shoppers",
    "request": "shoppers",
    "query_cluster": "query clusters",
    "switchback": "pairs of days",
}


def unit_of(layout: AnyLayout | None) -> str:
    """What a test takes to be independent, in the plural; `layout` as of `Drawn`."""
    return "shoppers" if layout is None else _GROUPS.get(layout.design, layout.split)
