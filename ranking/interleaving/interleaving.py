"""Two arms' pages interleaved, as one search service."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.interleaving.draft import NOT, SHOWN, Contest, Drafted, contest, draft
from ranking.router import common_channels
from simulator.errors import ConfigError
from simulator.protocols import (
    REQUEST_BITS,
    Contested,
    Fault,
    Index,
    Pages,
    Requests,
    SearchService,
)
from simulator.randomness import Draws

ARMS = 2
"""Arms that can be interleaved."""


class Interleaving:
    """Every page is drafted from both arms' orders, and each slot counts for who placed its item.

    The draft is over the whole orders, and its coins belong to the search and not to the page: the
    next page of a search goes on where the one before ended, without an item lost or shown twice
    as long as the arms' orders stay what they were, as of any funnel.

    A page comes when the slower arm's has come, and lacks the channels that either lacks. What is
    told of a request and not of a slot (its arm, the candidates, how many were merged and ranked)
    is control's. The chance of an item at its place is not known, so its propensity is NaN.

    Args:
        services: of both arms, with pages as long as `depth` (`ranking.funnel.Funnel.longer`).
        draws: luck of the coins.
        slots: results on a page at most.
        depth: results of an arm that are drafted from at most.
        control: which of the arms a request counts for.
        causal: whether a first page leaves off one of each two items that only one arm has, see
            `ranking.interleaving.draft.contest`; `Pages.contested` tells of them.

    Raises:
        ConfigError: there are not two arms, or their channels differ.
    """

    def __init__(
        self,
        services: Sequence[SearchService],
        draws: Draws,
        *,
        slots: int,
        depth: int,
        control: int = 0,
        causal: bool = False,
    ) -> None:
        if len(services) != ARMS:
            raise ConfigError(f"arms == {len(services)} arms, must be {ARMS} to be interleaved")
        self.services = tuple(services)
        self.channels = common_channels(self.services)
        self.draws = draws
        self.slots = slots
        self.depth = depth
        self.control = control
        self.causal = causal

    def refresh(self, index: Index) -> None:
        """Refresh both arms."""
        for service in self.services:
            service.refresh(index)

    def faults(self) -> list[Fault]:
        """The faults of both arms."""
        return [fault for service in self.services for fault in service.faults()]

    def serve(self, requests: Requests) -> Pages:
        """One page for each request.

        Raises:
            ConfigError: if a request wants more slots than a page may have.
        """
        most = int(requests.slots_B.max(initial=0))
        if most > self.slots:
            raise ConfigError(f"requests.slots == {most}, must be <= {self.slots} (funnel.slots)")
        deep_B = (requests.page_B.astype(np.int64) + 1) * requests.slots_B
        if self.causal:
            deep_B = np.maximum(deep_B, 2 * requests.slots_B.astype(np.int64))
        sides = [self._order(requests, deep_B, arm) for arm in range(ARMS)]
        if not self.causal:
            return self._paged(requests, sides, self._drafted(requests, sides, deep_B))
        found = self._contest(requests, sides, deep_B)
        pages = self._paged(requests, sides, found.drafted)
        return replace(pages, contested=_contested(requests, sides, found))

    def _order(self, requests: Requests, deep_B: NDArray[np.int64], arm: int) -> Pages:
        """An arm's order from its first item on, as a page that is deep enough to draft from."""
        traced_B = requests.traced_B & (arm == self.control)
        whole = replace(
            requests,
            page_B=np.zeros_like(requests.page_B),
            slots_B=np.minimum(deep_B, self.depth).astype(np.int16),
            traced_B=traced_B,
        )
        return self.services[arm].serve(whole)

    def _drafted(
        self, requests: Requests, sides: Sequence[Pages], deep_B: NDArray[np.int64]
    ) -> Drafted:
        orders = (sides[0].items_BK, sides[1].items_BK)
        return draft(orders, self._coins("interleave", requests, _rounds(deep_B)), deep_B)

    def _contest(
        self, requests: Requests, sides: Sequence[Pages], deep_B: NDArray[np.int64]
    ) -> Contest:
        orders = (sides[0].items_BK, sides[1].items_BK)
        first_BR = self._coins("interleave", requests, _rounds(deep_B))
        coin_BK = self._coins("interleave:contest", requests, self.slots)
        return contest(orders, first_BR, coin_BK, requests.slots_B, deep_B)

    def _coins(self, purpose: str, requests: Requests, count: int) -> NDArray[np.int8]:
        """(B, count) fair coins of each search; all pages of one search have the same."""
        bits = self.draws.bits(
            purpose,
            requests.shopper_B[:, None],
            requests.id_B[:, None] >> REQUEST_BITS,
            requests.text_B[:, None],
            slot=np.arange(count),
        )
        return (bits >> np.uint64(63)).astype(np.int8)

    def _paged(self, requests: Requests, sides: Sequence[Pages], drafted: Drafted) -> Pages:
        """The slots of each request's page out of the common order, with what is known of each."""
        place_BK = requests.page_B[:, None] * requests.slots_B[:, None].astype(np.int64)
        place_BK = place_BK + np.arange(self.slots)
        inside_BK = np.arange(self.slots) < requests.slots_B[:, None]
        inside_BK &= place_BK < drafted.team_BD.shape[1]
        team_BK = _at(drafted.team_BD, np.where(inside_BK, place_BK, -1))
        column_BK = _at(drafted.column_BD, np.where(inside_BK, place_BK, -1))
        columns = [np.where(team_BK == arm, column_BK, -1) for arm in range(ARMS)]

        def slots(name: str, nothing: float) -> NDArray[Any]:
            """What the arm that placed each item says of it."""
            one, two = (
                _at(getattr(side, name), own, nothing)
                for side, own in zip(sides, columns, strict=True)
            )
            return np.where(team_BK == 0, one, two)

        return replace(
            sides[self.control],
            items_BK=slots("items_BK", -1),
            sources_BK=slots("sources_BK", 0),
            best_ranked_BK=slots("best_ranked_BK", 0),
            scores_BK=slots("scores_BK", np.nan),
            propensity_BK=np.where(team_BK >= 0, np.float32(np.nan), np.float32(1)),
            latency_B=np.maximum(sides[0].latency_B, sides[1].latency_B),
            dropped_B=sides[0].dropped_B | sides[1].dropped_B,
            arm_B=np.full(len(requests), self.control, np.int8),
            slot_arms_BK=np.where(team_BK < 0, self.control, team_BK).astype(np.int8),
        )

    def __repr__(self) -> str:
        """Both arms' drawings."""
        how = "drafted in turns" + ", contested items by coins" * self.causal
        return "\n".join((f"Page {self.slots}, {how}:", *map(repr, self.services)))


