"""The total effect of a treatment on everybody, from how outcomes move while it is rolled out.

The state evolution that is learned (`Evolution`) is rolled forward twice from the state of the
first day: with everybody in the treatment and with nobody. The difference, averaged over days, is
the estimate of the total treatment effect, with all that goes from shopper to shopper in it. Which
terms the evolution has is chosen by counterfactual cross-validation: a block of days is left out,
rolled forward from the day before it under the shares that it had, and compared with what happened
(Shirani et al., arXiv 2502.01106, 2025). The interval is of a bootstrap over shoppers, cohort by
cohort, which is this house's. It takes the choice of the terms as given, so where several
evolutions are offered it is too short.

What it rests on, and what fails otherwise: the recursion is the same on all days, so what the
calendar does (a weekend, a season) is taken for what others do; the first day has seen no
treatment; and shares must have changed so that the state did not just follow them. The interval
knows of the luck of shoppers, not of a shock that moves all of them on a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.interference.evolution import Evolution
from experiments.inference.interference.rollout import MEAN, RollOut
from experiments.records.interval import UNKNOWN, Interval
from simulator.errors import ConfigError

Floats = NDArray[np.float64]

EVOLUTIONS = (
    Evolution(),
    Evolution(own=True),
    Evolution(product=True),
    Evolution(own=True, product=True),
    Evolution(variance=True),
)
"""From which cross-validation chooses, the plainest first: it wins ties."""

FEWEST_DAYS = 4
"""A day before, and three steps: as many as the plainest evolution has terms of the population."""


_ROOM = 2.0
"""How far outcomes may be foretold beyond those that cohorts have had, over how far these range."""

_RUNS_AWAY = "rolled forward, outcomes run away from all that was seen: the fit is one of chance"


@dataclass(frozen=True)
class TotalEffect:
    """What was found.

    Attributes:
        effect: of everybody treated over nobody, on a shopper's outcome of a day, averaged over
            all days but the first.
        effect_T: of each of these days; empty where nothing is known.
        evolution: that was rolled forward; None where none could be learned.
        error: root mean square error of cohorts' means on days left out; None where one evolution
            was possible and nothing was to be chosen.
        reason: why there is no effect; "" where there is one.
    """

    effect: Interval
    effect_T: Floats
    evolution: Evolution | None
    error: float | None
    reason: str


def total_effect(
    rollout: RollOut,
    *,
    evolutions: Sequence[Evolution] = EVOLUTIONS,
    blocks: int = 3,
    resamples: int = 200,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> TotalEffect:
    """Estimate the total treatment effect; see the module.

    Args:
        rollout: of the treatment, from a day on which nobody had it.
        evolutions: to choose from.
        blocks: of days, that are left out in turn.
        resamples: of the bootstrap.
        confidence: level of its percentile interval.
        rng: its luck.

    Raises:
        ConfigError: a confidence that is none, fewer than 2 blocks or resamples, or no evolution.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence == {confidence}, must be > 0 and < 1")
    for name, number in (("blocks", blocks), ("resamples", resamples)):
        if number < 2:
            raise ConfigError(f"{name} == {number}, must be >= 2")
    if not evolutions:
        raise ConfigError("evolutions == (), must be one at least")
    reason = _missing(rollout)
    possible = [] if reason else [each for each in evolutions if each.known(rollout)]
    if not possible:
        reason = reason or (
            "shares and states do not vary enough from day to day to tell their effects apart"
        )
        return TotalEffect(UNKNOWN, np.zeros(0), None, None, reason)
    evolution, error = chosen(rollout, possible, blocks)
    on_1T, off_1T = _paths(rollout, evolution, None)
    effect_T = (on_1T - off_1T)[0]
    on_RT, off_RT = _paths(rollout, evolution, rollout.resampled(resamples, rng=rng))
    drawn_R = (on_RT - off_RT).mean(axis=1)
    ends = np.quantile(drawn_R, [(1 - confidence) / 2, (1 + confidence) / 2])
    estimate = float(effect_T.mean())
    if not (_seen(rollout, on_1T) and _seen(rollout, off_1T) and np.isfinite(ends).all()):
        return TotalEffect(UNKNOWN, np.zeros(0), evolution, error, _RUNS_AWAY)
    return TotalEffect(Interval(estimate, *ends.tolist()), effect_T, evolution, error, "")


