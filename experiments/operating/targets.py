"""What the A/B tests should find: the true effect, and how far luck moves one pair of worlds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.config.schema import Config
from experiments.inference.intervals.student import reach
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.operating.questions import Target
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.truth.effects import paired_truth

Logs = tuple[Sequence[Path], Sequence[Path]]
"""Of the worlds with everybody in control, and of those with everybody in the treatment."""


@dataclass(frozen=True)
class Targets:
    """The effects that tests are held against, by metric.

    Attributes:
        truth: the global effects.
        luck: how far the luck of one pair of worlds moves the effect that it shows, to either side
            at the level of the tests; None: not known.
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
        every = zip((*truth[0], *pair[0]), (*truth[1], *pair[1]), strict=True)
        luck = _luck(list(every), metrics, confidence, spec)
    return Targets(found, luck, warnings)


def _luck(
    pairs: Sequence[tuple[Path, Path]],
    metrics: Sequence[Metric],
    confidence: float,
    spec: EngineSpec | None,
) -> dict[str, Number]:
    """How far one pair's luck moves what was really bought, from pairs of different luck.

    An interval over the shoppers of one pair would leave out what all of them share: which items
    were sold out, and what clicks the rankings had learned from.
    """
    shown = [
        paired_truth([one], [other], metrics, method="realised", confidence=confidence, spec=spec)
        for one, other in pairs
    ]
    found: dict[str, Number] = {}
    for at, metric in enumerate(metrics):
        effects = [each.effects[at].effect.estimate for each in shown]
        known = [effect for effect in effects if effect is not None]
        found[metric.name] = None
        if len(known) >= 2:
            spread, freedom = float(np.std(known, ddof=1)), len(known) - 1
            found[metric.name] = float(reach(spread, freedom, confidence=confidence))
    return found
