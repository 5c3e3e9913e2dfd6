"""Removal effects in an absorbing Markov chain of touches, and their gradient.

Paths go from a start over states to one of two ends, null and conversion (Anderl, Becker, von
Wangenheim and Schumann, International Journal of Research in Marketing 33, 2016, 457-474). With
counts K[i, j] of transitions, n[i] = sum_j K[i, j], and money m[i] carried by the conversions that
leave state i (their number, where conversions are counted):

    Q[i, j] = K[i, j] / n[i] between states,  r[i] = m[i] / n[i],  F = inverse(I - Q)  (fundamental)
    h = F r: expected money of a path that is in state i;  v[j] = F[start, j]: expected visits
    value V = h[start]

A channel c is removed by leading all transitions into its own state to null. Its loss is

    D_c = V - V_c = v[c] h[c] / F[c, c]

(the probability of ever being in c, times what is expected from there: Sherman and Morrison's
formula for the change of one column of Q). The removal effect is D_c / V, the share D_c / sum D.

Transitions of a state to itself change none of it: they lengthen the stay and leave the odds of the
ways out as they are. So there is no option to drop them.

The gradient. In a chain with visits v and values h, h = 0 at null and at conversion,

    dV / dK[i, j] = v[i] (h[j] - h[i]) / n[i],   dV / dm[i] = v[i] / n[i],

and without c the same with v'[i] = v[i] - F[c, i] v[c] / F[c, c], h'[i] = h[i] - F[i, c] h[c] /
F[c, c]. Both are 0 at c itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph, linalg

from simulator.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]

_NOTHING = 1e-13  # of the value: a loss that is rounding


@dataclass(frozen=True)
class Removal:
    """What is lost without each channel, and how it moves with the counts.

    Attributes:
        value: of a path from the start: probability of conversion, or expected money.
        loss_C: (C,) value - value without the channel.
        share_C: (C,) losses over their sum; None where no channel's removal loses anything.
    """

    value: float
    loss_C: Floats
    share_C: Floats | None
    _out_N: Floats
    _visits_XN: Floats  # row 0: the whole chain; row 1 + c: without channel c
    _values_XN: Floats

    def loss_gradient(self, source_E: Integers, target_E: Integers) -> Floats:
        """(C, E) derivative of each loss by the number of transitions source -> target."""
        gained_XE = self._values_XN[:, target_E] - self._values_XN[:, source_E]
        return self._losses(source_E, gained_XE)

    def money_gradient(self, source_E: Integers) -> Floats:
        """(C, E) derivative of each loss by the money of conversions that leave source."""
        return self._losses(source_E, 1.0)

    def of_shares(self, loss_CE: Floats) -> Floats:
        """(C, E) derivative of each share, from that of each loss; zeros without shares."""
        if self.share_C is None:
            return np.zeros_like(loss_CE)
        whole_E = loss_CE.sum(axis=0)
        share_CE: Floats = (loss_CE - self.share_C[:, None] * whole_E) / self.loss_C.sum()
        return share_CE

    def _losses(self, source_E: Integers, gained: Floats | float) -> Floats:
        """(C, E) of what is gained for each visit of the source, less without each channel."""
        out_E = self._out_N[source_E]
        each_XE = self._visits_XN[:, source_E] / np.where(out_E > 0, out_E, 1.0) * gained
        return np.asarray(each_XE[0] - each_XE[1:])


def removal_effects(
    counts_NN: Any,
    state_C: Integers,
    money_N: Floats | None = None,
) -> Removal:
    """Removal effects of channels in a chain of general states.

    Args:
        counts_NN: (N, N) transitions, dense or sparse: state 0 is the start, the last but one null,
            the last conversion, which are not left. Others are touches.
        state_C: (C,) the state that leads to null without the channel; -1 for a channel without
            one, whose removal changes nothing.
        money_N: (N,) total money of the conversions that leave each state; None: their number.

    Raises:
        DataError: counts that are negative or not finite, or paths that never end.
    """
    counts: Any = sparse.csr_array(counts_NN, dtype=np.dtype(np.float64))
    _check(counts)
    size = counts.shape[0]
    out_N: Floats = np.asarray(counts.sum(axis=1)).ravel()
    if money_N is None:
        money_N = counts[:, [size - 1]].toarray().ravel()
    per_N = 1.0 / np.where(out_N > 0, out_N, 1.0)[:-2]
    chain = sparse.diags_array(per_N) @ counts[:-2, :-2]
    factors: Any = linalg.splu(sparse.csc_array(sparse.eye_array(size - 2) - chain))

    unit_N = np.eye(1, size - 2)[0]
    values_N = factors.solve(per_N * np.asarray(money_N, np.float64)[:-2])
    visits_N = factors.solve(unit_N, trans="T")
    has_C = np.asarray(state_C) >= 0
    at_C = np.where(has_C, state_C, 0)
    unit_NC = (np.arange(size - 2)[:, None] == at_C) * 1.0
    column_NC, row_NC = factors.solve(unit_NC), factors.solve(unit_NC, trans="T")
    stay_C = column_NC[at_C, np.arange(len(at_C))]

    reached_C = np.where(has_C, visits_N[at_C] / stay_C, 0.0)
    worth_C = np.where(has_C, values_N[at_C] / stay_C, 0.0)
    value = float(values_N[0])
    loss_C = np.maximum(reached_C * values_N[at_C], 0.0)
    total = float(loss_C.sum())
    share_C = loss_C / total if total > _NOTHING * value else None

    return Removal(
        *(value, loss_C, share_C, out_N),
        _with_and_without(visits_N, reached_C, row_NC),
        _with_and_without(values_N, worth_C, column_NC),
    )


def _with_and_without(whole_N: Floats, scale_C: Floats, change_NC: Floats) -> Floats:
    """(1 + C, N) of the whole chain, then without each channel; 0 at null and conversion."""
    left_CN = whole_N - scale_C[:, None] * change_NC.T
    return np.pad(np.concatenate([whole_N[None], left_CN]), ((0, 0), (0, 2)))


def _check(counts: Any) -> None:
    size = counts.shape[0]
    if counts.shape != (size, size) or size < 3:
        raise DataError(
            f"counts_NN.shape == {counts.shape}, must be square: start, touches, null, conversion"
        )
    if not np.isfinite(counts.data).all() or (counts.data < 0).any():
        raise DataError("counts_NN == negative or not finite somewhere, must be counts")
    backward: Any = sparse.csr_array(counts.T)
    backward.eliminate_zeros()
    ends = [
        csgraph.breadth_first_order(backward, end, return_predecessors=False)
        for end in (size - 2, size - 1)
    ]
    left = np.asarray(counts.sum(axis=1)).ravel() > 0
    left[np.concatenate(ends)] = False
    if left.any():
        raise DataError(
            f"counts_NN: state {np.flatnonzero(left)[0]} == never left for null or conversion, "
            "must have a way to an end"
        )
