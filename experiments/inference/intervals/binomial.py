"""The exact interval of a share of independent yes-or-no events."""

from scipy import special

from experiments.records.interval import UNKNOWN, Interval
from simulator.errors import DataError


def exact_share(events: int, trials: int, *, confidence: float) -> Interval:
    """A share with its exact interval (Clopper and Pearson, Biometrika 26, 1934, 404-413).

    Args:
        events: of the trials.
        trials: none: nothing is known.
        confidence: level of the interval.

    Raises:
        DataError: more events than trials, or fewer than none.
    """
    if not 0 <= events <= trials:
        raise DataError(f"events == {events}, must be 0 to {trials}")
    if trials == 0:
        return UNKNOWN
    tail = (1 - confidence) / 2
    low = special.betaincinv(events, trials - events + 1, tail) if events else 0.0
    high = special.betaincinv(events + 1, trials - events, 1 - tail) if events < trials else 1.0
    return Interval(events / trials, float(low), float(high))
