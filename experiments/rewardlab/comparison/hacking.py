"""Whether a policy's reward ran ahead of what the simulated shoppers would give for it.

On the same held-out requests each evaluation measures the reward that the policy optimises and
the purchases that the simulated shopper expects, both as means over the best ten ids. A gain is a
value minus that of the supervised model (evaluation 0) on the same request, in units of the spread
over requests (standard deviation) of the supervised model's values, which is taken as given: so
two quantities of different scales can be subtracted. Gains are of the last evaluation, also where
a training that ended early kept earlier weights, because the question is where the reward leads.

In the curves a training that ended early keeps its last value, so that each point is a mean over
all seeds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import level
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.rewards import Hacking
from experiments.rewardlab.comparison.readings import WatchReading
from simulator.errors import DataError

Floats = NDArray[np.float64]
_ROUNDING = 1e-9  # a spread that is a smaller part of the values is that of rounding errors


def hacking_row(policy: str, readings: Sequence[WatchReading], *, confidence: float) -> Hacking:
    """A policy's gains in reward and oracle, the gap between them, and their curves.

    None where the supervised model's values have no spread. Intervals go across seeds and shoppers
    (`experiments.inference.intervals`), so one seed has none.

    Args:
        policy: which.
        readings: of its trainings, one for each seed.
        confidence: level of the intervals.

    Raises:
        DataError: no reading, steps that do not begin with 0 and rise, other requests in another
            seed, or values that are not finite.
    """
    own = sorted((row for row in readings if row.policy == policy), key=lambda row: row.seed)
    for row in own:
        _check(row, own[0])
    if not own:
        raise DataError(f"watched readings of {policy} == 0, must be > 0")
    shopper_V = own[0].shopper_V
    reward, oracle = ([_gain(row, name) for row in own] for name in ("reward_EV", "oracle_EV"))
    both = [ours_EV - theirs_EV for ours_EV, theirs_EV in zip(reward, oracle, strict=True)]
    steps = tuple(sorted({step for row in own for step in row.steps}))
    return Hacking(
        policy,
        reward=_last(reward, shopper_V, confidence),
        oracle=_last(oracle, shopper_V, confidence),
        gap=_last(both, shopper_V, confidence),
        steps=steps,
        reward_E=_curve(own, reward, steps),
        oracle_E=_curve(own, oracle, steps),
    )


def _check(row: WatchReading, first: WatchReading) -> None:
    place = f"watched readings of {row.policy}, seed {row.seed}"
    steps = list(row.steps)
    if not steps or steps[0] != 0 or sorted(set(steps)) != steps:
        raise DataError(f"{place}: steps == {steps}, must begin with 0 and rise")
    wanted = (len(steps), first.reward_EV.shape[-1])
    for values_EV in (row.reward_EV, row.oracle_EV):
        if values_EV.shape != wanted:
            raise DataError(f"{place}: shape == {values_EV.shape}, must be {wanted}")
        if not np.isfinite(values_EV).all():
            raise DataError(f"{place} == not finite somewhere, must be numbers")
    if not np.array_equal(row.shopper_V, first.shopper_V):
        raise DataError(f"{place}: shopper_V == others than seed {first.seed}'s, must be the same")


def _gain(row: WatchReading, name: str) -> Floats:
    """(E, V) gains on the supervised model in units of its spread; NaN where it has none."""
    values_EV: Floats = np.asarray(getattr(row, name), np.float64)
    spread = float(np.std(values_EV[0], ddof=1)) if values_EV.shape[1] > 1 else 0.0
    known = spread > _ROUNDING * float(np.abs(values_EV[0]).max(initial=0.0))
    return np.asarray((values_EV - values_EV[0]) / (spread if known else np.nan))


def _last(gains: Sequence[Floats], shopper_V: NDArray[np.integer], confidence: float) -> Interval:
    """The mean of the last evaluation's gains over seeds and requests."""
    last_SV = np.stack([gain_EV[-1] for gain_EV in gains])
    if np.isnan(last_SV).any():
        return UNKNOWN
    return level(last_SV, shopper_V, confidence=confidence).interval


def _curve(
    own: Sequence[WatchReading], gains: Sequence[Floats], steps: tuple[int, ...]
) -> tuple[Number, ...]:
    """Mean gain over seeds at each step, of each seed's latest evaluation until then."""
    lines = [
        gain_EV.mean(axis=1)[np.searchsorted(row.steps, steps, side="right") - 1]
        for row, gain_EV in zip(own, gains, strict=True)
    ]
    return tuple(None if np.isnan(each) else float(each) for each in np.mean(lines, axis=0))
