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
        self._new = 0, np.ones((2, others))
        self._last: dict[int, tuple[int, NDArray[np.float64]]] = {}

    def of(self, session_B: NDArray[np.int64], need_B: NDArray[np.int64]) -> NDArray[np.float64]:
        """(B, C) likelihood ratios of the next requests of sessions: same need, or the next one."""
        last = [self._last.get(session, self._new) for session in session_B.tolist()]
        pairs = zip(last, need_B.tolist(), strict=True)
        rows = [ratio_2C[int(need > before)] for (before, ratio_2C), need in pairs]
        return np.stack(rows) if rows else np.ones((0, self._new[1].shape[1]))

    def after(
        self,
        session_B: NDArray[np.int64],
        need_B: NDArray[np.int64],
        weight_BC: NDArray[np.float64],
        own: Prospect,
        others: Sequence[Prospect],
    ) -> None:
        """Note how own and other pages leave the need."""
        ratio_B2C = np.ones((len(session_B), 2, len(others)))
        for c, other in enumerate(others):
            for met in (0, 1):
                goes_B, own_B = (
                    page.stays_B * (1 - page.open_B if met else page.open_B)
                    for page in (other, own)
                )
                ratio_B = np.divide(goes_B, own_B, out=np.zeros(len(own_B)), where=own_B > 0)
                ratio_B2C[:, met, c] = weight_BC[:, c] * ratio_B
        keys = session_B.tolist(), need_B.tolist()
        self._last |= {
            session: (need, ratio_B2C[row])
            for row, (session, need) in enumerate(zip(*keys, strict=True))
        }
