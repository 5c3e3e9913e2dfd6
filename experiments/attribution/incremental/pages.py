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

GROUPS = 8
"""Groups of shoppers, by the remainder of their number, that never depend on each other."""

Asking = tuple[NDArray[np.int64], Answers]
"""Rows of a block, and what the channels answer to them."""

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
        blank_BX: seconds after which a page without results comes.
    """

    rows_B: NDArray[np.int64]
    asked: Asked
    pages: Pages
    request_P: NDArray[np.int64]
    pair_BX: NDArray[np.int64]
    blank_BX: NDArray[np.float64]


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

    def ask(self, requests: Requests) -> list[Asking]:
        """What the channels answer to a block.

        A channel that breaks is dropped from all that it was asked for at once. Where one does,
        shoppers are asked for by the remainder of their number, so that no answer depends on which
        of these groups are together in a block.
        """
        answers = self.funnel.ask(untraced(requests))
        if not answers.recalled.drops:
            return [(np.arange(len(requests)), answers)]
        group_B = requests.shopper_B % GROUPS
        rows = [np.flatnonzero(group_B == group) for group in np.unique(group_B)]
        return [(some, self.funnel.ask(untraced(requests.rows(some)))) for some in rows]

    def whole(self, asked: list[Asking]) -> Pages:
        """The pages of a block as all channels make them: items and latency."""
        parts = [(rows, self.funnel.pages(answers)) for rows, answers in asked]
        rows = sum(len(some) for some, _ in parts)
        items_BK = np.full((rows, self.funnel.spec.slots), -1, np.int32)
        latency_B = np.zeros(rows, np.float32)
        for some, pages in parts:
            items_BK[some, : pages.items_BK.shape[1]] = pages.items_BK
            latency_B[some] = pages.latency_B
        return Pages.bare(items_BK, latency_B)

    def __call__(self, asked: list[Asking]) -> Iterator[Served]:
        """Serve a block to the coalitions, a few requests at a time."""
        few = max(1, _PAGES // self.plan.columns)
        for rows, answers in asked:
            for start in range(0, len(rows), few):
                own_B = np.arange(start, min(start + few, len(rows)))
                yield self._served(rows[own_B], answers, own_B)

    def _served(
        self, rows_B: NDArray[np.int64], answers: Answers, own_B: NDArray[np.int64]
    ) -> Served:
        """Some rows of the answers, which are these rows of the block."""
        asked = self.plan.ask(answers.requests.id_B[own_B])
        useful_B, waited_BC = self._what_matters(answers.rows(own_B))
        pair_BX, at_P, mask_P = _distinct(asked.masks_BX, useful_B, waited_BC)
        out_PC = ~mask_P[:, None] >> np.arange(len(self.channels)) & 1
        out_P = out_PC @ np.left_shift(1, self.bit_C)
        pages = self.funnel.pages(answers.rows(own_B[at_P]), out_P)
        in_BXC = (asked.masks_BX[:, :, None] >> np.arange(len(self.channels)) & 1).astype(np.bool_)
        blank_BX = np.where(in_BXC, waited_BC[:, None], 0.0).max(axis=2, initial=0.0)
        blank_BX += self.funnel.spec.ranking_base_s
        return Served(rows_B, asked, pages, rows_B[at_P], pair_BX, blank_BX)

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
