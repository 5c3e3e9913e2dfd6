"""An interval of IPS that also holds where few outcomes count, or rare ones count much.

Rounds with an outcome are rare events, so their numbers are Poisson, and IPS is a sum of such
numbers with weights, as a directly standardised rate is. With y the estimate, v its estimated
variance (the sum of the squared parts) and w the largest part that one event could have, at the
level 1 - a,

    low   v / (2 y) times the chi-square quantile a / 2 of 2 y^2 / v degrees of freedom
    high  (v + w^2) / (2 (y + w)) times the quantile 1 - a / 2 of 2 (y + w)^2 / (v + w^2) degrees

(Fay and Feuer, Statistics in Medicine 16, 1997, 791-801). With equal weights it is the exact
interval of a Poisson number (Garwood, Biometrika 28, 1936). It is never below 0 and rather too
wide: what the rarest action might still have brought is in it.
"""

from scipy import stats

from experiments.inference.offpolicy.moments import Moments
from experiments.records.interval import Interval
from simulator.errors import DataError


def cautious(moments: Moments, largest: float, *, confidence: float) -> Interval:
    """IPS per round with the interval of the module.

    Args:
        moments: of rounds of one row each, with outcomes of 0 or more.
        largest: the largest weight times the largest outcome that a round may have.
        confidence: level of the interval.

    Raises:
        DataError: no rounds, or an estimate below 0.
    """
    if not moments.units:
        raise DataError("rounds == 0, must be > 0")
    found = moments.mean("weighted")
    if found < 0:
        raise DataError(f"weighted outcomes == {found} on average, must be >= 0")
    part, tail = largest / moments.units, (1 - confidence) / 2
    low, variance = 0.0, 0.0
    if found:
        variance = found**2 / moments.events
        low = variance / (2 * found) * float(stats.chi2.ppf(tail, 2 * moments.events))
    above, spread = found + part, variance + part**2
    high = spread / (2 * above) * float(stats.chi2.isf(tail, 2 * above**2 / spread))
    return Interval(found, low, high)
