"""Places spread evenly over many ranges at once: the design of a study that draws its settings."""

from collections.abc import Sequence

import numpy as np
from scipy.stats.qmc import Sobol

from simulator.randomness import Draws, Floats


def places(keys: int, count: int, draws: Draws, purpose: str) -> Floats:
    """(N, K) places in K ranges, 0 at the low end and 1 at the high one.

    Points of Sobol's sequence (1967), turned by a keyed shift (Cranley and Patterson, SIAM Journal
    on Numerical Analysis 13, 1976): any few of them fill all ranges evenly, and the first N stay
    what they are when more are asked for.

    Args:
        keys: K, may be 0.
        count: N, at least 1.
        draws: luck of the shift.
        purpose: of that luck.
    """
    if not keys:
        return np.zeros((count, 0))
    points_NK = Sobol(keys, scramble=False).random_base2(int(np.ceil(np.log2(count))))[:count]
    shift_K = draws.uniform(purpose, slot=np.arange(keys))
    return np.asarray((points_NK + shift_K) % 1.0)


def normal_root(covariance: Sequence[Sequence[float]]) -> Floats:
    """(K, K) what independent normal draws are multiplied by to have a covariance.

    It need not have full rank: settings may hang together for sure.
    """
    sizes, axes = np.linalg.eigh(np.array(covariance))
    return np.asarray(axes * np.sqrt(np.maximum(sizes, 0.0)))
