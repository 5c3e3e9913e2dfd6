"""Splits of one design, each drawn anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.config.schema import Config
from experiments.designs.design import Design
from experiments.designs.layout import AnyLayout, Layout, ListingLayout, TwoSidedLayout
from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.rampup import RampUp
from experiments.designs.settings import DesignSpec, InterleavingDesign
from experiments.designs.split import Split
from experiments.designs.switchback import Switchback
from experiments.inference.randomised.redrawn import Assigns
from experiments.running.assigning.designed import design_of, split_of
from simulator.errors import DataError
from simulator.living.world import Population


@dataclass(frozen=True)
class Drawn:
    """A design whose split can be drawn anew.

    Attributes:
        design: as the config's own experiment would have it.
        layout: how its log is read; None: shopper by shopper.
    """

    design: Design
    layout: Layout | None

    @classmethod
    def of(cls, config: Config, spec: DesignSpec, population: Population, history: Path) -> "Drawn":
        """The design of these settings.

        Args:
            config: of the study.
            spec: settings of the design.
            population: of the shop.
            history: log folder, whose clicks tell what texts are about.

        Raises:
            DataError: the design splits slots or items, not what asks.
        """
        layout = spec.layout(config.world.history_days)
        if isinstance(spec, InterleavingDesign) or isinstance(
            layout, ListingLayout | TwoSidedLayout
        ):
            raise DataError(f"design.type == {spec.type!r}, must be a split of what asks")
        return cls(split_of(design_of(config, spec, population, history)), layout)

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

    def _salted(self, salt: str) -> Assigns:
        design = self.design
        if isinstance(design, RampUp):
            return replace(design, split=replace(design.split, salt=salt))
        if isinstance(design, Split):
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
