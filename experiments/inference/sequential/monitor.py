"""A running experiment looked at again and again: what each rule says, and what it has decided."""

import math

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.student import reach
from experiments.inference.sequential.confidencesequence import confidence_sequence
from experiments.inference.sequential.groupsequential import group_bars
from experiments.inference.sequential.looks import Looks
from experiments.inference.sequential.plans import Plan
from experiments.inference.sequential.spending import OBRIEN_FLEMING, Spending
from experiments.records.experiment.sequential import Decision, SequentialLook
from experiments.records.interval import Interval

Floats = NDArray[np.float64]


def monitor(
    looks: Looks, plan: Plan, *, alpha: float = 0.05, spending: Spending = OBRIEN_FLEMING
) -> tuple[SequentialLook, ...]:
    """A row for each look.

    A look with too little new information is none of the group-sequential test's, nor is one after
    the plan is fulfilled; the two other rules have it.

    Args:
        looks: what each look shows.
        plan: chosen before the first look.
        alpha: level of every rule.
        spending: of the group-sequential test; chosen before the first look.

    Raises:
        ConfigError: an alpha or a plan out of range.
        DataError: looks that cannot be monitored: see `Looks.checked`.
    """
    looks = looks.checked()
    fraction_K, effect_K, error_K = plan.fraction(looks), looks.effect_K, looks.error_K
    sequence = confidence_sequence(effect_K, error_K, fraction_K, planned=1.0, alpha=alpha)
    bar_K = group_bars(fraction_K, alpha=alpha, spending=spending)
    fixed_K = reach(error_K, looks.freedom_K, confidence=1 - alpha)
    ends = {
        "fixed": (effect_K - fixed_K, effect_K + fixed_K),
        "sequence": (sequence.low_K, sequence.high_K),
        "group": (effect_K - error_K * bar_K, effect_K + error_K * bar_K),
    }
    intervals = {
        rule: [_interval(*numbers) for numbers in zip(effect_K, *both, strict=True)]
        for rule, both in ends.items()
    }
    decided = {rule: _decided(*both) for rule, both in ends.items()}
    return tuple(
        SequentialLook(
            time=float(looks.time_K[at]),
            n_control=int(looks.control.n_K[at]),
            n_treatment=int(looks.treatment.n_K[at]),
            control=float(looks.control.level_K[at]),
            fraction=float(fraction_K[at]),
            effect=intervals["fixed"][at],
            sequence=intervals["sequence"][at],
            p_sequence=float(sequence.p_value_K[at]),
            boundary=float(bar_K[at]) if bar_K[at] < math.inf else None,
            group=intervals["group"][at],
            by_fixed=decided["fixed"][at],
            by_sequence=decided["sequence"][at],
            by_group=decided["group"][at],
        )
        for at in range(len(fraction_K))
    )


def _interval(effect: float, low: float, high: float) -> Interval:
    if low == -math.inf:
        return Interval(float(effect), None, None)
    return Interval(float(effect), float(low), float(high))


def _decided(low_K: Floats, high_K: Floats) -> list[Decision]:
    """What had been decided by each look, at the first whose interval left out 0."""
    side_K = np.where(low_K > 0, 1, np.where(high_K < 0, -1, 0))
    first = int((side_K != 0).argmax())
    decision: Decision = "more" if side_K[first] > 0 else "less"
    if side_K[first] == 0:
        return ["untold"] * len(side_K)
    return ["untold" if at < first else decision for at in range(len(side_K))]
