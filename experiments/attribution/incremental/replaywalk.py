"""A walk along a world's requests on which every coalition of channels has pages of its own.

The requests are those that all channels lead to: every need is followed as if it stayed open, as in
the truth (`simulator.following.walk`). A coalition comes to page k with the weight W_k that its own
pages before k give, and it brings `sum_k W_k m_k`, tastes that last included. No luck of the paths
is left, and all channels together bring what the world is expected to bring, were nothing sold out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.games import Floats
from experiments.attribution.incremental.pages import Asking, CoalitionPages, Served
from experiments.attribution.incremental.plans import Plan
from simulator.behaviour.behavior import Flags
from simulator.behaviour.expectation import Known, Outlook, Prospect
from simulator.following.many import Many
from simulator.following.paths import Paths
from simulator.following.shortfall import decided, in_time
from simulator.following.walk import NEXT_NEEDS, ExpectedWalk
from simulator.living.shelves.stock import StockTrace
from simulator.living.world import World
from simulator.protocols import REQUEST_BITS, Pages, Requests
from simulator.shoppers.needs import Needs

_BLOCKS = 4_096  # of requests, added up at once; of sessions, handed on

TASTES = 2
"""Sets of tastes over which the covariance of a need's pages is estimated: without bias from any
number, and its noise is small beside what shoppers differ by."""


@dataclass(frozen=True)
class CoalitionsBring:
    """What X coalitions bring on B requests, with the chance of coming to them.

    Attributes:
        worths_EBX: of each kind of event.
        orders_PK: orders of each slot of the served pages that are asked for, on average.
        weight_BX: what these count, so that a page's add up to its worth.
    """

    worths_EBX: Floats
    orders_PK: Floats
    weight_BX: Floats


Told = Callable[[Served, Requests, CoalitionsBring], None]
"""Who is told of some requests, the pages served to coalitions, and what these bring."""


class ReplayWalk(ExpectedWalk):
    """Follows sessions of a world with the pages of every coalition.

    Args:
        world: that is about to be lived.
        pages: of the coalitions.
        told: of each few requests.
        tastes, next_needs: see `ExpectedWalk`.
    """

    def __init__(
        self,
        world: World,
        pages: CoalitionPages,
        told: Told,
        *,
        tastes: int = TASTES,
        next_needs: float = NEXT_NEEDS,
    ) -> None:
        twin = pages.funnel.twin()
        super().__init__(
            world.scene, world.spec.sessions, twin, tastes=tastes, next_needs=next_needs
        )
        self.pages = pages
        self.told = told
        self.many = pages.plan.columns
        self._asked: list[Asking] = []

    def choose(self, who: Callable[[NDArray[np.int64]], Flags]) -> None:
        """Follow only some of the shoppers."""
        self._followed_S = who(np.arange(len(self._followed_S)))

    def settle(self, trace: StockTrace, until: float) -> None:
        """A replay knows of no shelf that is empty at the very moment."""
        self._intended.clear()

    def _pages(self, requests: Requests) -> Pages:
        """Of all channels; what they answer serves the coalitions, too."""
        self._asked = self.pages.ask(requests)
        return self.pages.whole(self._asked)

    def _beside(
        self, paths: Paths, requests: Requests, needs: Needs, goes_on_B: Flags
    ) -> Many | None:
        tasted_B = goes_on_B | (paths.since_N < requests.at_B)
        parts, rows = [], []
        for served in self.pages(self._asked):
            at_B = served.rows_B
            outlook = self._outlook(served, needs)
            prospect = outlook.prospect()
            tasted_P = tasted_B[served.request_P]
            known = outlook.known(np.flatnonzero(tasted_P), self.tastes)
            few = _Few(served, requests.rows(at_B), prospect, known, tasted_P)
            many = few.many(self._blank(served, needs), self.tastes)
            self.told(served, few.requests, self._bring(few, many, paths.many_NXW[at_B]))
            parts.append(many)
            rows.append(at_B)
        return Many.joined(parts).rows(np.argsort(np.concatenate(rows), kind="stable"))

    def _outlook(self, served: Served, needs: Needs) -> Outlook:
        behind, price_I = needs.rows(served.request_P), self.scene.market.price_I
        return Outlook(self.scene.behavior, behind, served.pages, price_I)

    def _blank(self, served: Served, needs: Needs) -> Floats:
        """(B, X) chance that a page without results comes before the shopper leaves."""
        behavior, who_B = self.scene.behavior, needs.shopper_B[served.rows_B]
        patience_B1 = behavior.shoppers.tolerance_S[who_B][:, None].astype(np.float64)
        late_BX = np.zeros(served.blank_BX.shape)
        with np.errstate(divide="ignore"):  # no patience at all: nobody waits
            np.divide(served.blank_BX, patience_B1, out=late_BX, where=served.blank_BX > 0)
        return np.exp(-late_BX)

    def _bring(self, few: "_Few", many: Many, many_BXW: Floats) -> CoalitionsBring:
        """What coalitions bring on a few requests, with these weights of coming to them."""
        spec, prospect, served = self.scene.behavior.spec, few.prospect, few.served
        decided_P = decided(few.at_P, served.pages.latency_B, prospect)
        due_P = in_time(spec, self.end - decided_P)
        brings, known = prospect.brings, few.known
        worths = [
            many.expected(many_BXW, *few.spread(mean_PK.sum(axis=1), found_RM, factor))
            for mean_PK, found_RM, factor in (
                (brings.seen_BK, None, None),
                (brings.clicks_BK, None, None),
                (brings.carts_BK, known.carts_BM, None),
                (brings.orders_BK, known.orders_BM, due_P),
                (brings.gmv_BK, known.gmv_BM, due_P),
            )
        ]
        orders_BX = few.by_pair(brings.orders_BK.sum(axis=1))
        weight_BX = np.divide(
            worths[3], orders_BX, out=np.zeros(orders_BX.shape), where=orders_BX > 0
        )
        return CoalitionsBring(np.stack(worths), brings.orders_BK, weight_BX)


@dataclass(frozen=True)
class _Few:
    """A few requests, served to coalitions, and what is expected of their pages.

    Attributes:
        served: B requests and P pages.
        requests: the B requests.
        prospect: of the pages.
        known: of R of the pages, under each set of tastes.
        known_P: which of the pages these are.
    """

    served: Served
    requests: Requests
    prospect: Prospect
    known: Known
    known_P: Flags

    @property
    def at_P(self) -> Floats:
        """When the page's request is made."""
        order = np.argsort(self.served.rows_B)
        at = np.searchsorted(self.served.rows_B[order], self.served.request_P)
        return self.requests.at_B[order[at]]

    def by_pair(self, values_P: Floats, nothing: float = 0.0) -> Floats:
        """(B, X) the values of coalitions' pages; `nothing` where nothing is shown."""
        return np.asarray(np.append(values_P, nothing)[self.served.pair_BX])

    def spread(
        self, mean_P: Floats, found_RM: Floats | None, factor_P: Floats | None
    ) -> tuple[Floats, Floats]:
        """What pages bring that are seen, on average and by sets of tastes.

        Args:
            mean_P: what they bring on average, the chance to be seen included.
            found_RM: what is known of a seen one; None: tastes do not matter.
            factor_P: of both.
        """
        stays_P = self.prospect.stays_B
        seen_P = np.divide(mean_P, stays_P, out=np.zeros(len(mean_P)), where=stays_P > 0)
        found_PM = np.repeat(seen_P[:, None], self.known.open_BM.shape[1], axis=1)
        if found_RM is not None:
            found_PM[self.known_P] = found_RM
        if factor_P is not None:
            seen_P, found_PM = seen_P * factor_P, found_PM * factor_P[:, None]
        return self.by_pair(seen_P), self._sets(found_PM, 0.0)

    def many(self, blank_BX: Floats, tastes: int) -> Many:
        """How the pages leave the need."""
        prospect = self.prospect
        open_PM = np.repeat(prospect.open_B[:, None], tastes, axis=1)
        open_PM[self.known_P] = self.known.open_BM
        shown_BX = self.served.pair_BX >= 0
        stays_BX = np.where(shown_BX, self.by_pair(prospect.stays_B), blank_BX)
        return Many(stays_BX, self.by_pair(prospect.open_B, 1.0), self._sets(open_PM, 1.0))

    def _sets(self, values_PM: Floats, nothing: float) -> Floats:
        row_1M = np.full((1, values_PM.shape[1]), nothing)
        return np.asarray(np.concatenate((values_PM, row_1M))[self.served.pair_BX])


