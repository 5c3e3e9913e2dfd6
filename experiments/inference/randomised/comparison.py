"""How the arms of an experiment are compared, whatever it has randomised: two ways, one face."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import duckdb

from experiments.designs.layout import Layout
from experiments.inference.estimates import Scale, estimate
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import Cells, open_cells
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.inference.srm import latest_arms, populations
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

    def populations(self, log: Path) -> dict[str, dict[str, int]]:
        """How many units were assigned to each arm, and how many were exposed in it."""


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

    def populations(self, log: Path) -> dict[str, dict[str, int]]:
        """Of shoppers."""
        return populations(self.connection, log, self.units.manifest)


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

    def populations(self, log: Path) -> dict[str, dict[str, int]]:
        """Of what was assigned, where the log knows it; else of what came; of slots nothing."""
        if self.cells.layout.slots:
            return {}
        if not self.cells.layout.assigned:
            return {"exposed": self.cells.units()}
        return {"assigned": latest_arms(self.connection, log, self.cells.manifest)}


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
    layout: Layout,
    *,
    scale: Scale,
    spec: EngineSpec | None,
) -> Iterator[ByGroups]:
    """Read a log by the layout of its design; arguments as of `open_cells`."""
    with open_cells(log, layout, metrics, spec=spec) as cells:
        yield ByGroups(cells, scale)
