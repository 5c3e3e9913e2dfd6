"""Asymptotic confidence sequences: intervals that may be looked at as often as one likes.

For a fixed interval the chance of being wrong is 5 % at one look; for a confidence sequence it is
5 % over all looks together, however many there are and whatever makes one stop (Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics 52, 2024, arXiv 2103.06476, theorem 2.2). For an effect with
standard error s after n units the interval reaches

    s u(n),  u(n)^2 = (1 + 1/x) (log(1 + x) - 2 log alpha),  x = n rho^2,

to either side: Robbins' normal mixture, which a path without an effect ever crosses with chance
alpha. rho is chosen before the first look. It decides where u is smallest, not whether the sequence
holds. u is least at the planned n where x = -W(-alpha^2 / e) - 1, W the lower branch of Lambert's
function (Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 49, 2021, proposition 3; set
the derivative of u(n)^2 to 0: log(1 + x) - 2 log alpha = x). At alpha = 0.05 x is 8.2 there and u
3.04, where a fixed interval has 1.96.

It rests on units that come in one after the other, and on n as a clock of the information: s^2 n
stays about the same. Where the arms' shares change (a ramp-up) use `looks.effective_units`; `plans`
tells of another clock.

It is a statement about large samples, and it fails where a fixed test fails, too: where one arm is
much smaller and values are skewed. Then few dear purchases fall into the small arm, its mean and
its variance are too low together, and it looks worse than it is. Of 4,000 simulated experiments
without an effect (3 % of units buy, sigma of the log order value 1.2, 60 looks while the small arm
grows tenfold, seed 40, exact 95 % intervals), the sequence of level 5 % was wrong at some look

    even arms, from 10 purchases in each on           0.6 % (0.4 to 0.9)
    an arm of 10 %, from 10 purchases in it on       12.9 % (11.9 to 14.0)
    an arm of 10 %, from 100 purchases in it on       4.3 % (3.7 to 5.0)
    an arm of 10 %, from 1,000 purchases in it on     2.2 % (1.7 to 2.6)

With even arms skewness cancels in the difference. The test of these figures is `test_skewed`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from experiments.inference.sequential.spending import checked_alpha
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConfidenceSequence:
    """Intervals and p-values of an effect, all of them valid together. K looks are the last axis.

    Attributes:
        low_K, high_K: ends of the interval.
        p_value_K: two-sided, of no effect; at most alpha where, and only where, the interval leaves
            out 0. It may be read at any look: the chance that it is ever at most alpha is alpha.
    """

    low_K: Floats
    high_K: Floats
    p_value_K: Floats

    @property
    def running(self) -> "ConfidenceSequence":
        """The running intersection: what all looks so far say together.

        It never widens, and what it has decided it never takes back. Ends that have passed each
        other (low above high) leave nothing: no one effect agrees with all looks. So it is where
        the effect itself changed with time, or, with chance alpha, by bad luck.
        """
        return ConfidenceSequence(
            np.maximum.accumulate(self.low_K, axis=-1),
            np.minimum.accumulate(self.high_K, axis=-1),
            np.minimum.accumulate(self.p_value_K, axis=-1),
        )


def rho(planned: float, *, alpha: float) -> float:
    """The mixture's deviation for which the sequence is tightest after so many units.

    Raises:
        ConfigError: numbers out of range.
    """
    return math.sqrt(_tuned(alpha) / _checked_plan(planned))


def bar(units: ArrayLike, *, planned: float, alpha: float) -> Floats:
    """How many standard errors the sequence reaches to either side: u(n) of the module.

    Args:
        units: after which it is looked at, > 0.
        planned: units at which it is tightest.
        alpha: chance of ever being wrong.

    Raises:
        ConfigError: a plan or an alpha out of range.
        DataError: a number of units that is not above 0.
    """
    x_K = _clock(units, planned, alpha)
    return np.asarray(np.sqrt((1 + 1 / x_K) * (np.log1p(x_K) - 2 * math.log(alpha))))


def confidence_sequence(
    effect: ArrayLike, error: ArrayLike, units: ArrayLike, *, planned: float, alpha: float
) -> ConfidenceSequence:
    """The sequence of an effect, such as a difference of two means or ratios.

    Args:
        effect: (..., K) estimates, look by look.
        error: (..., K) their standard errors, > 0.
        units: (..., K) units that each rests on.
        planned: units at which it is tightest; chosen before the first look.
        alpha: chance of ever being wrong.

    Raises:
        ConfigError: a plan or an alpha out of range.
        DataError: an effect that is not finite; an error or a number of units not above 0.
    """
    effect_K, error_K = np.asarray(effect, np.float64), np.asarray(error, np.float64)
    if not np.isfinite(effect_K).all():
        raise DataError(f"effect == {_first(effect_K, ~np.isfinite(effect_K))}, must be a number")
    wrong_K = ~(np.isfinite(error_K) & (error_K > 0))
    if wrong_K.any():
        raise DataError(f"error == {_first(error_K, wrong_K)}, must be > 0")
    reach_K = error_K * bar(units, planned=planned, alpha=alpha)
    x_K = _clock(units, planned, alpha)
    evidence_K = (effect_K / error_K) ** 2 * (x_K / (1 + x_K))
    p_value_K = np.minimum(np.exp((np.log1p(x_K) - evidence_K) / 2), 1.0)
    return ConfidenceSequence(effect_K - reach_K, effect_K + reach_K, p_value_K)


def _clock(units: ArrayLike, planned: float, alpha: float) -> Floats:
    """n rho^2."""
    units_K = np.asarray(units, np.float64)
    wrong_K = ~(np.isfinite(units_K) & (units_K > 0))
    if wrong_K.any():
        raise DataError(f"units == {_first(units_K, wrong_K)}, must be > 0")
    return np.asarray(units_K * (_tuned(alpha) / _checked_plan(planned)))


def _tuned(alpha: float) -> float:
    """n rho^2 at the planned n."""
    return float(-special.lambertw(-(checked_alpha(alpha) ** 2) / math.e, -1).real - 1)


def _checked_plan(planned: float) -> float:
    if not 0 < planned < math.inf:
        raise ConfigError(f"planned == {planned}, must be > 0 (units)")
    return planned


def _first(values_K: Floats, wrong_K: NDArray[np.bool_]) -> float:
    return float(values_K[wrong_K][0])
