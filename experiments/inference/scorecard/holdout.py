"""What a change does once it is launched: shoppers held out of it against those who have it.

After an experiment has ended, a part of the shoppers goes on as before. What sets them apart from
the others is what the change does in the long run. It is set beside what the experiment promised.
"""

from dataclasses import dataclass

from experiments.inference.estimates import Level, blank, combined, compared
from experiments.inference.intervals.student import student
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.metrics import Estimate


@dataclass(frozen=True)
class Holdout:
    """An effect after the launch, beside that of the experiment.

    Attributes:
        lasting: launched minus held out, after the experiment.
        change: by how much that is more than the experiment's effect.
        p_value: two-sided, of an effect that stayed the same.
        reason: why something is not known; "" where all is.
    """

    lasting: Estimate
    change: Interval = UNKNOWN
    p_value: Number = None
    reason: str = ""


def holdout(
    metric: str,
    held: Level,
    launched: Level,
    *,
    tested: Level | None = None,
    confidence: float = 0.95,
) -> Holdout:
    """Compare shoppers held out with those who have the change.

    The error of the change is taken as if the shoppers of both periods were others. Where they are
    the same, and alike from one period to the next, it is less than that, and the interval is wider
    than it need be.

    Args:
        metric: what is compared, per shopper and over as many days in both periods.
        held, launched: levels after the experiment.
        tested: the experiment's effect with its error, and the shoppers of its smaller arm; None:
            nothing is set beside.
        confidence: level of the intervals.
    """
    row = blank(metric, ("held out", "launched"), (held.n, launched.n))
    row, reason = compared(row, held, launched, confidence)
    if tested is None or row.p_value is None:
        return Holdout(row, reason=reason)
    parts = ((-1.0, held), (1.0, launched), (-1.0, tested))
    size, error, freedom = combined(*parts)
    if freedom == 0:
        return Holdout(row, reason="an arm of the experiment has fewer than 2 shoppers")
    change, p_value = student(size, error, freedom, confidence=confidence)
    return Holdout(row, change, p_value, reason)
