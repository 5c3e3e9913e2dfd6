"""Chances that a path of z-values crosses two-sided boundaries, by integration look by look.

At a share t of the information a test's score S(t) = z sqrt(t) is Brownian motion with the drift
that the effect gives it: increments are independent and normal (the canonical joint law: Jennison
and Turnbull, Group Sequential Methods, 2000, eq. 3.1). The density of paths that have crossed no
boundary yet goes from look to look by one integral over the increment (Armitage, McPherson and
Rowe, Journal of the Royal Statistical Society A 132, 1969, 235-244; Jennison and Turnbull, chapter
19). Here that integral is a Gauss-Legendre sum over the continuation region, with as many nodes as
the smaller of the increments before and after asks for: boundaries are right to 1e-11.

Boundaries are symmetric, so without an effect the density is even: nodes lie on the positive half
alone. A drift d multiplies the density at y by exp(d y - d^2 t / 2) (Cameron and Martin), so one
recursion without an effect serves every drift.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]

REACH = 7.7
"""Standard errors beyond which no path is followed where nothing bounds it: 1e-14 get there."""

NEGLIGIBLE = 1e-13
"""Alpha of a look below which it has no boundary; its share is left to the next."""

_NODES_PER_STEP = 2.0  # nodes for each standard deviation of an increment
_FAR = 8.5  # deviations of an increment beyond which nothing comes: 1e-16 of its density
_BLOCK = 16  # nodes come in so many, so that few rules are made


@dataclass(frozen=True)
class Survivors:
    """Paths without an effect that have crossed no boundary up to a look.

    Attributes:
        score_M: nodes on the positive half; the density is even.
        mass_M: density there times the weight of the node.
        fraction: share of the information at that look.
    """

    score_M: Floats
    mass_M: Floats
    fraction: float


def outside(before: Survivors | None, bound: float, fraction: float) -> float:
    """The chance, without an effect, of crossing first at this look.

    Args:
        before: the survivors of the look before; None at the first.
        bound: of |z|.
        fraction: share of the information at this look.
    """
    if before is None:
        return 2 * float(special.ndtr(-bound))
    edge, width = bound * math.sqrt(fraction), math.sqrt(fraction - before.fraction)
    score_M = before.score_M
    above_M = special.ndtr((score_M - edge) / width) + special.ndtr((-score_M - edge) / width)
    return 2 * float(before.mass_M @ above_M)  # as many leave below


def crossed(
    before: Survivors | None, bound: float, fraction: float, *, drift: float
) -> tuple[float, float]:
    """The chances of crossing first at this look, above and below.

    Args:
        before, bound, fraction: as in `outside`.
        drift: expected z at the share 1.
    """
    if before is None:
        middle = drift * math.sqrt(fraction)
        return float(special.ndtr(middle - bound)), float(special.ndtr(-middle - bound))
    step = fraction - before.fraction
    edge, width = bound * math.sqrt(fraction), math.sqrt(step)
    above, below = 0.0, 0.0
    for side in (1.0, -1.0):
        score_M = side * before.score_M
        mass_M = before.mass_M * np.exp(drift * score_M - drift**2 * before.fraction / 2)
        middle_M = score_M + drift * step
        above += float(mass_M @ special.ndtr((middle_M - edge) / width))
        below += float(mass_M @ special.ndtr((-middle_M - edge) / width))
    return above, below


def survivors(
    before: Survivors | None,
    bound: float,
    fraction: float,
    following: float,
    *,
    drift: float = 0.0,
) -> Survivors:
    """Those of the paths of the look before that do not cross at this one.

    Args:
        before, bound, fraction: as in `outside`.
        following: share of the information at the next look: how fine nodes must be.
        drift: for which chances will be asked: how far paths must be followed.
    """
    root = math.sqrt(fraction)
    edge = min(bound, REACH + abs(drift) * root) * root
    step = fraction if before is None else fraction - before.fraction
    finest = math.sqrt(min(step, following - fraction))
    blocks = math.ceil(1 + _NODES_PER_STEP * edge / finest / _BLOCK)
    unit_M, weight_M = _rule(_BLOCK * blocks)
    score_M = edge * (unit_M + 1) / 2
    if before is None:
        density_M = _normal(score_M / root) / root
    else:
        width = math.sqrt(step)
        density_M = _arrived(score_M, before.score_M, before.mass_M, width)
        near = int(np.searchsorted(score_M, _FAR * width))  # only these come from below 0
        from_M = before.score_M < _FAR * width
        density_M[:near] += _arrived(
            score_M[:near], -before.score_M[from_M], before.mass_M[from_M], width
        )
    return Survivors(score_M, density_M * weight_M * edge / 2, fraction)


def bound_that_spends(before: Survivors | None, fraction: float, spend: float) -> float:
    """The boundary of |z| that paths without an effect cross first at this look with a chance.

    Args:
        before, fraction: as in `outside`.
        spend: that chance.

    Returns:
        infinity where the chance is negligible.
    """
    if spend < NEGLIGIBLE:
        return math.inf
    if before is None:
        return -float(special.ndtri(spend / 2))

    def over(bound: float) -> float:
        return math.log(max(outside(before, bound, fraction), _LEAST) / spend)

    return float(optimize.brentq(over, 0.0, REACH, xtol=1e-13))


_LEAST = 1e-300  # of a chance whose logarithm is taken


def _arrived(score_M: Floats, from_M: Floats, mass_M: Floats, width: float) -> Floats:
    """The density after an increment of this deviation."""
    return np.asarray(_normal((score_M[:, None] - from_M) / width) @ mass_M / width)


def _normal(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


@lru_cache(maxsize=256)
def _rule(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [-1, 1]."""
    return special.roots_legendre(nodes)
