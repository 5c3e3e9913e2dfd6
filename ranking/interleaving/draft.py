"""Two orders as one: the draft in turns, and the draft of which coins leave items off.

Axis suffixes: B requests, N places of an arm's order, R rounds, D places of the draft, K pairs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints

Orders = tuple[Ints, Ints]
"""(B, N) items of either arm, best first and each once, -1 padded on the right."""

NOT, LEFT_OFF, SHOWN = 0, 1, 2
"""What a coin has to do with an item of a page: nothing, it left it off, or it shows it."""


@dataclass(frozen=True)
class Drafted:
    """Places of the common order, best first, -1 padded on the right.

    Attributes:
        team_BD: arm (0 or 1) that placed an item there.
        column_BD: where the item stands in that arm's order.
    """

    team_BD: NDArray[np.int8]
    column_BD: Ints


def draft(orders: Orders, first_BR: NDArray[np.int8], depth_B: NDArray[np.integer]) -> Drafted:
    """Team-draft interleaving of two orders.

    In each round a coin says which arm picks first, and each arm picks the best of its items that
    is not there yet (Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval
    quality?", CIKM 2008, algorithm 2). An arm that has none left is passed over. The first places
    are the same however many more are asked for, as long as orders are at least that deep.

    Args:
        orders: of the arms.
        first_BR: the arm (0 or 1) that picks first in each round; as many rounds as half of the
            places, or more.
        depth_B: places that are wanted.
    """
    places = int(np.max(depth_B, initial=0))
    team_BD = np.full((len(depth_B), places), -1, np.int8)
    column_BD = np.full((len(depth_B), places), -1, np.int32)
    item_BD = np.full((len(depth_B), places), -1, np.int32)
    _draft(*orders, first_BR, np.asarray(depth_B, np.int64), item_BD, team_BD, column_BD)
    return Drafted(team_BD, column_BD)


@dataclass(frozen=True)
class Contest:
    """A draft whose first page leaves off one of each two contested items.

    Attributes:
        drafted: the common order: the first page, padded to its slots, and then all other items of
            the draft in its order.
        fates: (B, N) `NOT`, `LEFT_OFF` or `SHOWN` for the first items of either arm's order.
    """

    drafted: Drafted
    fates: tuple[NDArray[np.int8], NDArray[np.int8]]


def contest(
    orders: Orders,
    first_BR: NDArray[np.int8],
    coin_BK: NDArray[np.int8],
    slots_B: NDArray[np.integer],
    depth_B: NDArray[np.integer],
) -> Contest:
    """A draft in which what only one arm's first page has is shown with an equal chance.

    The j-th item that only one arm's first page has is a pair with the j-th that only the other's
    has, and a coin says which of the two is on the common first page. What both pages have is
    always there, and so is what has no rival because the other arm found less. The page follows the
    order of the draft; it is as long as the longer of the two. What the coins leave off comes on
    the next page.

    Args:
        orders: of the arms, at least two pages deep where they have as much.
        first_BR: as of `draft`.
        coin_BK: the arm (0 or 1) whose item of each pair is shown; as many pairs as slots, or more.
        slots_B: of the first page.
        depth_B: places that are wanted, the first page's included; at least two pages.
    """
    found = draft(orders, first_BR, depth_B)
    shape = len(slots_B), int(np.max(slots_B, initial=0))
    one_BN, two_BN = np.zeros(shape, np.int8), np.zeros(shape, np.int8)
    slots = np.asarray(slots_B, np.int64)
    _settle(*orders, coin_BK, slots, one_BN, two_BN)
    wide = len(slots_B), found.team_BD.shape[1] + shape[1]
    team_BD, column_BD = np.full(wide, -1, np.int8), np.full(wide, -1, np.int32)
    _arrange(*orders, slots, one_BN, two_BN, found.team_BD, found.column_BD, team_BD, column_BD)
    return Contest(Drafted(team_BD, column_BD), (one_BN, two_BN))


@njit(cache=True, nogil=True)
def _draft(
    one_BN: Any,
    two_BN: Any,
    first_BR: Any,
    depth_B: Any,
    item_BD: Any,
    team_BD: Any,
    column_BD: Any,
) -> None:  # pragma: no cover
    for b in range(len(depth_B)):
        next_one, next_two, placed, round_ = 0, 0, 0, 0
        while placed < depth_B[b]:
            before = placed
            leader = first_BR[b, min(round_, first_BR.shape[1] - 1)]
            for turn in range(2):
                team = leader if turn == 0 else 1 - leader
                order_N = one_BN[b] if team == 0 else two_BN[b]
                at = next_one if team == 0 else next_two
                while at < len(order_N) and order_N[at] >= 0:
                    if _place(item_BD[b], placed, order_N[at]) < 0:
                        break
                    at += 1
                if placed < depth_B[b] and at < len(order_N) and order_N[at] >= 0:
                    item_BD[b, placed] = order_N[at]
                    team_BD[b, placed] = team
                    column_BD[b, placed] = at
                    placed += 1
                    at += 1
                if team == 0:
                    next_one = at
                else:
                    next_two = at
            if placed == before:
                break
            round_ += 1


@njit(cache=True, nogil=True)
def _settle(
    one_BN: Any, two_BN: Any, coin_BK: Any, slots_B: Any, fate_one_BN: Any, fate_two_BN: Any
) -> None:  # pragma: no cover
    """The fates of the items of both first pages."""
    for b in range(len(slots_B)):
        width_one, width_two = min(slots_B[b], one_BN.shape[1]), min(slots_B[b], two_BN.shape[1])
        in_one, in_two, pair = 0, 0, 0
        while True:
            while in_one < width_one and (
                one_BN[b, in_one] < 0 or _place(two_BN[b], width_two, one_BN[b, in_one]) >= 0
            ):
                in_one += 1
            while in_two < width_two and (
                two_BN[b, in_two] < 0 or _place(one_BN[b], width_one, two_BN[b, in_two]) >= 0
            ):
                in_two += 1
            if in_one >= width_one or in_two >= width_two:
                break
            fate_one_BN[b, in_one] = SHOWN if coin_BK[b, pair] == 0 else LEFT_OFF
            fate_two_BN[b, in_two] = SHOWN if coin_BK[b, pair] == 1 else LEFT_OFF
            in_one, in_two, pair = in_one + 1, in_two + 1, pair + 1


@njit(cache=True, nogil=True)
def _arrange(
    one_BN: Any,
    two_BN: Any,
    slots_B: Any,
    fate_one_BN: Any,
    fate_two_BN: Any,
    draft_team_BD: Any,
    draft_column_BD: Any,
    team_BD: Any,
    column_BD: Any,
) -> None:  # pragma: no cover
    """The first page and then the rest; what one page alone has counts for its own arm."""
    for b in range(len(slots_B)):
        shown, rest = 0, slots_B[b]
        for place in range(draft_team_BD.shape[1]):
            team, column = draft_team_BD[b, place], draft_column_BD[b, place]
            if team < 0:
                break
            item = one_BN[b, column] if team == 0 else two_BN[b, column]
            in_one = _place(one_BN[b], min(slots_B[b], one_BN.shape[1]), item)
            in_two = _place(two_BN[b], min(slots_B[b], two_BN.shape[1]), item)
            if in_one >= 0 and in_two < 0:
                team, column = 0, in_one
            elif in_two >= 0 and in_one < 0:
                team, column = 1, in_two
            off = in_one < 0 and in_two < 0
            off |= in_one >= 0 and fate_one_BN[b, in_one] == LEFT_OFF
            off |= in_two >= 0 and fate_two_BN[b, in_two] == LEFT_OFF
            if off:
                team_BD[b, rest], column_BD[b, rest] = team, column
                rest += 1
            else:
                team_BD[b, shown], column_BD[b, shown] = team, column
                shown += 1


@njit(cache=True, nogil=True)
def _place(items_N: Any, length: Any, item: Any) -> Any:  # pragma: no cover
    for place in range(length):
        if items_N[place] == item:
            return place
    return -1
