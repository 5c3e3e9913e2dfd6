"""Do two experiments that run at once on the same shoppers change each other's effect?"""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.inference.estimates import Level, combined
from experiments.inference.intervals.student import student
from experiments.records.interval import UNKNOWN, Interval, Number


@dataclass(frozen=True)
class Interaction:
    """What two experiments do together.

    Attributes:
        alone: effect of the first where the second is off.
        beside: effect of the first where the second is on.
        interaction: beside minus alone; the same of the second experiment, whichever is first.
        p_value: two-sided, of no interaction.
        reason: why there is no interval; "" where there is.
    """

    alone: Interval = UNKNOWN
    beside: Interval = UNKNOWN
    interaction: Interval = UNKNOWN
    p_value: Number = None
    reason: str = ""


def interaction(
    neither: Level, first: Level, second: Level, both: Level, *, confidence: float = 0.95
) -> Interaction:
    """The interaction contrast of a two-by-two layout, (both - second) - (first - neither).

    Welch's interval of four independent means (Montgomery, Design and Analysis of Experiments,
    section 6.2, for the contrast).

    Args:
        neither, first, second, both: levels of the shoppers for whom these treatments are on.
        confidence: level of the intervals.
    """
    alone, _ = _told(((-1.0, neither), (1.0, first)), confidence)
    beside, _ = _told(((-1.0, second), (1.0, both)), confidence)
    parts = ((1.0, neither), (-1.0, first), (-1.0, second), (1.0, both))
    found, p_value = _told(parts, confidence)
    reason = "" if found.ends else "no variation between shoppers"
    return Interaction(alone, beside, found, p_value, reason)


def _told(parts: Sequence[tuple[float, Level]], confidence: float) -> tuple[Interval, Number]:
    """A sum of levels with its interval and p-value, where they have any."""
    size, error, freedom = combined(*parts)
    if freedom == 0:
        return Interval(size, None, None), None
    return student(size, error, freedom, confidence=confidence)
