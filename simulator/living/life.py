"""What is lived in events: purchases against the stock of that moment, restocks, session ends."""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from simulator.behaviour.behavior import MOST_ITEMS
from simulator.living.habit import Habit
from simulator.living.market import Market
from simulator.living.plans import IntervalPlan, Purchases
from simulator.living.returns import Returns
from simulator.living.shelves.restocking import Restock
from simulator.log.codes import EndReason
from simulator.log.eventlog import EventLog
from simulator.protocols import DAY
from simulator.shoppers.memory import Memory


class _Order(NamedTuple):
    """A row of the log's `orders` table."""

    request: int
    session: int
    shopper: int
    arm: int
    item: int
    at: float
    day: int
    price: float
    quantity: int
    sources: int
    best_ranked: int
    position: int


class _Return(NamedTuple):
    """A row of the log's `returns` table."""

    request: int
    session: int
    shopper: int
    arm: int
    item: int
    at: float
    day: int
    price: float
    quantity: int


class _End(NamedTuple):
    """A row of the log's `sessions` table."""

    session: int
    shopper: int
    arm: int
    start: float
    end: float
    requests: int
    end_reason: int


class Life:
    """Carries the plans of one world through simulated time, as SimPy processes.

    Only what touches others becomes a process: a purchase, a return, a restock, the end of a
    session that tried to buy. All other sessions are complete in their plan.
    """

    def __init__(
        self,
        env: simpy.Environment,
        market: Market,
        memory: Memory,
        log: EventLog,
        habit: Habit | None = None,
        returns: Returns | None = None,
    ) -> None:
        self.env = env
        self.habit = habit
        self.returns = returns
        self.market = market
        self.memory = memory
        self.log = log
        self._orders: list[_Order] = []
        self._returned: list[_Return] = []
        self._succeeded: set[int] = set()  # sessions with an order
        self._open: dict[int, _End] = {}  # buyers' sessions that have not ended
        self._ended: list[_End] = []
        for order in market.restocks:
            env.process(self._restock(order))

    def begin(self, plan: IntervalPlan) -> None:
        """Set the purchases and ends of a plan going, and log what has happened before."""
        self.flush()
        for purchases in plan.purchases:
            for row in range(len(purchases.at_P)):
                self.env.process(self._purchase(purchases, row))
        for ends in plan.buyers_ends:
            columns = ends.columns()
            for end in map(_End, *(columns[name].tolist() for name in _End._fields)):
                self._open[end.session] = end
                self.env.process(self._end(end))

    def stop(self) -> None:
        """The period is over: end the open sessions and log the rest."""
        for session in list(self._open):
            self._close(session, EndReason.PERIOD_OVER)
        self.flush()

    def _purchase(self, plan: Purchases, row: int) -> Generator[simpy.Event]:
        """Try the choices in order: the best that is there, and a second one that joins it."""
        yield self.env.timeout(plan.at_P[row] - self.env.now)
        shopper = int(plan.shopper_P[row])
        worth, joins = int(plan.worth_P[row]), int(plan.joins_P[row])
        bought, quantity = 0, int(plan.quantity_P[row])
        for choice, item in enumerate(plan.choices_PC[row].tolist()):
            enough = choice >= (joins if bought else worth)
            if item < 0 or enough or bought == MOST_ITEMS:
                break
            session = int(plan.session_P[row])
            arm = int(plan.arm_PC[row, choice])
            sold = self.market.take(item, quantity, self.env.now, arm, session)
            if not sold:
                continue
            bought, quantity = bought + 1, 1
            self.memory.buy(shopper, item)
            self._order(plan, row, choice, sold)
            restock = self.market.reorder(item, self.env.now, arm)
            if restock is not None:
                self.env.process(self._restock(restock))

    def _order(self, plan: Purchases, row: int, choice: int, sold: int) -> None:
        item = int(plan.choices_PC[row, choice])
        session = int(plan.session_P[row])
        if plan.at_once_P[row]:
            self._succeeded.add(session)
        order = _Order(
            request=int(plan.request_P[row]),
            session=session,
            shopper=int(plan.shopper_P[row]),
            arm=int(plan.arm_PC[row, choice]),
            item=item,
            at=self.env.now,
            day=int(self.env.now // DAY),
            price=float(self.market.price_I[item]),
            quantity=sold,
            sources=int(plan.sources_PC[row, choice]),
            best_ranked=int(plan.best_ranked_PC[row, choice]),
            position=int(plan.position_PC[row, choice]),
        )
        self._orders.append(order)
        if self.returns is not None:
            back = self.returns.back(order.request, item, order.at)
            if back is not None:
                self.env.process(self._return(order, back))

    def _return(self, order: _Order, at: float) -> Generator[simpy.Event]:
        yield self.env.timeout(at - self.env.now)
        self.market.take_back(order.item, order.quantity, self.env.now, order.arm)
        self.memory.give_back(order.shopper, order.item)
        kept = {name: getattr(order, name) for name in _Return._fields}
        kept |= {"at": self.env.now, "day": int(self.env.now // DAY)}
        self._returned.append(_Return(**kept))

    def _restock(self, order: Restock) -> Generator[simpy.Event]:
        yield self.env.timeout(max(order.at - self.env.now, 0.0))
        self.market.receive(order)

    def _end(self, end: _End) -> Generator[simpy.Event]:
        yield self.env.timeout(end.end - self.env.now)
        self._close(end.session, EndReason.SOLD_OUT)

    def _close(self, session: int, without_order: EndReason) -> None:
        reason = EndReason.BOUGHT if session in self._succeeded else without_order
        end = self._open.pop(session)._replace(end_reason=reason)
        self._ended.append(end)
        if self.habit is not None:
            ended = (np.array([value]) for value in (session, end.shopper, end.end, reason))
            self.habit.ended(*ended)
        self._succeeded.discard(session)

    def flush(self) -> None:
        """Log the orders, returns and session ends that have not been logged yet."""
        tables = ("orders", self._orders), ("returns", self._returned), ("sessions", self._ended)
        for table, rows in tables:
            if rows:
                self.log.append(table, _columns(rows))
        self._orders, self._returned, self._ended = [], [], []


def _columns(
    rows: Sequence[_Order] | Sequence[_Return] | Sequence[_End],
) -> dict[str, NDArray[Any]]:
    columns = (np.array(column) for column in zip(*rows, strict=True))
    return dict(zip(rows[0]._fields, columns, strict=True))
