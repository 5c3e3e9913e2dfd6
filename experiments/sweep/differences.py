"""The lift of one cell beside that of another."""

import math

from scipy import special

from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.truth import Truth


def beside(row: Truth, base: Truth, confidence: float) -> tuple[Interval, Number]:
    """How much greater one lift is than another, as if they were of independent samples.

    On the log scale, where half-widths are taken for those of a normal estimate: the half-width of
    a difference is the root of the sum of their squares.

    Args:
        row, base: of two cells.
        confidence: level of the intervals of both.

    Returns:
        (1 + lift) / (1 + lift of the base) - 1, and the p-value of no difference; the latter and
        ends unknown where one of them has no interval.
    """
    one, other = row.growth, base.growth
    if one.estimate is None or other.estimate is None or min(one.estimate, other.estimate) <= -1:
        return UNKNOWN, None
    gap = math.log1p(one.estimate) - math.log1p(other.estimate)
    if one.ends is None or other.ends is None or min(*one.ends, *other.ends) <= -1:
        return Interval(math.expm1(gap), None, None), None
    halves = [(math.log1p(high) - math.log1p(low)) / 2 for low, high in (one.ends, other.ends)]
    half = math.hypot(*halves)
    reach = float(special.ndtri((1 + confidence) / 2))
    p_value = float(2 * special.ndtr(-abs(gap) * reach / half)) if half else float(gap == 0)
    return Interval(*(math.expm1(end) for end in (gap, gap - half, gap + half))), p_value
