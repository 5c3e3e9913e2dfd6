"""Sessions taken out of a world one after another, so that one agent serves each from end to end.

Between two refreshes of the index, pages are a pure function of requests, and what shoppers do a
pure function of pages and keyed draws. So the desk may plan an interval's sessions in any order: it
lets the agent's sessions go first, each from its first request to its last, and all others follow
in waves as ever. What touches others (stock, statistics) is lived afterwards, as in any world.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.environments.agentservice import AgentService
from simulator.behaviour.behavior import MOST_ITEMS, Reactions
from simulator.living.desk import Desk
from simulator.living.plans import IntervalPlan
from simulator.living.sessions import Sessions
from simulator.living.shelves.stock import StockTrace
from simulator.living.world import World
from simulator.protocols import REQUEST_BITS, Index, Pages, Requests
from simulator.shoppers.needs import Needs


@dataclass(frozen=True)
class Outcome:
    """What came of pages that an agent ordered.

    Attributes:
        requests: pages.
        clicks: items clicked.
        orders, gmv: items that the shopper decided to buy, and what they cost (currency of the
            catalogue): days later, too, and where somebody else takes the last one before.
    """

    requests: int = 0
    clicks: int = 0
    orders: int = 0
    gmv: float = 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.requests + other.requests,
            self.clicks + other.clicks,
            self.orders + other.orders,
            self.gmv + other.gmv,
        )


@dataclass(frozen=True)
class Totals:
    """What has come of an agent's sessions in a world so far.

    Attributes:
        sessions: that it served, the one under way included.
        decided: what their pages brought; see `Outcome`.
        orders, gmv: items that were sold to them in truth, and what they cost, up to the last
            refresh; the clock of the world stands there.
    """

    sessions: int = 0
    decided: Outcome = Outcome()
    orders: int = 0
    gmv: float = 0.0


class Scorer:
    """A `simulator.living.world.Follower` that counts what comes of the agent's pages."""

    end: float

    def __init__(self, service: AgentService) -> None:
        self.service = service
        self.page: Outcome | None = None
        self.totals = Totals()
        self._sessions: set[int] = set()

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Count the agent's page, if there is one in the block."""
        for row in self.service.asked(requests).tolist():
            self.page = _outcome(reactions, row, self.service.index)
            self._sessions.add(int(requests.id_B[row]) >> REQUEST_BITS)
            decided = self.totals.decided + self.page
            self.totals = replace(self.totals, sessions=len(self._sessions), decided=decided)

    def taken(self) -> Outcome | None:
        """What came of the last page; None if that has been told, or there was none."""
        page, self.page = self.page, None
        return page

    def refresh(self, index: Index) -> None:
        """The service has it already."""

    def advance(self, opened: Sessions, until: float) -> None:
        """Nothing is counted before it is lived."""

    def settle(self, trace: StockTrace, until: float) -> None:
        """Count what was sold to the agent's sessions since the last refresh."""
        price_I = self.service.index.price_I
        for _, session, item, units in trace.sales:
            if session in self._sessions:
                orders, gmv = self.totals.orders + 1, self.totals.gmv + units * price_I[item]
                self.totals = replace(self.totals, orders=orders, gmv=float(gmv))


def _outcome(reactions: Reactions, row: int, index: Index) -> Outcome:
    """What a page brings: the best choice if it is worth buying, and what would join it."""
    choices = reactions.choices_BC[row].tolist()
    number = 0
    if reactions.worth_B[row] > 0:
        number = max(1, min(int(reactions.joins_B[row]), MOST_ITEMS))
    bought = [item for item in choices[:number] if item >= 0]
    units = [int(reactions.quantity_B[row]), *[1] * len(bought)]
    gmv = sum(n * index.price_I[item] for n, item in zip(units, bought, strict=False))
    return Outcome(1, int(reactions.clicked_BK[row].sum()), len(bought), float(gmv))


class TurnDesk(Desk):
    """Plans as a desk does, but for the agent's sessions, which it plans each by itself.

    The agent takes the next session that begins once the last page of the one before has come;
    whoever begins meanwhile is served by the funnel. A session that goes on after a refresh stays
    the agent's. Other sessions of the same shopper between the same refreshes are planned with it,
    in the same waves as ever, for a request tells what its shopper clicked before.
    """

    def __init__(self, world: World, service: AgentService, ended: Callable[[], None]) -> None:
        """Take the place of a world's desk.

        Args:
            world: whose desk it becomes.
            service: of the world.
            ended: called when a session of the agent's has ended.
        """
        before = world.desk
        super().__init__(before.scene, before.spec, trace_rate=before.trace_rate)
        self.service = service
        self._ended = ended
        self._free_at = 0.0
        self.witnesses += [*before.witnesses, self._note]
        world.desk = self

    def plan(self, sessions: Sessions, until: float) -> IntervalPlan:
        """Plan every request due before `until` (simulated seconds)."""
        plans: list[IntervalPlan] = []
        left = sessions
        while (row := self._next(left, until)) is not None:
            mine_N = left.shopper_N == left.shopper_N[row]
            self.service.session = int(left.id_N[row])
            plans.append(super().plan(left.rows(mine_N), until))
            left = left.rows(~mine_N)
            session = self.service.session  # None where the agent has given it up
            if session is not None and session not in plans[-1].waiting.id_N:
                self.service.session = None
                self._ended()
        plans.append(super().plan(left, until))
        return _joined(plans)

    def _next(self, sessions: Sessions, until: float) -> int | None:
        """The row of the agent's next session in this interval; None: there is none."""
        due_N = sessions.due_N < until
        if self.service.session is not None:
            (rows,) = np.nonzero(due_N & (sessions.id_N == self.service.session))
        else:
            new_N = (sessions.request_N == 0) & (sessions.start_N >= self._free_at)
            (rows,) = np.nonzero(due_N & new_N)
            rows = rows[np.lexsort((sessions.id_N[rows], sessions.start_N[rows]))]
        return int(rows[0]) if len(rows) else None

    def _note(self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions) -> None:
        """From when on the agent is free, as far as is known."""
        mine = self.service.asked(requests)
        came_B: NDArray[np.float64] = (requests.at_B + pages.latency_B)[mine]
        self._free_at = float(came_B.max(initial=self._free_at))


def _joined(plans: list[IntervalPlan]) -> IntervalPlan:
    """Several parts of one interval's plan as one."""
    waiting = plans[0].waiting
    for plan in plans[1:]:
        waiting = waiting.joined(plan.waiting)
    return IntervalPlan(
        [each for plan in plans for each in plan.purchases],
        [each for plan in plans for each in plan.buyers_ends],
        waiting,
        sum(plan.requests for plan in plans),
    )
