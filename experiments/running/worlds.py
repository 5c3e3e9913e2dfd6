"""The worlds of a run: its history, its experiment, and the paired worlds of one arm each."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.config.analysis import OTHER_PAGES, OWN_PAGES
from experiments.config.schema import Config
from experiments.running.assigning.arranged import Arranged, arranged, funnels_of
from experiments.running.assigning.assigned import everybody
from experiments.running.assigning.episode import Episode
from experiments.running.beside.followed import Followed
from experiments.running.beside.retraining import Retraining
from experiments.running.funnels import arm_funnel
from experiments.running.models import (
    LOG,
    MODEL,
    POPULATION,
    Models,
    Trained,
    load_channel,
    load_saved,
)
from experiments.running.updating.served import Renewing, Served, Updating
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from experiments.truth.files import BESIDE, OWN
from experiments.truth.headroom import HeadroomSample
from experiments.truth.searches.sorting import RequestSorting, asked_counts
from ranking.funnel import Funnel
from recall.channel import Channel, Refreshable
from simulator.catalogue.catalog import Catalog
from simulator.following.walk import follow
from simulator.living.world import Population, State, World
from simulator.log.eventlog import EventLog
from simulator.protocols import SearchService
from simulator.randomness import Draws

STATE = "state.npz"


@dataclass(frozen=True)
class WorldJob(ABC):
    """One world to be lived, in this process or in another one; everything in it can be pickled.

    Attributes:
        stage: where its log goes.
        population: folder of the catalogue stage.
        luck: name of the world's luck; worlds of equal luck are paired.
        updates: how models are trained anew in it, if at all.
        goes_on: whether other worlds go on where this one stops.
    """

    goes_on: ClassVar[bool] = False

    config: Config
    stage: Stage
    population: Path
    luck: str
    updates: Updating | None = field(default=None, kw_only=True)

    @abstractmethod
    def episode(self, population: Population, draws: Draws) -> Episode:
        """Everything that is to be known before the first day."""

    def renewal(self, world: World, service: SearchService) -> Renewing | None:
        """What trains the models of its service anew while it is lived."""
        return None

    @property
    def work(self) -> float:
        """How much there is to do, about: its pages, and updates in pages that take as long."""
        return self.pages

    @property
    def pages(self) -> float:
        """How many pages are made, about, for the requests of the world and of who follows it."""
        shoppers = self.config.shoppers
        visits = shoppers.count * shoppers.visits_per_week / 7 * self.days
        requests = self.config.world.sessions.requests_per_visit(shoppers.patience)
        return visits * requests * self.pages_each

    @property
    def days(self) -> int:
        """Length of its period."""
        return self.config.world.days

    @property
    def pages_each(self) -> float:
        """Pages for each request of the world, about."""
        return 1.0


@dataclass(frozen=True)
class _LaterWorld(WorldJob):
    """A world that goes on where the history stopped.

    Attributes:
        trained: the models and the history that they learned from.
    """

    trained: Trained

    def renewal(self, world: World, service: SearchService) -> Renewing | None:
        """All arms' funnels are kept up to date."""
        if self.updates is None:
            return None
        renewal = self.updates.begin(self.config, self.trained, self.stage.path.parent, world)
        for each in funnels_of(service):
            renewal.serve(Served(each, each.arm))
        return renewal

    @property
    def work(self) -> float:
        """Its pages, and the updates of all funnels that are followed."""
        return self.pages + (self.updates.work(self.config, self.arms) if self.updates else 0.0)

    @property
    @abstractmethod
    def arms(self) -> tuple[int, ...]:
        """The arms of all funnels that serve it or are followed in it."""

    def _after_history(self, made: Arranged) -> Episode:
        world = self.config.world
        names = tuple(arm.name for arm in self.config.arms)
        state = dict(np.load(self.trained.history.path / STATE))
        period = world.history_days, world.days
        who = made.service, names, made.assigned
        return Episode(*who, *period, state, made.cluster_T, made.stock_shares, made.tables)

    def _funnels(
        self,
        arms: Sequence[int],
        catalog: Catalog,
        draws: Draws,
        again: Models | None = None,
    ) -> list[Funnel]:
        """The funnels of all arms of a world; `again` has models in the place of their own."""
        config, trained = self.config, self.trained
        stages, rankers = trained.channels, trained.rankers
        if again is not None:
            stages, rankers = {**stages, **again.channels}, again.rankers
        names = {name for arm in arms for name in config.arms[arm].channels}
        shared = {name: self._fitted(name, stages) for name in sorted(names)}

        def model(name: str) -> Channel:
            """A channel that reads each arm's own statistics must be each arm's own."""
            own = isinstance(shared[name], Refreshable) and len(arms) > 1
            return self._fitted(name, stages) if own else shared[name]

        return [
            arm_funnel(
                config,
                arm,
                catalog,
                {name: model(name) for name in config.arms[arm].channels},
                load_saved(rankers[arm].path / MODEL, config),
                draws,
                arms,
            )
            for arm in arms
        ]

    def _fitted(self, name: str, stages: Mapping[str, Stage]) -> Channel:
        return load_channel(stages[name].path / MODEL, self.config, name)


