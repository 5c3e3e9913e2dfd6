"""What the A/B tests should find: the true effect, and how far luck moves one pair of worlds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.operating.questions import Target
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.truth.effects import half_width, paired_truth

Logs = tuple[Sequence[Path], Sequence[Path]]
"""Of the worlds with everybody in control, and of those with everybody in the treatment."""


@dataclass(frozen=True)
class Targets:
    """The effects that tests are held against, by metric.

    Attributes:
        truth: the global effects.
        luck: half-widths of the effects that the pair of worlds shows whose splits are drawn anew.
        warnings: what is wrong with the worlds.
    """

    truth: Mapping[str, Interval]
    luck: Mapping[str, Number]
    warnings: tuple[str, ...]

    def of_redraws(self, metric: str) -> Target:
        """For tests that share the luck of one pair of worlds."""
        return Target(self.truth.get(metric, UNKNOWN), self.luck.get(metric), moved=True)

    def of_worlds(self, metric: str) -> Target:
        """For tests with luck of their own."""
        return Target(self.truth.get(metric, UNKNOWN), 0.0, moved=False)


def targets(
    config: Config,
    metrics: Sequence[Metric],
    truth: Logs,
    pair: Logs,
    *,
    spec: EngineSpec | None = None,
) -> Targets:
    """Read the paired worlds.

    Args:
        config: of the study.
        metrics: what is compared.
        truth: worlds of the truth, with luck of their own; none: it is not known.
        pair: the one pair of worlds whose splits are drawn anew; none: there is none.
        spec: threads and memory.
    """
    method, confidence = config.truth.method, config.analysis.confidence
    found: dict[str, Interval] = {}
    luck: dict[str, Number] = {}
    warnings: tuple[str, ...] = ()
    if truth[0]:
        each = config.truth.trainings == "each"
        trainings = len(truth[0]) if each else 1
        known = paired_truth(
            *truth, metrics, method=method, trainings=trainings, confidence=confidence, spec=spec
        )
        found = {row.metric: row.effect for row in known.effects}
        warnings = known.warnings
    if pair[0]:
        shown = paired_truth(*pair, metrics, method="realised", confidence=confidence, spec=spec)
        luck = {row.metric: half_width(row.effect) for row in shown.effects}
    return Targets(found, luck, warnings)
