"""The rows of truth.json: true effects, from paired worlds."""

from dataclasses import dataclass
from typing import ClassVar

from experiments.records.interval import Interval, Number
from experiments.records.metrics import Contrast
from experiments.records.reading import Record, row_of


@dataclass(frozen=True)
class Truth:
    """The effect on one metric of giving everybody the treatment, beside the naive estimate of it.

    Attributes:
        metric, contrast: as in `metrics.json`.
        control, treatment: the metric when everybody is in one arm.
        effect: the global treatment effect: treatment minus control.
        relative: the same over control's level, which is taken as given.
        naive: the effect as the A/B test estimates it, not adjusted.
        bias: `naive` - `effect`: interference and chance together.
        covered: whether the interval of `naive` holds the `effect`.
        pairing_factor: variance of the difference between independent worlds, over that between
            the paired ones: how many times more shoppers unpaired worlds would need; null where
            the worlds differ by nothing, or by the same for everybody.
        seeds: pairs of worlds.
        n: shoppers.
    """

    metric: str
    contrast: Contrast
    control: Number
    treatment: Number
    effect: Interval
    relative: Interval
    naive: Interval
    bias: Number
    covered: bool | None
    pairing_factor: Number
    seeds: int
    n: int

    @property
    def growth(self) -> Interval:
        """`relative`, or 0 where the worlds are equal, also where control's level is 0."""
        equal = Interval(0.0, 0.0, 0.0)
        return equal if self.effect == equal else self.relative


@dataclass(frozen=True)
class Truths(Record):
    """The true effects of a run.

    Attributes:
        truth: one row for each metric and contrast.
        warnings: what is wrong with the worlds, in plain sentences.
    """

    FILE: ClassVar[str] = "truth.json"
    COMMAND: ClassVar[str] = "funnelab run"

    truth: tuple[Truth, ...]
    warnings: tuple[str, ...]

    def of(self, metric: str, contrast: Contrast) -> Truth | None:
        """The truth of a metric in a contrast, where there is one."""
        return row_of(self.truth, metric=metric, contrast=contrast)
