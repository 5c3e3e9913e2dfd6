"""The worlds of a run: history, experiment, and the paired worlds of the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.config.schema import Config
from experiments.designs.design import Design
from experiments.running.funnels import arm_funnel, bootstrap_funnel
from experiments.running.models import LOG, MODEL, POPULATION, load_channel, load_saved
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.router import ArmRouter
from recall.channel import Channel, Refreshable
from simulator.living.world import Population, State, World
from simulator.log.eventlog import EventLog
from simulator.protocols import DAY, SearchService
from simulator.randomness import Draws

STATE = "state.npz"


@dataclass(frozen=True)
class WorldJob:
    """One world to be lived, in this process or in another one; everything in it can be pickled.

    Attributes:
        stage: where its log goes.
        population: folder of the catalogue stage.
        history: folder of the history stage, None for the history itself.
        channels: model folder of each channel that any arm uses.
        rankers: model folder of each arm's ranker, in the order of the arms.
        luck: name of the world's luck; worlds of equal luck are paired.
        arm: arm in which everybody is; None: split by the design.
        design: which shopper sees which arm in the experiment.
    """

    config: Config
    stage: Stage
    population: Path
    history: Path | None
    channels: Mapping[str, Path]
    rankers: tuple[Path, ...]
    luck: str
    arm: int | None
    design: Design | None = None


def live(job: WorldJob, *, advance: Advance) -> str:
    """Live one world and finish its stage; returns the digest of its log."""
    with job.stage.write() as folder:
        opened = open_world(job, folder / LOG)
        state = opened.run(advance)
        if job.history is None:
            _save_state(folder / STATE, state)
        job.stage.rows = opened.world.log.rows
    return opened.digest


@dataclass
class OpenWorld:
    """A world that is about to be lived.

    Attributes:
        world, service: the world, and what serves its requests.
        first_day, days: the simulated days of its period.
        digest: of its log, once it is lived.
    """

    world: World
    service: SearchService
    first_day: int
    days: int
    digest: str = ""

    def run(self, advance: Advance) -> State:
        """Live it and close its log; returns the state in which the next world can go on."""
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
    arm_S = _arms(job, len(population.shoppers))
    service = _service(job, population, draws, arm_S)
    arms = ("bootstrap",) if job.history is None else tuple(arm.name for arm in config.arms)
    first_day = 0 if job.history is None else config.world.history_days
    days = config.world.history_days if job.history is None else config.world.days
    rows = config.log.shard_rows
    log = EventLog(folder, channels=service.channels, arms=arms, shard_rows=rows)
    _log_facts(log, population, arm_S, first_day)
    world = World(
        config.world,
        population,
        service,
        log,
        draws,
        arms=len(arms),
        state=None if job.history is None else dict(np.load(job.history / STATE)),
        trace_rate=config.log.candidate_rate,
    )
    return OpenWorld(world, service, first_day, days)


def _arms(job: WorldJob, shoppers: int) -> NDArray[np.int8]:
    if job.history is None:
        return np.zeros(shoppers, np.int8)
    if job.arm is not None:
        return np.full(shoppers, job.arm, np.int8)
    assert job.design is not None, "an experiment has a design"
    return job.design.assign(np.arange(shoppers, dtype=np.int64), np.zeros(shoppers))


def _service(
    job: WorldJob, population: Population, draws: Draws, arm_S: NDArray[np.int8]
) -> SearchService:
    config, catalog = job.config, population.supply.catalog
    if job.history is None:
        return bootstrap_funnel(config, catalog, draws)
    wanted = range(len(config.arms)) if job.arm is None else (job.arm,)
    names = {name for arm in wanted for name in config.arms[arm].channels}

    def fitted(name: str) -> Channel:
        return load_channel(job.channels[name] / MODEL, config.channels[name])

    shared = {name: fitted(name) for name in sorted(names)}

    def model(name: str) -> Channel:
        """A channel that reads each arm's own statistics must be each arm's own."""
        own = isinstance(shared[name], Refreshable) and len(wanted) > 1
        return fitted(name) if own else shared[name]

    funnels = [
        arm_funnel(
            config,
            arm,
            catalog,
            {name: model(name) for name in config.arms[arm].channels},
            load_saved(job.rankers[arm] / MODEL, config),
            draws,
        )
        for arm in wanted
    ]
    return funnels[0] if job.arm is not None else ArmRouter(funnels, arm_S)


def _log_facts(
    log: EventLog, population: Population, arm_S: NDArray[np.int8], first_day: int
) -> None:
    """What is known before the first event: who is in which arm, and the query texts."""
    texts = population.intents.texts
    strings = np.array(texts, dtype=object)
    log.append("texts", {"text": np.arange(len(texts)), "string": strings})
    columns: dict[str, NDArray[Any]] = {
        "unit": np.arange(len(arm_S)),
        "arm": arm_S,
        "at": np.full(len(arm_S), first_day * DAY),
    }
    log.append("assignments", columns)


def _save_state(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **dict(state))
