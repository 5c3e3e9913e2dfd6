"""One world: days, refreshes of the index, and in each interval first the plan, then its life."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from simulator.behaviour.behavior import Behavior
from simulator.catalogue.catalog import Supply
from simulator.errors import ConfigError
from simulator.living.arrivals import Arrivals, visits_of_day
from simulator.living.desk import Desk, Witness
from simulator.living.habit import Habit
from simulator.living.life import Life
from simulator.living.market import Market
from simulator.living.plans import Ends
from simulator.living.returns import Returns
from simulator.living.scene import Scene
from simulator.living.sessions import Sessions, open_sessions
from simulator.living.settings import WorldSpec
from simulator.living.shelves.stock import StockTrace
from simulator.log.codes import EndReason
from simulator.log.eventlog import EventLog
from simulator.protocols import DAY, Index, SearchService
from simulator.randomness import Draws
from simulator.shoppers.intents import Intents
from simulator.shoppers.memory import Memory
from simulator.shoppers.needs import NeedSampler
from simulator.shoppers.shoppers import Shoppers

State = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Population:
    """All that worlds of one run share: supply, shoppers and what they want."""

    supply: Supply
    shoppers: Shoppers
    intents: Intents


class Follower(Witness, Protocol):
    """Whoever is told of each interval between two refreshes, before and after it is lived."""

    end: float
    """Of the period, simulated seconds; said before the first interval."""

    def refresh(self, index: Index) -> None:
        """What services read until the next refresh."""

    def advance(self, opened: Sessions, until: float) -> None:
        """The sessions that come in up to the next refresh, once they are planned."""

    def settle(self, trace: StockTrace, until: float) -> None:
        """How stock went up to then, once the interval is lived."""


class World:
    """One world under one search service.

    Args:
        draws: the luck of this world; worlds with equal luck are paired.
        arms: number of arms, for statistics kept per arm.
        state: where an earlier world stopped; None opens a fresh market.
        trace_rate: share of requests whose candidates are logged.
        stock_shares: of every shelf the parts from which the arms sell; None: all from the whole.
    """

    def __init__(
        self,
        spec: WorldSpec,
        population: Population,
        service: SearchService,
        log: EventLog,
        draws: Draws,
        *,
        arms: int = 1,
        state: Mapping[str, NDArray[Any]] | None = None,
        trace_rate: float = 0.0,
        stock_shares: Sequence[float] | None = None,
    ) -> None:
        self.spec = spec
        self.population = population
        self.service = service
        self.log = log
        self.draws = draws
        supply, shoppers, intents = population.supply, population.shoppers, population.intents
        self.market = Market.opening(supply, spec.market)
        self.memory = Memory(len(shoppers))
        self.habit = Habit(spec.habit, len(shoppers)) if spec.habit.strength else None
        self.returns = Returns(spec.returns, supply, draws) if spec.returns.share else None
        if state is not None:
            self._restore(state)
        if spec.statistics == "per_arm":
            self.market.separate_statistics(arms)
        if stock_shares is not None:
            self.market.separate_stock(stock_shares, draws)
        self.behavior = Behavior(
            spec.behavior, supply.catalog, supply.truth, shoppers, intents, draws
        )
        self.sampler = NeedSampler(intents, shoppers, draws)
        self.scene = Scene(
            service, self.behavior, self.sampler, self.market, self.memory, log, self.habit
        )
        self.desk = Desk(self.scene, spec.sessions, trace_rate=trace_rate)
        self._followers: list[Follower] = []
        self._mornings: list[Callable[[int], object]] = []

    def watch(self, witness: Witness) -> None:
        """Tell somebody of every block of requests; they must not change what they are told of."""
        self.desk.witnesses.append(witness)

    def follow(self, follower: Follower) -> None:
        """Let somebody follow the world from refresh to refresh, without a change to it.

        Raises:
            ConfigError: each arm sells from its own part of every shelf.
        """
        if len(self.market.shelves) > 1:
            raise ConfigError(
                f"shelves == {len(self.market.shelves)} parts, must be whole in a world that is "
                "followed"
            )
        self.watch(follower)
        self._followers.append(follower)

    def at_midnight(self, call: Callable[[int], object]) -> None:
        """Call somebody with the number of each day as it begins, before anybody reads the shop.

        All that happened before is in the log then; what serves may be changed.
        """
        self._mornings.append(call)

    def run(
        self, first_day: int, days: int, *, advance: Callable[[int], object] = lambda requests: None
    ) -> State:
        """Live some days; returns the state in which the next world can go on.

        Args:
            advance: told the number of requests served after each interval.
        """
        self.env = simpy.Environment(initial_time=first_day * DAY)
        for follower in self._followers:
            follower.end = (first_day + days) * DAY
        self._life = Life(self.env, self.market, self.memory, self.log, self.habit, self.returns)
        self._waiting: Sessions | None = None
        self.env.process(self._refreshes(first_day, days, advance))
        self.env.run(until=(first_day + days) * DAY)
        self._settle((first_day + days) * DAY)
        self._life.stop()
        if self._waiting is not None:
            self.log.append("sessions", _cut(self._waiting, self.env.now).columns())
        state = self.market.state() | self.memory.state()
        if self.habit is not None:
            self.habit.settle(self.env.now)
            state |= self.habit.state()
        return state

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        kept: list[Memory | Habit] = [self.memory]
        kept += [self.habit] if self.habit is not None else []
        apart = set[str]()
        for each in kept:
            names = each.state().keys()
            each.restore({name: state[name] for name in names})
            apart |= names
        self.market.restore({name: state[name] for name in state if name not in apart})

    def _refreshes(
        self, first_day: int, days: int, advance: Callable[[int], object]
    ) -> Generator[simpy.Event]:
        """Each interval: refresh what funnels read, plan its sessions, set them going."""
        step = self.spec.index_refresh
        for day in range(first_day, first_day + days):
            if self._mornings:
                self._life.flush()
            for call in self._mornings:
                call(day)
            self.market.new_day(day, self.draws, self.spec.arrivals.promotions)
            statistics = self.market.statistics()
            visits = visits_of_day(self.spec.arrivals, self._rates(day), day, self.draws)
            for tick in range(round(DAY / step)):
                at = day * DAY + tick * step
                index = self.market.index(at, statistics)
                self.behavior.utility.refresh(index)
                self.service.refresh(index)
                arriving = _between(visits, at, at + step)
                due = opened = open_sessions(arriving, self.sampler)
                if self._waiting is not None:
                    due = self._waiting.joined(due)
                plan = self.desk.plan(due, at + step)
                self._waiting = plan.waiting
                self._follow(index, opened, at + step)
                self._life.begin(plan)
                advance(plan.requests)
                yield self.env.timeout(at + step - self.env.now)
                self._settle(at + step)

    def _rates(self, day: int) -> NDArray[np.floating[Any]]:
        """(S,) visits a day of each shopper, by all that has ended before the day."""
        rate_S = self.population.shoppers.rate_S
        if self.habit is None:
            return rate_S
        self.habit.settle(day * DAY)
        return self.habit.rates(rate_S)

    def _follow(self, index: Index, opened: Sessions, until: float) -> None:
        """Let whoever follows the world do so, up to the next refresh."""
        for follower in self._followers:
            follower.refresh(index)
            follower.advance(opened, until)
        if self._followers:
            self.market.trace = StockTrace(self.env.now, self.market.stock_I.copy())

    def _settle(self, until: float) -> None:
        """Tell whoever follows the world how stock has gone since the last refresh."""
        for follower in self._followers:
            if self.market.trace is not None:
                follower.settle(self.market.trace, until)
        self.market.trace = None


def _between(visits: Arrivals, start: float, end: float) -> Arrivals:
    rows = slice(*np.searchsorted(visits.start_V, [start, end]))
    return Arrivals(visits.shopper_V[rows], visits.ordinal_V[rows], visits.start_V[rows])


def _cut(waiting: Sessions, at: float) -> Ends:
    """Sessions whose next request would have come after the last day."""
    return Ends(
        session_N=waiting.id_N,
        shopper_N=waiting.shopper_N,
        arm_N=waiting.arm_N,
        start_N=waiting.start_N,
        end_N=np.full(len(waiting), at),
        requests_N=waiting.request_N,
        end_reason_N=np.full(len(waiting), EndReason.PERIOD_OVER, np.int8),
    )