@dataclass(frozen=True)
class ExperimentWorld(_LaterWorld):
    """The experiment, in which a design splits shoppers, or what it says, over all arms."""

    @property
    def arms(self) -> tuple[int, ...]:
        """All."""
        return tuple(range(len(self.config.arms)))

    @property
    def pages_each(self) -> float:
        """One, or those of all arms."""
        return float(len(self.arms)) if self.config.design.every_arm else 1.0

    def episode(self, population: Population, draws: Draws) -> Episode:
        """Every request is served by its arm, or by all arms together."""
        funnels = self._funnels(self.arms, population.supply.catalog, draws)
        history = self.trained.history.path / LOG
        return self._after_history(arranged(self.config, population, history, funnels, draws))


@dataclass(frozen=True)
class OneArmWorld(_LaterWorld):
    """The world with everybody in one arm.

    It is also followed in expectation, see `simulator.following.walk`.

    Attributes:
        arm: number of the arm.
        beside: number of an arm whose pages are followed in this world's state, too; None: none.
        share: of the shoppers that are followed.
        weighed: requests that an oracle weighs, about.
        retrained: by file, models that are trained again and followed, too.
        followed: whether it is followed at all.
    """

    arm: int
    beside: int | None = None
    share: float = 1.0
    weighed: int = 0
    retrained: Mapping[str, Retraining] = field(default_factory=dict)
    followed: bool = True

    @property
    def arms(self) -> tuple[int, ...]:
        """Its own, that beside, and its own with each model trained again."""
        beside = () if self.beside is None else (self.beside,)
        return (self.arm, *beside, *[self.arm] * len(self.retrained))

    @property
    def channels(self) -> tuple[str, ...]:
        """The arm's channels, in the order of the provenance bits."""
        names = self.config.arms[self.arm].channels
        return tuple(name for name in self.config.channels if name in names)

    @property
    def pages_each(self) -> float:
        """One, and those of all who follow the world."""
        if not self.followed:
            return 1.0
        beside = OTHER_PAGES * self.share * (self.beside is not None)
        again = sum(OTHER_PAGES * each.share for each in self.retrained.values())
        return 1.0 + OWN_PAGES * self.share + beside + again

    def episode(self, population: Population, draws: Draws) -> Episode:
        """Everybody is served by the arm."""
        (funnel,) = self._funnels((self.arm,), population.supply.catalog, draws)
        first_day = self.config.world.history_days
        together = everybody(len(population.shoppers), self.arm, first_day)
        return self._after_history(Arranged(funnel, together))

    def follow(self, opened: "OpenWorld", funnel: Funnel) -> Followed:
        """Follow a world of this job, which the funnel serves."""
        world, share = opened.world, self.share
        catalog = world.population.supply.catalog
        count_T = asked_counts(self.trained.history.path / LOG, len(world.population.intents.texts))
        sorting = RequestSorting(world.population.intents, count_T)
        walks = {OWN: follow(world, funnel.twin(), share=share, sorting=sorting)}
        if self.beside is not None:
            (other,) = self._funnels((self.beside,), catalog, world.draws)
            other.arm = self.arm  # it reads the statistics of the arm that this world has
            opened.keep_up(Served(other, self.beside))
            walks[BESIDE] = follow(
                *(world, other), own=False, share=share, paced_by=walks[OWN], sorting=sorting
            )
        for name, retraining in self.retrained.items():
            models = retraining.models_of(self.trained)
            if models.channels:
                (other,) = self._funnels((self.arm,), catalog, world.draws, models)
            else:
                ranker = load_saved(models.rankers[self.arm].path / MODEL, self.config)
                other = funnel.twin(ranker)
            begins, lucks = models.channels, dict.fromkeys(retraining.models, 1)
            opened.keep_up(Served(other, self.arm, lucks, begins, whole=bool(begins)))
            walks[name] = follow(world, other, own=False, share=retraining.share)
        sample = None
        if self.weighed:
            rate = self.weighed * self.pages_each / self.pages
            sample = HeadroomSample(world, funnel.twin(), rate, count_T > 0)
            world.watch(sample)
        return Followed(walks, sample)


