"""Cooperative games of channels: what each is worth, from the worths of coalitions.

A coalition is a set of channels, written as a bitmask: bit c is channel c of C. Its worth v is what
a funnel of only these channels brings; v of the empty one is 0, N is all of them. Per channel:

    leave-one-out   v(N) - v(N \\ c)
    alone           v({c})
    Shapley         sum over S without c of |S|! (C - |S| - 1)! / C! (v(S + c) - v(S))

(Shapley, "A value for n-person games", 1953) and for each pair the Shapley interaction index, the
sum over S without i and j of

    |S|! (C - |S| - 2)! / (C - 1)! (v(S + i + j) - v(S + i) - v(S + j) + v(S))

(Grabisch and Roubens, "An axiomatic approach to the concept of interaction among players in
cooperative games", International Journal of Game Theory 28, 1999).

Sums run over marginals, so a channel that changes nothing is worth exactly 0.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["total", "leave_one_out", "alone", "shapley", "interaction"]


@dataclass(frozen=True)
class Index:
    """One number that sums a game up.

    Attributes:
        kind: which index; "total" is v(N).
        channel, other: of which channel, or pair of channels; -1 where there is none.
    """

    kind: Kind
    channel: int = -1
    other: int = -1


def indices(channels: int) -> tuple[Index, ...]:
    """All J indices of a game of so many channels, in the order of the J axis."""
    each = range(channels)
    return (
        Index("total"),
        *(Index("leave_one_out", c) for c in each),
        *(Index("alone", c) for c in each),
        *(Index("shapley", c) for c in each),
        *(Index("interaction", i, j) for i in each for j in each if i < j),
    )


def index_values(worths_XM: Floats, channels: int) -> Floats:
    """(X, J) indices of X games from the worths of all their coalitions.

    Args:
        worths_XM: (X, 2^C) worths, the coalition's bitmask as column; column 0 is not read, it
            counts as 0.
        channels: how many channels C there are.
    """
    worths_XM = np.ascontiguousarray(worths_XM, np.float64)
    values_XJ = np.zeros((len(worths_XM), len(indices(channels))))
    _index_values(worths_XM, *_weights(channels), values_XJ)
    return values_XJ


def _weights(channels: int) -> tuple[Floats, Floats]:
    """Weight of a marginal, and of a pair's, by the number of channels before it."""
    of = math.factorial
    single = [of(s) * of(channels - s - 1) / of(channels) for s in range(channels)]
    pair = [of(s) * of(channels - s - 2) / of(channels - 1) for s in range(channels - 1)]
    return np.array(single), np.array(pair)


@njit(cache=True, nogil=True)
def _index_values(
    worths_XM: Any, single_S: Any, pair_S: Any, values_XJ: Any
) -> None:  # pragma: no cover
    n, everything = len(single_S), worths_XM.shape[1] - 1
    size_M = np.zeros(everything + 1, np.int64)
    for mask in range(1, everything + 1):
        size_M[mask] = size_M[mask >> 1] + (mask & 1)
    worth_M = np.empty(everything + 1)
    for x in range(len(worths_XM)):
        worth_M[:] = worths_XM[x]
        worth_M[0] = 0.0
        out = values_XJ[x]
        out[0] = worth_M[everything]
        for c in range(n):
            bit = 1 << c
            out[1 + c] = worth_M[everything] - worth_M[everything ^ bit]
            out[1 + n + c] = worth_M[bit]
            for mask in range(everything + 1):
                if not mask & bit:
                    marginal = worth_M[mask | bit] - worth_M[mask]
                    out[1 + 2 * n + c] += single_S[size_M[mask]] * marginal
        at = 1 + 3 * n
        for i in range(n):
            for j in range(i + 1, n):
                one, other = 1 << i, 1 << j
                for mask in range(everything + 1):
                    if not mask & (one | other):
                        late = worth_M[mask | one | other] - worth_M[mask | other]
                        early = worth_M[mask | one] - worth_M[mask]
                        out[at] += pair_S[size_M[mask]] * (late - early)
                at += 1


@njit(cache=True, nogil=True)
def sampled_values(
    worths_BX: Any, order_BPC: Any, values_BJ: Any, variance_BC: Any
) -> None:  # pragma: no cover
    """Estimate all indices of B games, each from a few orders of its channels; unbiased.

    Along an order every channel joins those before it. The mean of its marginals over uniformly
    drawn orders is the Shapley value in expectation (Castro, Gomez and Tejada, "Polynomial
    calculation of the Shapley value based on sampling", 2009). Two channels are next to each other
    in 2 of C orders, so C / 2 times their joint marginal where they are is the interaction index
    in expectation. Leave-one-out and alone are exact.

    The variance of a Shapley estimate is that of means of pairs, over their number. From a single
    pair of an order and its reverse it is (difference / 2)^2, which in expectation is at least the
    true one if marginals only fall (or only rise) as channels join: then the two are correlated
    negatively (Harris' inequality). That is how substitutes behave.

    Args:
        worths_BX: worths in the columns of `plans.DrawnOrders`.
        order_BPC: (B, P, C) orders; order 2q + 1 is the reverse of order 2q.
        values_BJ: (B, J) zeros, filled in.
        variance_BC: (B, C) zeros, filled in with the sampling variance of the Shapley values.
    """
    n_orders, n = order_BPC.shape[1], order_BPC.shape[2]
    step, pairs = 2 * (n - 1), n_orders // 2
    mean_QC = np.empty((pairs, n))
    gap_C = np.empty(n)
    for b in range(len(worths_BX)):
        worth, out = worths_BX[b], values_BJ[b]
        out[0] = worth[0]
        for c in range(n):
            out[1 + c] = worth[0] - worth[1 + c]
            out[1 + n + c] = worth[1 + n + c]
        mean_QC[:] = 0.0
        for p in range(n_orders):
            order, first = order_BPC[b, p], 1 + 2 * n + p * step
            before = 0.0  # the worth of those before, and of those before but one
            for k in range(n):
                after = worth[first + k] if k < n - 1 else worth[0]
                marginal = after - before
                c = order[k]
                mean_QC[p // 2, c] += marginal / 2
                gap_C[c] = marginal - gap_C[c] if p % 2 else marginal
                if k:
                    i, j = min(c, order[k - 1]), max(c, order[k - 1])
                    at = 1 + 3 * n + i * n - i * (i + 1) // 2 + j - i - 1
                    early = before - (worth[first + k - 2] if k > 1 else 0.0)
                    late = after - worth[first + n - 1 + k - 1]
                    out[at] += (late - early) * n / (2 * n_orders)
                before = after
        for c in range(n):
            mean = mean_QC[:, c].sum() / pairs
            out[1 + 2 * n + c] = mean
            if pairs == 1:
                variance_BC[b, c] = (gap_C[c] / 2) ** 2
            else:
                squares = ((mean_QC[:, c] - mean) ** 2).sum()
                variance_BC[b, c] = squares / (pairs * (pairs - 1))