class SessionSums:
    """Worths of coalitions by session, where each session has coalitions of its own.

    Args:
        events: how many kinds there are.
        plan: of the coalitions.
    """

    def __init__(self, events: int, plan: Plan) -> None:
        self._shape = events, plan.columns
        self._blocks: list[tuple[NDArray[np.int64], Floats]] = []

    def add(self, id_B: NDArray[np.int64], worths_EBX: Floats) -> None:
        """Add requests."""
        self._blocks.append((id_B >> REQUEST_BITS << REQUEST_BITS, worths_EBX))
        if len(self._blocks) == _BLOCKS:
            self._blocks = [self._together()]

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Ids of sessions (of their first requests), and (E, V, X) their sums; a few at a time."""
        if not self._blocks:
            return
        id_V, worths_EVX = self._together()
        for start in range(0, len(id_V), _BLOCKS):
            some = slice(start, start + _BLOCKS)
            yield id_V[some], worths_EVX[:, some]

    def _together(self) -> tuple[NDArray[np.int64], Floats]:
        ids = np.concatenate([id_B for id_B, _ in self._blocks])
        id_V, at_B = np.unique(ids, return_inverse=True)
        worths_EVX = np.zeros((self._shape[0], len(id_V), self._shape[1]))
        for e in range(self._shape[0]):
            rows_BX = np.concatenate([worths_EBX[e] for _, worths_EBX in self._blocks])
            np.add.at(worths_EVX[e], at_B, rows_BX)
        return id_V, worths_EVX
