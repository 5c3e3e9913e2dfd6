"""From what was found to a verdict: the one rule by which every check is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.inference.diagnostics.srm import SRM_ALARM
from experiments.inference.finding import holm
from experiments.inference.intervals.crossed import Floats, ratio, share
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.validity import Check, Period, Unit, Verdict

BEYOND_CHANCE = 0.05
"""A corrected p-value below it is a warning, one below `SRM_ALARM` a failure."""


@dataclass(frozen=True)
class Wanted:
    """Where a fact must lie.

    Attributes:
        low, high: ends of the range; None: open.
        source: where it is from.
        weak: whether that is no published figure.
    """

    low: Number
    high: Number
    source: str
    weak: bool = False


def in_range(found: Interval, wanted: Wanted) -> Verdict:
    """Pass inside, fail outside (a warning where the source is weak), a warning across an end."""
    if found.estimate is None:
        return Verdict.UNTOLD
    low, high = found.ends or (found.estimate, found.estimate)
    above = (wanted.low is not None and low >= wanted.low) or wanted.low is None
    below = (wanted.high is not None and high <= wanted.high) or wanted.high is None
    if above and below:
        return Verdict.PASS
    outside = (wanted.low is not None and high < wanted.low) or (
        wanted.high is not None and low > wanted.high
    )
    return Verdict.FAIL if outside and not wanted.weak else Verdict.WARN


def ranged(
    period: Period,
    fact: str,
    unit: Unit,
    found: Interval,
    wanted: Wanted,
    *,
    n: int,
    arm: str = "",
    note: str = "",
) -> Check:
    """A check of where a number lies."""
    return Check(
        rung="ranges",
        period=period,
        arm=arm,
        fact=fact,
        unit=unit,
        found=found,
        low=wanted.low,
        high=wanted.high,
        source=wanted.source,
        weak=wanted.weak,
        verdict=in_range(found, wanted),
        n=n,
        note=note,
    )


def one_family(checks: Sequence[Check]) -> tuple[Check, ...]:
    """One family of tests of no difference, corrected for their number (Holm) and judged."""
    return tuple(map(judged, checks, holm([check.p_value for check in checks])))


def judged(check: Check, corrected: Number) -> Check:
    """A test with its corrected p-value and what follows from it."""
    if corrected is None:
        verdict = Verdict.UNTOLD
    elif corrected < SRM_ALARM:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.WARN if corrected < BEYOND_CHANCE else Verdict.PASS
    return replace(check, p_holm=corrected, verdict=verdict)


def share_of(part_U: Floats, whole_U: Floats, confidence: float) -> Interval:
    """A share of events over shoppers; also where nothing or everything is of the part.

    There the interval's other end is that of as many independent yes-or-no events as there are
    shoppers (Clopper and Pearson, Biometrika 26, 1934, 404-413).

    Args:
        part_U, whole_U: events of each shopper.
        confidence: level of the interval.
    """
    if not _enough(whole_U):
        return UNKNOWN
    found = share(_row(part_U), _row(whole_U), confidence=confidence).interval
    if found.estimate in (0.0, 1.0):
        edge = ((1 - confidence) / 2) ** (1 / int((np.asarray(whole_U) > 0).sum()))
        return Interval(0.0, 0.0, 1 - edge) if found.estimate == 0 else Interval(1.0, edge, 1.0)
    return found


def ratio_of(sum_U: Floats, count_U: Floats, confidence: float) -> Interval:
    """A mean of events over shoppers: the total of each shopper over their number."""
    if not _enough(count_U):
        return UNKNOWN
    return ratio(_row(sum_U), _row(count_U), confidence=confidence).interval


def median_of(
    counts: Callable[[int], Floats], whole_U: Floats, most: int, confidence: float
) -> Interval:
    """The median of whole numbers from 0 on, with Woodruff's interval.

    It holds the numbers at which the share of events up to them may be one half (Journal of the
    American Statistical Association 47, 1952, 635-646).

    Args:
        counts: from a number to the events of each shopper that are at most that.
        whole_U: events of each shopper.
        most: the greatest number that there is.
        confidence: level of the interval.
    """
    if not _enough(whole_U):
        return UNKNOWN
    middle = low = high = None
    for number in range(most + 1):
        span = share_of(counts(number), whole_U, confidence)
        at = span.estimate or 0.0
        least, greatest = span.ends or (at, at)
        low = number if low is None and greatest >= 0.5 else low
        middle = number if middle is None and at >= 0.5 else middle
        high = number if high is None and least >= 0.5 else high
        if high is not None:
            break
    return Interval(middle, low, most if high is None else high)


def _enough(events_U: Floats) -> bool:
    """Whether there are two shoppers with events, the fewest that tell how shoppers differ."""
    return int((np.asarray(events_U) > 0).sum()) >= 2


def _row(values_U: Floats) -> Floats:
    return np.asarray(values_U, np.float64)[None, :]