def live(job: WorldJob, *, advance: Advance) -> None:
    """Live one world and finish its stage; it counts pages, see `WorldJob.pages`."""
    with job.stage.write() as folder:
        opened = open_world(job, folder / LOG)
        followed = None
        service = opened.service
        if isinstance(job, OneArmWorld) and job.followed and isinstance(service, Funnel):
            followed = job.follow(opened, service)
        state = opened.run(lambda requests: advance(requests * job.pages_each), work=advance)
        if followed is not None:
            followed.write(folder)
        if opened.renewal is not None:
            opened.renewal.write(folder)
        if job.goes_on:
            _save_state(folder / STATE, state)
        job.stage.rows = opened.world.log.rows


@dataclass
class OpenWorld:
    """A world that is about to be lived.

    Attributes:
        world, service: the world, and what serves its requests.
        first_day, days: the simulated days of its period.
        renewal: what trains its models anew while it is lived.
        digest: of its log, once it is lived.
    """

    world: World
    service: SearchService
    first_day: int
    days: int
    renewal: Renewing | None = None
    digest: str = ""

    def keep_up(self, served: Served) -> None:
        """Also train the models of this funnel anew, if the world does so."""
        if self.renewal is not None:
            self.renewal.serve(served)

    def run(self, advance: Advance, work: Advance | None = None) -> State:
        """Live it and close its log; returns the state in which the next world can go on.

        Args:
            advance: told the number of requests after each interval.
            work: told of updates, see `WorldJob.work`.
        """
        if self.renewal is not None and work is not None:
            self.renewal.tell = work
        state = self.world.run(self.first_day, self.days, advance=advance)
        facts = {"start_day": self.first_day, "days": self.days}
        self.digest = self.world.log.close(self.service.faults(), facts)
        return state


def open_world(job: WorldJob, folder: Path) -> OpenWorld:
    """The world of a job, before its first day, with its log in an empty or absent folder.

    The same job gives the same world, to the bit, however often it is lived.
    """
    config = job.config
    population: Population = load_saved(job.population / POPULATION)
    draws = Draws(config.seed).child(job.luck)
    episode = job.episode(population, draws)
    log = EventLog(
        folder,
        channels=episode.service.channels,
        arms=episode.arms,
        shard_rows=config.log.shard_rows,
        optional=episode.tables,
    )
    _log_facts(log, population, episode)
    world = World(
        config.world,
        population,
        episode.service,
        log,
        draws,
        arms=len(episode.arms),
        state=episode.state,
        trace_rate=config.log.candidate_rate,
        stock_shares=episode.stock_shares,
    )
    renewal = job.renewal(world, episode.service)
    return OpenWorld(world, episode.service, episode.first_day, episode.days, renewal)


def _log_facts(log: EventLog, population: Population, episode: Episode) -> None:
    """What is known before the first event: who is in which arm, and the query texts."""
    texts = population.intents.texts
    strings = np.array(texts, dtype=object)
    text_T = np.arange(len(texts))
    cluster_T = text_T if episode.cluster_T is None else episode.cluster_T
    log.append("texts", {"text": text_T, "string": strings, "cluster": cluster_T})
    log.append("assignments", episode.assigned.columns())


def _save_state(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **dict(state))
