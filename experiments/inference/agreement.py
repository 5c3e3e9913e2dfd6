"""Whether two finished runs of one config agree: the same answers, up to what their intervals say.

Models are trained on the spot, and training amplifies the last bits in which processors differ. So
two machines give two sets of models, and figures that differ; verdicts must not, beyond chance. The
error of a difference is taken as if both runs were independent, which is more than it is where they
share the luck of shoppers. p-values are corrected for the number of effects (Holm).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from experiments.inference.finding import corrected
from experiments.records.interval import Interval, Number
from experiments.records.metrics import Contrast
from experiments.records.truth import Truth, Truths


@dataclass(frozen=True)
class Agreement:
    """One effect in two runs.

    Attributes:
        metric, contrast: as in truth.json.
        first, second: the relative effect in each run.
        difference: second minus first.
        p_value, p_holm: of no difference; corrected for the number of effects.
    """

    metric: str
    contrast: Contrast
    first: Interval
    second: Interval
    difference: Interval
    p_value: Number
    p_holm: Number = None

    @property
    def agrees(self) -> bool | None:
        """Whether they are the same, up to chance; None where it cannot be told."""
        return None if self.p_holm is None else self.p_holm >= 0.05


def agreements(first: Truths, second: Truths, *, confidence: float) -> tuple[Agreement, ...]:
    """The effects that both runs tell.

    Args:
        first, second: of two runs of one config.
        confidence: level of the intervals of both.
    """
    rows = [
        _agreement(row, other, confidence)
        for row in first.truth
        if (other := second.of(row.metric, row.contrast)) is not None
    ]
    return corrected(rows)


def _agreement(row: Truth, other: Truth, confidence: float) -> Agreement:
    difference, p_value = Interval(None, None, None), None
    one, two = row.growth.estimate, other.growth.estimate
    ends = [each.ends for each in (row.growth, other.growth) if each.ends is not None]
    if one is not None and two is not None and len(ends) == 2:
        half = math.hypot(*((high - low) / 2 for low, high in ends))
        gap = two - one
        difference = Interval(gap, gap - half, gap + half)
        reach = float(special.ndtri((1 + confidence) / 2))
        p_value = 1.0 if gap == 0 else 0.0
        if half > 0:
            p_value = float(2 * special.ndtr(-abs(gap) * reach / half))
    return Agreement(row.metric, row.contrast, row.growth, other.growth, difference, p_value)


def summary(rows: Sequence[Agreement]) -> str:
    """Whether the runs agree, in a sentence."""
    apart = [row.metric for row in rows if row.agrees is False]
    told = [row for row in rows if row.agrees is not None]
    if not told:
        return "The runs tell no effect in common."
    if not apart:
        return f"The runs agree: {len(told)} effects differ by no more than chance allows."
    return f"The runs do not agree on {', '.join(apart)}: more than chance allows."