def chosen(
    rollout: RollOut, evolutions: Sequence[Evolution], blocks: int
) -> tuple[Evolution, float | None]:
    """The evolution that foretells days left out best, and its root mean square error.

    Args:
        rollout: what has happened.
        evolutions: to choose from, one at least.
        blocks: of days; those without which an evolution cannot be learned are not left out.
    """
    if len(evolutions) == 1:
        return evolutions[0], None
    steps_B = [each for each in np.array_split(np.arange(rollout.days - 1), blocks) if len(each)]
    kept_BT = [~np.isin(np.arange(rollout.days - 1), left) for left in steps_B]
    usable = [
        (left, kept)
        for left, kept in zip(steps_B, kept_BT, strict=True)
        if all(each.known(rollout, kept) for each in evolutions)
    ]
    if not usable:
        return evolutions[0], None
    errors = [
        float(np.sqrt(np.mean([_foretold(rollout, each, *one) for one in usable])))
        for each in evolutions
    ]
    spread = float(rollout.moments()[..., MEAN].std())
    least = min(errors) + 1e-9 * spread  # what differs by rounding ties
    best = next(number for number, error in enumerate(errors) if error <= least)
    return evolutions[best], errors[best]


def _foretold(
    rollout: RollOut, evolution: Evolution, left: NDArray[np.int64], kept_T: NDArray[np.bool_]
) -> float:
    """Mean square error of the means of days left out, by shoppers."""
    coefficient_RFM = evolution.learned(rollout, kept_T=kept_T)
    part_RK, state_RKTM = rollout.parts(), rollout.moments()[..., : evolution.moments]
    days_T = left + 1
    told_RKTM = evolution.rolled(
        coefficient_RFM, state_RKTM[:, :, left[0]], part_RK, rollout.treated_KT[:, days_T]
    )
    off_RKT = (told_RKTM - state_RKTM[:, :, days_T])[..., MEAN]
    return float((part_RK[..., None] * off_RKT**2).sum(axis=1).mean())


def _paths(
    rollout: RollOut, evolution: Evolution, times_RG: Floats | None
) -> tuple[Floats, Floats]:
    """(R, T - 1) mean outcomes with everybody treated and with nobody, on days but the first."""
    coefficient_RFM = evolution.learned(rollout, times_RG=times_RG)
    part_RK, moment_RKM = rollout.parts(times_RG), rollout.moments(times_RG)[:, :, 0]
    mean_R = (part_RK * moment_RKM[..., 0]).sum(axis=1)
    raw_RK = moment_RKM[..., 1] + moment_RKM[..., 0] ** 2
    variance_R = (part_RK * raw_RK).sum(axis=1) - mean_R**2
    start_R1M = np.stack([mean_R, variance_R], axis=-1)[:, None, : evolution.moments]
    whole_R1, every_1T = np.ones((len(mean_R), 1)), np.ones((1, rollout.days - 1))
    with np.errstate(over="ignore", invalid="ignore"):  # told as a reason
        on, off = (
            evolution.rolled(coefficient_RFM, start_R1M, whole_R1, treated_1T)[:, 0, :, MEAN]
            for treated_1T in (every_1T, 0 * every_1T)
        )
        return np.asarray(on), np.asarray(off)


def _seen(rollout: RollOut, path_RT: Floats) -> bool:
    """Whether outcomes stay near those that cohorts have had: a fit by chance may run away."""
    mean_KT = rollout.moments()[0, ..., MEAN]
    low, high = float(mean_KT.min()), float(mean_KT.max())
    room = _ROOM * (high - low)
    return bool(((path_RT >= low - room) & (path_RT <= high + room)).all())


def _missing(rollout: RollOut) -> str:
    """Why a roll-out cannot be learned from; "" where it can."""
    if rollout.days < FEWEST_DAYS:
        return f"{rollout.days} days, where {FEWEST_DAYS} are the least"
    if rollout.treated_KT[:, 0].any():
        return "some are treated on the first day, so there is no state without the treatment"
    if not rollout.treated_KT.any():
        return "nobody is treated"
    return ""
