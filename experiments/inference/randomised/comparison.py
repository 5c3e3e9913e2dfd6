"""How the arms of an experiment are compared, whatever it has randomised: some ways, one face."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import duckdb

from experiments.designs.layout import AnyLayout, ListingLayout, TwoSidedLayout
from experiments.inference.diagnostics.srm import Counted, latest_arms, populations
from experiments.inference.estimates import Scale, estimate
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import Cells, open_cells
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.inference.randomised.itemcells import open_item_cells
from experiments.inference.randomised.pairs import Pairs, open_pairs
from experiments.inference.randomised.twosided import two_sided_estimates
from experiments.inference.units import Units, open_units
from experiments.records.metrics import Contrast, Estimate

Found = tuple[Estimate, str]
"""A row, and the reason why something in it is None; "" where nothing is."""


class Comparison(Protocol):
    """A log that is read by the design of its experiment."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Of the log engine, open."""

    def estimates(
        self, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """Of every contrast and metric."""

    def days(self) -> list[int]:
        """The days that have requests."""

    def so_far(
        self, day: int, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """The same of what happened up to and including a day."""

    def populations(self, log: Path, arms: Mapping[str, float], control: str) -> list[Counted]:
        """How many units were assigned to each arm, and how many were exposed in it.

        Args:
            log: the experiment's log folder.
            arms: share of the arms, as set.
            control: name of the control arm.
        """


class ByShopper:
    """Shoppers were split once and for all: arms are independent samples of them."""

    def __init__(self, units: Units, scale: Scale) -> None:
        self.units = units
        self.scale = scale
        self.connection = units.connection

    def estimates(
        self, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """Of every contrast and metric, and where there is a history also adjusted by it."""
        history = self.units.has_history
        arms = self.units.aggregates(metrics, covariates=history)
        return [
            estimate(metric, contrast, arms, confidence=confidence, cuped=cuped, scale=self.scale)
            for contrast in contrasts
            for metric in metrics
            for cuped in ((False, True) if history else (False,))
        ]

    def days(self) -> list[int]:
        """The days that have requests."""
        return self.units.days()

    def so_far(
        self, day: int, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """Not adjusted by the history."""
        arms = self.units.aggregates(metrics, last_day=day)
        return [
            estimate(metric, contrast, arms, confidence=confidence, scale=self.scale)
            for contrast in contrasts
            for metric in metrics
        ]

    def populations(self, log: Path, arms: Mapping[str, float], control: str) -> list[Counted]:
        """Of shoppers."""
        found = populations(self.connection, log, self.units.manifest)
        return [Counted(name, "shoppers", counts, arms) for name, counts in found.items()]


class ByGroups:
    """Something else was split, or shoppers little by little: see `grouped`."""

    def __init__(self, cells: Cells, scale: Scale) -> None:
        self.cells = cells
        self.scale = scale
        self.connection = cells.connection

    def estimates(
        self, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """Of every contrast and metric."""
        return self._found(metrics, contrasts, confidence, None)

    def days(self) -> list[int]:
        """The days that have requests."""
        return self.cells.days()

    def so_far(
        self, day: int, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """The same of what happened up to and including a day."""
        return self._found(metrics, contrasts, confidence, day)

    def _found(
        self,
        metrics: Sequence[Metric],
        contrasts: Sequence[Contrast],
        confidence: float,
        day: int | None,
    ) -> list[Found]:
        asked = self.cells, metrics, contrasts
        how = self.scale
        return grouped_estimates(*asked, confidence=confidence, scale=how, last_day=day)

    def populations(self, log: Path, arms: Mapping[str, float], control: str) -> list[Counted]:
        """Of what was assigned, where the log knows it; else of what came; of slots nothing."""
        layout = self.cells.layout
        if layout.shared:
            return []
        name, counts = "exposed", self.cells.units()
        if layout.assigned:
            name, counts = "assigned", latest_arms(self.connection, log, self.cells.manifest)
        return [Counted(name, layout.split, counts, layout.shares(arms, control))]


class ByBothSides:
    """Shoppers and items were split: see `twosided`."""

    def __init__(self, pairs: Pairs, scale: Scale) -> None:
        self.pairs = pairs
        self.scale = scale
        self.connection = pairs.connection

    def estimates(
        self, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """Of every contrast and metric."""
        asked = self.pairs, metrics, contrasts
        return two_sided_estimates(*asked, confidence=confidence, scale=self.scale)

    def days(self) -> list[int]:
        """The days that have requests."""
        return self.pairs.days()

    def so_far(
        self, day: int, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
    ) -> list[Found]:
        """The same of what happened up to and including a day."""
        asked = self.pairs, metrics, contrasts
        how = self.scale
        return two_sided_estimates(*asked, confidence=confidence, scale=how, last_day=day)

    def populations(self, log: Path, arms: Mapping[str, float], control: str) -> list[Counted]:
        """Of shoppers, and of items."""
        layout, counted = self.pairs.layout, []
        for kind, unit, shares in (
            ("shopper", "shoppers", layout.shares(arms, control)),
            ("item", "listings", layout.listing_shares(arms, control)),
        ):
            counts = latest_arms(self.connection, log, self.pairs.manifest, kind)
            counted.append(Counted("assigned", unit, counts, shares))
        return counted


@contextmanager
def open_by_shopper(
    log: Path,
    metrics: Sequence[Metric],
    history: Path | None,
    *,
    scale: Scale,
    spec: EngineSpec | None,
) -> Iterator[ByShopper]:
    """Read a log shopper by shopper; arguments as of `open_units`."""
    with open_units(log, metrics, history=history, spec=spec) as units:
        yield ByShopper(units, scale)


@contextmanager
def open_grouped(
    log: Path,
    metrics: Sequence[Metric],
    layout: AnyLayout,
    *,
    scale: Scale,
    spec: EngineSpec | None,
) -> Iterator[ByGroups | ByBothSides]:
    """Read a log by the layout of its design; arguments as of `open_cells`."""
    if isinstance(layout, TwoSidedLayout):
        with open_pairs(log, layout, metrics, spec=spec) as pairs:
            yield ByBothSides(pairs, scale)
    elif isinstance(layout, ListingLayout):
        with open_item_cells(log, layout, metrics, spec=spec) as by_item:
            yield ByGroups(by_item, scale)
    else:
        with open_cells(log, layout, metrics, spec=spec) as cells:
            yield ByGroups(cells, scale)
