"""A metric in two arms, narrowed in one way: the estimate, and what that way has gained."""

from dataclasses import dataclass

from experiments.inference.estimates import Scale, adjusted
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import Adjustment, Means
from experiments.inference.reduction.arm import Sample
from experiments.inference.reduction.gain import gain
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate


@dataclass(frozen=True)
class Narrowed:
    """What an adjustment made of a metric.

    Attributes:
        method: how it was adjusted.
        estimate: its `control` and `treatment` are adjusted.
        reason: why something in it is None or misleads; "" where nothing is or does.
        gain: effective sample size over the sample's, see `gain`.
        notes: what else a reader must be told: what was left out or pooled, and what was claimed.
    """

    method: str
    estimate: Estimate
    reason: str
    gain: Interval
    notes: tuple[str, ...]


def narrowed(
    metric: Ratio,
    contrast: tuple[str, str],
    sample: Sample,
    adjustment: Adjustment,
    *,
    confidence: float = 0.95,
    scale: Scale = "fieller",
) -> Narrowed:
    """Compare one metric between two arms, adjusted, and tell what the adjustment gained.

    Args:
        metric: what is compared.
        contrast: (control, treatment) arm names.
        sample: statistics of the arms in groups, with the columns and strata that are read; see
            `UnitTable.sample`.
        adjustment: how; `Cuped`, a `Regression` or a `PostStratification`.
        confidence: level of the intervals.
        scale: of the relative effect.
    """
    options = {"confidence": confidence}
    row, reason = adjusted(
        metric, contrast, sample.whole, adjustment, confidence=confidence, scale=scale
    )
    if row.effect.ends is None:
        return Narrowed(adjustment.name, row, reason, UNKNOWN, ())
    means = adjustment.adjust(metric, sample.whole[contrast[0]], sample.whole[contrast[1]])
    notes = means.notes if isinstance(means, Means) else ()
    won = gain(metric, contrast, sample, adjustment, **options)
    return Narrowed(adjustment.name, row, reason, won, notes)
