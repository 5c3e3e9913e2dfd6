"""Many tests that never were, with laws that are known."""

import numpy as np
from scipy import stats

from experiments.operating.repeated import Repeated


def normal_tests(
    effect: float, error: float, count: int, *, seed: int, believed: float | None = None
) -> Repeated:
    """Tests of an effect whose estimates are normal; they believe in an error of their own."""
    told = error if believed is None else believed
    effect_R = np.random.default_rng(seed).normal(effect, error, count)
    half = stats.norm.ppf(0.975) * told
    p_R = 2 * stats.norm.sf(np.abs(effect_R) / told)
    return Repeated(effect_R, effect_R - half, effect_R + half, p_R, count)
