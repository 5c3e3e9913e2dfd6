"""Which coalitions a request is served to, and how its indices follow from their worths.

Up to `settings.EXACT_CHANNELS` channels: all of them. Beyond: all channels, all but one, one alone,
and those met along a few orders of the channels that are drawn for each session, an order and its
reverse together (antithetic: they lean to opposite sides). All requests of a session have the same
coalitions, since what a page brings depends on those before it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.games import (
    Floats,
    index_values,
    indices,
    sampled_values,
)
from experiments.config.attribution import EXACT_CHANNELS
from simulator.protocols import MAX_CHANNELS, REQUEST_BITS
from simulator.randomness import Draws

Masks = NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """The coalitions wanted of B requests, or sessions.

    Attributes:
        masks_BX: coalitions by column of the plan; the empty one is worth 0 and need not be served.
        order_BPC: orders of the channels behind them, (B, 0, C) where there are none.
    """

    masks_BX: Masks
    order_BPC: NDArray[np.int64]


class AllCoalitions:
    """Every request is served to every coalition; column m is the coalition of bitmask m.

    Attributes:
        channels: how many there are.
        indices: the J axis.
        told_M: coalitions that every request is served to: the first M columns.
        all_column, without_C: columns of all channels, and of all but each.
        columns: how many coalitions a request is asked for at most.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.indices = indices(channels)
        self.columns = 1 << channels
        self.told_M: Masks = np.arange(self.columns)
        self.all_column = self.columns - 1
        self.without_C: Masks = self.all_column ^ (1 << np.arange(channels))

    def ask(self, id_B: NDArray[np.int64]) -> Asked:
        """The coalitions of requests of these ids: all of them."""
        masks_BX = np.tile(self.told_M, (len(id_B), 1))
        return Asked(masks_BX, np.empty((len(id_B), 0, self.channels), np.int64))

    def values(self, asked: Asked, worths_BX: Floats) -> tuple[Floats, Floats]:
        """(B, J) indices, exact; and (B, C) sampling variances of the Shapley values, none."""
        nothing_BC = np.zeros((len(worths_BX), self.channels))
        return index_values(worths_BX, self.channels), nothing_BC


class DrawnOrders:
    """Sessions are served to the coalitions along orders drawn for each; attributes likewise.

    Columns: all channels; all but each of the C; each alone; then for each order the C - 1
    coalitions of its first 1, 2, ... channels, and C - 1 more, k of which has the first k - 1
    channels and the one that comes after the k-th.

    Args:
        channels: how many there are.
        permutations: orders of a session, an even number.
        draws: the luck of the orders.
    """

    def __init__(self, channels: int, permutations: int, draws: Draws) -> None:
        self.channels = channels
        self.permutations = permutations
        self.draws = draws
        self.indices = indices(channels)
        self.all_column = 0
        self.without_C: Masks = 1 + np.arange(channels)
        self.columns = 1 + 2 * channels + permutations * 2 * (channels - 1)
        bit_C, everything = np.left_shift(1, np.arange(channels)), (1 << channels) - 1
        self.told_M: Masks = np.concatenate([[everything], everything ^ bit_C, bit_C])

    def ask(self, id_B: NDArray[np.int64]) -> Asked:
        """Orders are drawn by the session, so they do not depend on what is asked with it."""
        order_BPC = self._orders(id_B >> REQUEST_BITS)
        bit_BPC = np.left_shift(1, order_BPC)
        first_BPC = np.cumsum(bit_BPC, axis=2)
        after_BPC = first_BPC[:, :, 1:] - bit_BPC[:, :, :-1]
        along = np.concatenate([first_BPC[:, :, :-1], after_BPC], axis=2).reshape(len(id_B), -1)
        return Asked(np.hstack([np.tile(self.told_M, (len(id_B), 1)), along]), order_BPC)

    def _orders(self, session_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """(B, P, C) uniformly drawn orders, each followed by its reverse."""
        pair_Q1, channel_C = np.arange(self.permutations // 2)[:, None], np.arange(self.channels)
        luck_BQC = self.draws.bits(
            "attribution:order",
            session=session_B[:, None, None],
            slot=pair_Q1 * MAX_CHANNELS + channel_C,
        )
        drawn_BQC = np.argsort(luck_BQC, axis=2, kind="stable")
        both = np.stack([drawn_BQC, drawn_BQC[:, :, ::-1]], axis=2)
        return both.reshape(len(session_B), self.permutations, self.channels).astype(np.int64)

    def values(self, asked: Asked, worths_BX: Floats) -> tuple[Floats, Floats]:
        """Unbiased estimates of the same; see `games.sampled_values`."""
        values_BJ = np.zeros((len(worths_BX), len(self.indices)))
        variance_BC = np.zeros((len(worths_BX), self.channels))
        sampled_values(worths_BX, asked.order_BPC, values_BJ, variance_BC)
        return values_BJ, variance_BC


Plan = AllCoalitions | DrawnOrders
"""A way from requests to coalitions, and from their worths to indices."""


def make_plan(channels: int, permutations: int, draws: Draws) -> Plan:
    """All coalitions where there are few channels, drawn orders where there are many."""
    if channels <= EXACT_CHANNELS:
        return AllCoalitions(channels)
    return DrawnOrders(channels, permutations, draws)
