"""The pages that sub-funnels make of what the channels answered to logged requests.

A channel that found nothing for a request, or came too late, changes its page in no coalition,
except that the page may have to wait for it. Coalitions that differ in nothing else share a page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from experiments.attribution.incremental.plans import Asked, Plan
from experiments.attribution.incremental.relived import untraced
from ranking.funnel import Answers, Funnel
from simulator.protocols import Pages, Requests

_PAGES = 1_024  # made at once; a matter of speed alone


@dataclass(frozen=True)
class Served:
    """Some logged requests, served to coalitions.

    Attributes:
        rows_B: rows of the requests in their block.
        asked: the coalitions of each.
        pages: P pages, each of one request.
        request_P: row in the block of each page's request.
        pair_BX: which page a coalition's is, -1 where it shows nothing.
    """

    rows_B: NDArray[np.int64]
    asked: Asked
    pages: Pages
    request_P: NDArray[np.int64]
    pair_BX: NDArray[np.int64]


class CoalitionPages:
    """Serves logged requests through the sub-funnels of an arm.

    Args:
        funnel: of the arm.
        channels: the arm's channels in the order of the coalitions' bits.
        plan: which coalitions there are.
    """

    def __init__(self, funnel: Funnel, channels: tuple[str, ...], plan: Plan) -> None:
        self.funnel = funnel
        self.channels = channels
        self.plan = plan
        self.bit_C = np.array([funnel.channels.index(name) for name in channels], np.int64)

    def __call__(self, requests: Requests, rows: NDArray[np.int64]) -> Iterator[Served]:
        """Serve some rows of a block, a few at a time.

        The channels are asked for the whole block, because one that breaks is dropped from the
        whole of it, as it was in the world.
        """
        answers = self.funnel.ask(untraced(requests))
        few = max(1, _PAGES // self.plan.columns)
        for start in range(0, len(rows), few):
            some_B = rows[start : start + few]
            asked = self.plan.ask(requests.id_B[some_B])
            useful_B, waited_BC = self._what_matters(answers.rows(some_B))
            pair_BX, at_P, mask_P = _distinct(asked.masks_BX, useful_B, waited_BC)
            out_PC = ~mask_P[:, None] >> np.arange(len(self.channels)) & 1
            out_P = out_PC @ np.left_shift(1, self.bit_C)
            pages = self.funnel.pages(answers.rows(some_B[at_P]), out_P)
            yield Served(some_B, asked, pages, some_B[at_P], pair_BX)

    def _what_matters(self, answers: Answers) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Bitmask of the channels that bring something, and how long the page waits for each."""
        found, deadline = answers.recalled.found, self.funnel.spec.deadline_s
        seconds_BC = answers.seconds_BC[:, self.bit_C]
        useful_BC = np.zeros(seconds_BC.shape, np.bool_)
        for c, name in enumerate(self.channels):
            if name in found:
                brings_B = (found[name].items_BN >= 0).any(axis=1)
                useful_BC[:, c] = brings_B & (seconds_BC[:, c] <= deadline)
        useful_B = np.asarray(useful_BC @ np.left_shift(1, np.arange(len(self.channels))), np.int64)
        return useful_B, np.minimum(seconds_BC, deadline)


@njit(cache=True, nogil=True)
def _distinct(masks_BX: Any, useful_B: Any, waited_BC: Any) -> Any:  # pragma: no cover
    """The pages that differ: their number for each coalition, their requests and coalitions.

    A coalition is brought to the channels in it that bring something, and the slowest of the
    others where the page waits for that one; one that brings nothing has no page.
    """
    n_rows, n_columns = masks_BX.shape
    n_channels = waited_BC.shape[1]
    pair_BX = np.full((n_rows, n_columns), -1, np.int64)
    at_P = np.empty(n_rows * n_columns, np.int64)
    mask_P = np.empty(n_rows * n_columns, np.int64)
    brought_X = np.empty(n_columns, np.int64)
    pages = 0
    for b in range(n_rows):
        for x in range(n_columns):
            brought_X[x] = masks_BX[b, x] & useful_B[b]
            waits, slowest, idle = 0.0, -1, 0.0
            for c in range(n_channels):
                if brought_X[x] >> c & 1:
                    waits = max(waits, waited_BC[b, c])
                elif masks_BX[b, x] >> c & 1 and waited_BC[b, c] > idle:
                    idle, slowest = waited_BC[b, c], c
            if brought_X[x] and idle > waits:
                brought_X[x] |= np.int64(1) << slowest
        last = np.int64(0)
        for x in np.argsort(brought_X):
            if brought_X[x] == 0:
                continue
            if brought_X[x] != last:
                last = brought_X[x]
                at_P[pages], mask_P[pages] = b, last
                pages += 1
            pair_BX[b, x] = pages - 1
    return pair_BX, at_P[:pages], mask_P[:pages]
