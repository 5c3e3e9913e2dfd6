"""A cell that has results: what its run found, and where its worlds are."""

from dataclasses import dataclass
from pathlib import Path

from experiments.config.schema import Config
from experiments.inference.metrics import METRICS, Metric
from experiments.records.manifest import RunManifest
from experiments.records.metrics import Contrast, Metrics
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.running.models import LOG
from experiments.stages.folder import STAGES
from experiments.sweep.cells import Cell
from experiments.truth.between import PairLogs


@dataclass(frozen=True)
class Finished:
    """A cell with results.

    Attributes:
        cell, config, run: which, its settings and its run folder.
        metrics, truths, manifest: what its run found, and how it was made.
    """

    cell: Cell
    config: Config
    run: Path
    metrics: Metrics
    truths: Truths
    manifest: RunManifest

    @property
    def name(self) -> str:
        """Of the cell."""
        return self.cell.name

    @property
    def confidence(self) -> float:
        """Level of its intervals."""
        return self.metrics.confidence

    def metric(self, name: str) -> Metric | None:
        """A metric of sums by name; None for one that the log alone does not tell so."""
        own = {metric.name: metric for metric in self.config.analysis.metrics}
        known: dict[str, Metric] = {**METRICS, **own}
        return known.get(name)

    def worlds(self, contrast: Contrast, seeds: int) -> PairLogs | None:
        """The logs of its truth worlds; None where the manifest does not name them all."""
        keys = {stage.name: stage.key for stage in self.manifest.stages}
        logs = []
        for arm in contrast:
            names = [f"truth-{arm}-{seed}" for seed in range(seeds)]
            if not keys.keys() >= set(names):
                return None
            logs.append([self.run / STAGES / f"{name}-{keys[name]}" / LOG for name in names])
        return PairLogs(*logs)


def read_finished(cell: Cell, config: Config, run: Path) -> Finished:
    """What the run of a cell found.

    Raises:
        StoreError, DataError: a file of it is not there or not as it was written.
    """
    metrics, truths = read_record(Metrics, run), read_record(Truths, run)
    return Finished(cell, config, run, metrics, truths, read_record(RunManifest, run))
