"""Permutation tests of groups that are few, or of which a few are most: query clusters, say.

Student's law leans on a mean of many like parts. Where some groups hold most requests it is wrong
in either direction, and no correction by degrees of freedom mends both (Cameron and Miller, Journal
of Human Resources 50, 2015, 317-372, section VI). What is known for sure is how groups got their
arms: of all ways to give as many groups the treatment, each was as likely. So the observed
difference is set beside those of other ways (Fisher, "The design of experiments", 1935). If no
group did anything else in the other arm, the test is exact, however few groups there are.

With y what a group has of a metric's numerator and n of its denominator, the statistic is

    T = (R[1] - R[0]) / sqrt(v[1] + v[0]),   R[a] = sum y / sum n over the groups of arm a,
    v[a] = G[a] / (G[a] - 1) sum (y - R[a] n)^2 / (sum n)^2

the difference over its standard error (of `grouped`), so that with many groups the test also holds
for arms that are alike in the mean only (Wu and Ding, Journal of the American Statistical
Association 116, 2021, 1898-1913). The interval has the effects that the test does not refuse: of a
treatment that adds d for each n, taken away again as y - d n in treated groups (absolute), or that
multiplies by r, undone there as y / r (relative). At d = 0 and at r = 1 both are the same test, so
neither scale contradicts the other or the p-value.

Axis suffixes: G groups, R re-randomisations, the observed one first, E ends of an interval, K
columns of sums.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.records.interval import UNKNOWN, Interval

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWS = 1_999
"""Ways to give arms to groups beside the observed one: a p-value of 0.05 is known to +-0.01."""

_CHUNK = 4_000_000
"""Numbers of a table of arms that are held at a time."""

_DOUBLINGS = 40
"""Steps outward, each twice the last, after which an interval has no end on that side."""

_MOST_GROWTH = 40.0
"""Logarithm of a growth beyond which rounding decides."""

_FINE = 2.0**-8
"""Part of a standard error to which an end is found; the re-randomisations leave more unsure."""

_ROUNDING = 1e-12
"""Part of its terms at which a sum of squares counts as 0, and of |T| at which two are alike."""


@dataclass(frozen=True)
class PermutationTest:
    """What a permutation test says.

    Attributes:
        p_value: two-sided, of no effect.
        effect: treatment minus control, with its interval; an end is None where so few groups can
            be given arms in too few ways to tell one.
        relative: growth of treatment over control, likewise; UNKNOWN where it is not wanted or an
            arm's level is not positive.
    """

    p_value: float
    effect: Interval
    relative: Interval


def permutation_tests(
    sums: Sequence[tuple[Floats, Floats]],
    treated_G: Bools,
    *,
    confidence: float,
    relative: bool = True,
) -> list[PermutationTest | None]:
    """Compare ratios of sums over groups between two arms.

    The luck of the re-randomisations follows from `treated_G`: the same experiment has the same
    answer again, and all its metrics lean on the same re-randomisations. Time and memory grow with
    the groups; a thousand take some 50 ms a metric.

    Args:
        sums: of each metric (G,) y and (G,) n, which is at least 0.
        treated_G: the groups that got the treatment; both arms have 2 groups at least.
        confidence: level of the intervals.
        relative: whether the interval of the growth is wanted.

    Returns:
        The tests; None where the observed difference has no standard error.
    """
    asked = confidence, relative
    return [_tested(each, *asked) for each in _statistics(sums, treated_G)]


def _tested(statistic: "_Statistic", confidence: float, relative: bool) -> PermutationTest | None:
    (base, level), error = statistic.observed()
    if not error > 0:
        return None
    alpha, p_value = round(1 - confidence, 12), float(statistic.p_shifted(np.zeros(1))[0])
    ends_E = _ends(statistic.p_shifted, level - base, error, p_value, alpha)
    effect = _interval(level - base, ends_E)
    if base <= 0 or level <= 0 or not relative:
        return PermutationTest(p_value, effect, UNKNOWN)

    def p_grown(log_E: Floats) -> Floats:
        return statistic.p_scaled(np.exp(np.clip(log_E, -_MOST_GROWTH, _MOST_GROWTH)))

    ends_E = _ends(p_grown, math.log(level / base), error / min(base, level), p_value, alpha)
    return PermutationTest(p_value, effect, _interval(level / base - 1, np.expm1(ends_E)))


def _interval(estimate: float, ends_E: Floats) -> Interval:
    if not np.isfinite(ends_E).all():
        return Interval(estimate, None, None)
    return Interval(estimate, *ends_E.tolist())


def _statistics(sums: Sequence[tuple[Floats, Floats]], treated_G: Bools) -> "list[_Statistic]":
    """Of each metric; every re-randomisation is drawn once for all of them."""
    columns_GK = np.concatenate([_columns(*each, treated_G) for each in sums], axis=1)
    rng = np.random.default_rng([len(treated_G), *np.packbits(treated_G).tolist()])
    rows, at_once = [treated_G[None] @ columns_GK], max(1, _CHUNK // len(treated_G))
    for start in range(0, DRAWS, at_once):
        drawn_RG = rearranged(treated_G, min(at_once, DRAWS - start), rng)
        rows.append(drawn_RG @ columns_GK)
    treated_RK = np.concatenate(rows)
    both_2RK = np.stack([columns_GK.sum(axis=0) - treated_RK, treated_RK])
    groups = int((~treated_G).sum()), int(treated_G.sum())
    parts = np.split(both_2RK.transpose(2, 0, 1), len(sums))
    return [_Statistic(np.ascontiguousarray(part), groups) for part in parts]


def _columns(y: Floats, n: Floats, treated_G: Bools) -> Floats:
    """(G, K) what sums over groups make T of, whatever is taken from the treated ones."""
    own_y, own_n = y * treated_G, n * treated_G
    ten = [n, y, own_n, own_y, y * y, y * n, n * n, own_y * y, own_y * n, own_n * n]
    return np.stack(ten, axis=1)


def rearranged(treated_G: Bools, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, G) 1 where a group is treated: as many in each row, all ways equally likely."""
    keys_RG = rng.random((draws, len(treated_G)))
    treated = int(treated_G.sum())
    last_R1 = np.partition(keys_RG, treated - 1, axis=1)[:, treated - 1 : treated]
    return (keys_RG <= last_R1).astype(np.float64)


