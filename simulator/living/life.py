"""What is lived in events: purchases against the stock of that moment, restocks, session ends."""

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from simulator.living.market import Market, Restock
from simulator.living.plans import Ends, Plan, Purchases
from simulator.log.codes import EndReason
from simulator.log.eventlog import EventLog
from simulator.log.tables import table_schemas
from simulator.protocols import DAY
from simulator.shoppers.memory import Memory


class Life:
    """Carries the plans of one world through simulated time, as SimPy processes.

    Only what touches others becomes a process: a purchase, a restock, the end of a session that
    tried to buy. All other sessions are complete in their plan.
    """

    def __init__(
        self, env: simpy.Environment, market: Market, memory: Memory, log: EventLog
    ) -> None:
        self.env = env
        self.market = market
        self.memory = memory
        self.log = log
        self._orders: list[tuple[Any, ...]] = []
        self._succeeded: set[int] = set()  # sessions with an order
        self._open: dict[int, tuple[Any, ...]] = {}  # buyers' sessions that have not ended
        self._ended: list[tuple[Any, ...]] = []
        for order in market.restocks:
            env.process(self._restock(order))

    def begin(self, plan: Plan) -> None:
        """Set the purchases and ends of a plan going, and log what has happened before."""
        self._flush()
        for purchases in plan.purchases:
            for row in range(len(purchases.at_P)):
                self.env.process(self._purchase(purchases, row))
        for ends in plan.buyers_ends:
            columns = (getattr(ends, name).tolist() for name in Ends.__dataclass_fields__)
            for end in zip(*columns, strict=True):
                self._open[end[0]] = end
                self.env.process(self._end(end[0], end[4]))

    def stop(self) -> None:
        """The period is over: end the open sessions and log the rest."""
        for session in list(self._open):
            self._close(session, EndReason.PERIOD_OVER)
        self._flush()

    def _purchase(self, plan: Purchases, row: int) -> Generator[simpy.Event]:
        """Try the choices in order until as many as wanted are bought."""
        yield self.env.timeout(plan.at_P[row] - self.env.now)
        shopper, arm = int(plan.shopper_P[row]), int(plan.arm_P[row])
        missing, quantity = int(plan.wanted_P[row]), int(plan.quantity_P[row])
        for choice, item in enumerate(plan.choices_PC[row].tolist()):
            if item < 0 or not missing:
                break
            sold = self.market.take(item, quantity, self.env.now, arm)
            if not sold:
                continue
            missing, quantity = missing - 1, 1
            self.memory.buy(shopper, item)
            self._order(plan, row, choice, sold)
            restock = self.market.reorder(item, self.env.now)
            if restock is not None:
                self.env.process(self._restock(restock))

    def _order(self, plan: Purchases, row: int, choice: int, sold: int) -> None:
        item = int(plan.choices_PC[row, choice])
        session = int(plan.session_P[row])
        if plan.at_once_P[row]:
            self._succeeded.add(session)
        self._orders.append(
            (
                int(plan.request_P[row]),
                session,
                int(plan.shopper_P[row]),
                int(plan.arm_P[row]),
                item,
                self.env.now,
                int(self.env.now // DAY),
                float(self.market.price_I[item]),
                sold,
                int(plan.sources_PC[row, choice]),
                int(plan.best_ranked_PC[row, choice]),
                int(plan.position_PC[row, choice]),
            )
        )

    def _restock(self, order: Restock) -> Generator[simpy.Event]:
        yield self.env.timeout(max(order[0] - self.env.now, 0.0))
        self.market.receive(order)

    def _end(self, session: int, at: float) -> Generator[simpy.Event]:
        yield self.env.timeout(at - self.env.now)
        self._close(session, EndReason.SOLD_OUT)

    def _close(self, session: int, without_order: EndReason) -> None:
        end = list(self._open.pop(session))
        end[-1] = EndReason.BOUGHT if session in self._succeeded else without_order
        self._succeeded.discard(session)
        self._ended.append(tuple(end))

    def _flush(self) -> None:
        """Log the orders and session ends of the past interval."""
        if self._orders:
            names = table_schemas(())["orders"].names
            columns = (np.array(column) for column in zip(*self._orders, strict=True))
            self.log.append("orders", dict(zip(names, columns, strict=True)))
        if self._ended:
            Ends(*(np.array(column) for column in zip(*self._ended, strict=True))).log(self.log)
        self._orders, self._ended = [], []
