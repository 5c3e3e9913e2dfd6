"""The Bayesian line: what is believed of a lift once the data are seen, given a stated prior.

The estimate of the lift is the difference over control's level, taken as given, so that it says
what the absolute scale says: without a prior the chance to win is the one-sided p-value's
complement. Prior and estimate are normal, and so is what follows (as GrowthBook's engine, whose
prior is also of relative lifts, rescaled by control's level: "Statistical details", 2024).
"""

import math
from dataclasses import dataclass

from scipy import special

from experiments.inference.estimates import Level, combined
from experiments.inference.scorecard.prior import Prior
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.errors import ConfigError


@dataclass(frozen=True)
class Posterior:
    """What is believed of a relative lift.

    Attributes:
        prior: before the data.
        lift: the shrunk lift, with its credible interval.
        data: the part of it that is the data's; the rest is the prior mean's.
        chance: that the lift is for the better.
        loss: what launching is expected to lose: the mean of the loss, 0 where the lift is for the
            better (relative).
        regret: what not launching is expected to lose, likewise.
        reason: why there is nothing; "" where there is.
    """

    prior: Prior
    lift: Interval = UNKNOWN
    data: Number = None
    chance: Number = None
    loss: Number = None
    regret: Number = None
    reason: str = ""


def posterior(
    one: Level, two: Level, prior: Prior, *, better: int = 1, confidence: float = 0.95
) -> Posterior:
    """Update a prior by the levels of control and of treatment.

    Args:
        one, two: of control and of treatment, independent.
        prior: of relative lifts.
        better: 1 if more is better, -1 if less is better.
        confidence: level of the credible interval.

    Raises:
        ConfigError: better is neither 1 nor -1.
    """
    if better not in (1, -1):
        raise ConfigError(f"better == {better}, must be 1 or -1")
    if one.mean <= 0:
        return Posterior(prior, reason="control is not above zero, so there is no relative lift")
    gap, error, freedom = combined((-1.0, one), (1.0, two))
    if freedom == 0:
        return Posterior(prior, reason="no variation between shoppers")
    lift, noise = gap / one.mean, (error / one.mean) ** 2
    belief = 1 / prior.spread**2  # precision: 0 of a flat prior
    weight = 1 / (1 + belief * noise)
    mean, spread = weight * lift + (1 - weight) * prior.mean, math.sqrt(weight * noise)
    half = -float(special.ndtri((1 - confidence) / 2)) * spread
    gain = better * mean
    return Posterior(
        prior,
        lift=Interval(mean, mean - half, mean + half),
        data=weight,
        chance=float(special.ndtr(gain / spread)),
        loss=_below(gain, spread),
        regret=_below(-gain, spread),
    )


def _below(mean: float, spread: float) -> float:
    """The mean of max(-x, 0) of a normal x: s phi(m / s) - m Phi(-m / s)."""
    at = mean / spread
    density = math.exp(-(at**2) / 2) / math.sqrt(2 * math.pi)
    return max(spread * density - mean * float(special.ndtr(-at)), 0.0)
