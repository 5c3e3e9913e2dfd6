"""How much more likely a lived request is, had other pages come before it.

A shopper comes to the next request of a need if the page was waited for and left the need open, and
to the next need if the page met it. Along a session, the ratio of these chances between other pages
and its own is the likelihood ratio of its requests. Its mean over lived sessions is 1 where all is
counted; tastes that last through a need are left out.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.expectation import Prospect


class Likelihood:
    """How much more likely the requests of sessions are with other pages before them.

    Args:
        others: how many other pages C each request has.
    """

    def __init__(self, others: int) -> None:
        # Of the last request of each session, ascending by session: its need, and the two ratios.
        self._session_S = np.zeros(0, np.int64)
        self._need_S = np.zeros(0, np.int64)
        self._ratio_S2C = np.ones((0, 2, others))

    def of(self, session_B: NDArray[np.int64], need_B: NDArray[np.int64]) -> NDArray[np.float64]:
        """(B, C) likelihood ratios of the next requests of sessions: same need, or the next one."""
        ratio_BC = np.ones((len(session_B), self._ratio_S2C.shape[2]))
        at_B = np.searchsorted(self._session_S, session_B)
        rows = np.flatnonzero(at_B < len(self._session_S))
        rows = rows[self._session_S[at_B[rows]] == session_B[rows]]
        at_R = at_B[rows]
        next_R = (need_B[rows] > self._need_S[at_R]).astype(np.int64)
        ratio_BC[rows] = self._ratio_S2C[at_R, next_R]
        return ratio_BC

    def after(
        self,
        session_B: NDArray[np.int64],
        need_B: NDArray[np.int64],
        weight_BC: NDArray[np.float64],
        own: Prospect,
        others: Sequence[Prospect],
    ) -> None:
        """Note how own and other pages leave the need; a session stands in a block once."""
        ratio_B2C = np.ones((len(session_B), 2, len(others)))
        for c, other in enumerate(others):
            for met in (0, 1):
                goes_B, own_B = (
                    page.stays_B * (1 - page.open_B if met else page.open_B)
                    for page in (other, own)
                )
                ratio_B = np.divide(goes_B, own_B, out=np.zeros(len(own_B)), where=own_B > 0)
                ratio_B2C[:, met, c] = weight_BC[:, c] * ratio_B
        kept_S = ~np.isin(self._session_S, session_B)
        session_S = np.concatenate((self._session_S[kept_S], session_B))
        order_S = np.argsort(session_S)
        self._session_S = session_S[order_S]
        self._need_S = np.concatenate((self._need_S[kept_S], need_B))[order_S]
        self._ratio_S2C = np.concatenate((self._ratio_S2C[kept_S], ratio_B2C))[order_S]