@dataclass(frozen=True)
class _Statistic:
    """T of every re-randomisation, whatever is taken from the treated groups before.

    Attributes:
        sums_K2R: over the groups that are control and treatment in each re-randomisation, of the
            columns of `_columns`.
        groups: of control and of treatment.
    """

    sums_K2R: Floats
    groups: tuple[int, int]

    def observed(self) -> tuple[tuple[float, float], float]:
        """The levels of both arms, and the standard error of their difference."""
        n_2, y_2, _, _, yy_2, yn_2, nn_2, *_ = self.sums_K2R[:, :, 0]
        levels_2, variance_2 = self._levels(n_2, y_2, yy_2, yn_2, nn_2)
        return (float(levels_2[0]), float(levels_2[1])), float(np.sqrt(variance_2.sum()))

    def p_shifted(self, shift_E: Floats) -> Floats:
        """(E,) p-values of effects that add so much for each n."""
        n, y, own_n, _, yy, yn, nn, _, own_yn, own_nn = self.sums_K2R[:, :, None]
        by = shift_E[:, None]
        return self._p(
            n,
            y - by * own_n,
            yy - 2 * by * own_yn + by**2 * own_nn,
            yn - by * own_nn,
            nn,
        )

    def p_scaled(self, factor_E: Floats) -> Floats:
        """(E,) p-values of effects that multiply by so much."""
        n, y, _, own_y, yy, yn, nn, own_yy, own_yn, _ = self.sums_K2R[:, :, None]
        by = (1 / factor_E - 1)[:, None]
        return self._p(
            n,
            y + by * own_y,
            yy + (2 * by + by**2) * own_yy,
            yn + by * own_yn,
            nn,
        )

    def _levels(
        self, n: Floats, y: Floats, yy: Floats, yn: Floats, nn: Floats
    ) -> tuple[Floats, Floats]:
        """R and v of both arms, which are the first axis; NaN where an arm has no n."""
        with np.errstate(divide="ignore", invalid="ignore"):
            level = y / n
            terms = yy + level**2 * nn
            squares = yy - 2 * level * yn + level**2 * nn
            squares = np.where(squares > _ROUNDING * terms, squares, 0.0)
            groups = np.reshape(self.groups, (2,) + (1,) * (np.ndim(squares) - 1))
            return level, squares / n**2 * groups / (groups - 1)

    def _p(self, n: Floats, y: Floats, yy: Floats, yn: Floats, nn: Floats) -> Floats:
        level_2ER, variance_2ER = self._levels(n, y, yy, yn, nn)
        gap_ER = np.abs(level_2ER[1] - level_2ER[0])
        with np.errstate(divide="ignore", invalid="ignore"):
            size_ER = gap_ER / np.sqrt(variance_2ER.sum(axis=0))
        size_ER = np.where(gap_ER == 0, 0.0, size_ER)
        possible_ER = ~np.isnan(size_ER)
        above_ER = size_ER >= size_ER[:, :1] * (1 - _ROUNDING)
        return np.asarray((above_ER & possible_ER).sum(axis=1) / possible_ER.sum(axis=1))


def _ends(
    p_of: Callable[[Floats], Floats], middle: float, step: float, p_none: float, alpha: float
) -> Floats:
    """(2,) where p falls below alpha, below and above the estimate; infinite where it never does.

    Args:
        p_of: p-values of effects.
        middle: the estimate, whose p-value is 1.
        step: a first step outwards.
        p_none: p-value of no effect, 0, which lies within exactly if that is not below alpha.
        alpha: 1 minus the level.
    """
    side_E = np.array([-1.0, 1.0])
    inside_E, outside_E = np.full(2, middle), side_E * np.inf
    nearer_E = inside_E if p_none >= alpha else outside_E
    nearer_E[side_E * middle < 0] = 0.0
    for doubling in range(_DOUBLINGS):
        open_E = np.isinf(outside_E)
        if not open_E.any():
            break
        probe_E = np.where(open_E, inside_E + side_E * step * 2.0**doubling, outside_E)
        refused_E = p_of(probe_E) < alpha
        outside_E[open_E & refused_E] = probe_E[open_E & refused_E]
        inside_E[open_E & ~refused_E] = probe_E[open_E & ~refused_E]
    closed_E = np.isfinite(outside_E)
    while (np.abs(outside_E - inside_E)[closed_E] > step * _FINE).any():
        probe_E = np.where(closed_E, (inside_E + outside_E) / 2, middle)
        refused_E = p_of(probe_E) < alpha
        outside_E[closed_E & refused_E] = probe_E[closed_E & refused_E]
        inside_E[closed_E & ~refused_E] = probe_E[closed_E & ~refused_E]
    return outside_E
