"""What an adjustment gains: the shoppers that the plain difference would need for its interval.

The effective sample size over the sample's is the plain variance of the effect over the adjusted
one. How sure it is comes from a jackknife over groups of shoppers: the gain without each group in
turn (Tukey's pseudo-values with groups; Shao and Tu, The Jackknife and Bootstrap, 1995, section
2.3), on the log scale, with Student's t. It needs statistics of the groups alone, serves every
adjustment, and knows of heavy tails; that a model of CUPAC is itself luck it does not know.
"""

import math

import numpy as np

from experiments.inference.estimates import plain
from experiments.inference.intervals.student import reach
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.adjustment import Adjustment, Refusal
from experiments.inference.reduction.arm import Arms, Sample
from experiments.records.interval import UNKNOWN, Interval


def gain(
    metric: Ratio,
    contrast: tuple[str, str],
    sample: Sample,
    adjustment: Adjustment,
    *,
    confidence: float = 0.95,
) -> Interval:
    """How many times the shoppers an adjustment is worth; 1: none more.

    Args:
        metric: what is adjusted.
        contrast: (control, treatment) arm names.
        sample: arms in groups; of a single group, the gain has no interval.
        adjustment: how.
        confidence: level of the interval.

    Returns:
        The gain, without a number where there is no adjusted estimate, and without an interval
        where there is none without some group.
    """
    found = _log_gain(metric, contrast, sample.whole, adjustment)
    if found is None:
        return UNKNOWN
    alone = Interval(math.exp(found), None, None)
    if len(sample.groups) < 2:
        return alone
    without = [_log_gain(metric, contrast, arms, adjustment) for arms in sample.without]
    known_G = np.array([each for each in without if each is not None])
    size = len(without)
    if len(known_G) < size:
        return alone
    error = math.sqrt((size - 1) * float(known_G.var()))
    half = float(reach(error, size - 1, confidence=confidence))
    return Interval(math.exp(found), math.exp(found - half), math.exp(found + half))


def _log_gain(
    metric: Ratio, contrast: tuple[str, str], arms: Arms, adjustment: Adjustment
) -> float | None:
    """The log of plain over adjusted variance; None where one of them is not there."""
    sides = arms[contrast[0]], arms[contrast[1]]
    if adjustment.nothing_to_adjust_by(metric, *sides):
        return None
    means = adjustment.adjust(metric, *sides)
    if isinstance(means, Refusal) or not means.error:
        return None
    return 2 * math.log(plain(metric, *sides).error / means.error)