def _rounds(deep_B: NDArray[np.int64]) -> int:
    """Rounds in which a coin may matter: both arms pick in them."""
    return max(1, (int(deep_B.max(initial=0)) + 1) // 2)


def _at(
    table_BN: NDArray[Any], column_BK: NDArray[np.integer], nothing: float = -1
) -> NDArray[Any]:
    """(B, K) values at these columns of a table; `nothing` where the column is -1."""
    if not table_BN.shape[1]:
        return np.full(column_BK.shape, nothing, table_BN.dtype)
    found_BK = np.take_along_axis(table_BN, np.maximum(column_BK, 0).astype(np.intp), axis=1)
    return np.where(column_BK >= 0, found_BK, np.asarray(nothing, table_BN.dtype))


def _contested(requests: Requests, sides: Sequence[Pages], found: Contest) -> Contested:
    """The pairs of first pages."""
    parts = []
    for arm, (side, fate_BN) in enumerate(zip(sides, found.fates, strict=True)):
        row_R, column_R = np.nonzero((fate_BN != NOT) & (requests.page_B == 0)[:, None])
        fate_R = fate_BN[row_R, column_R]
        parts.append((row_R, side.items_BK[row_R, column_R], np.full(len(row_R), arm), fate_R))
    row_R, item_R, arm_R, fate_R = (np.concatenate(each) for each in zip(*parts, strict=True))
    order_R = np.argsort(row_R, kind="stable")
    return Contested(
        row_R=row_R[order_R].astype(np.int32),
        item_R=item_R[order_R].astype(np.int32),
        arm_R=arm_R[order_R].astype(np.int8),
        on_page_R=fate_R[order_R] == SHOWN,
    )
