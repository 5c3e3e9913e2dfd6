"""A short run at 20k items, and what is needed to live its worlds again under a stopwatch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from experiments import Config, load_config, run_experiment
from experiments.running.funnels import arm_funnel
from experiments.running.models import LOG, MODEL, POPULATION, load_channel, load_saved
from experiments.running.worlds import STATE
from ranking.funnel import Funnel
from simulator.living.world import Population, World
from simulator.log.eventlog import EventLog
from simulator.protocols import Index, Pages, Requests
from simulator.randomness import Draws
from tests.benchmarks.growth import FULL, StageClock


@dataclass(frozen=True)
class Market:
    """A finished run.

    Attributes:
        folder: the run folder.
        clock: seconds and units of its stages. Two worlds were lived side by side, each under
            the full funnel: the experiment, and the truth of one arm.
    """

    config: Config
    folder: Path
    clock: StageClock

    @cached_property
    def population(self) -> Population:
        """Catalogue, shoppers and intents."""
        population: Population = load_saved(self.stage("catalogue") / POPULATION)
        return population

    def stage(self, name: str) -> Path:
        """The folder of a finished stage."""
        folders = [
            path
            for path in (self.folder / "stages").iterdir()
            if re.fullmatch(re.escape(name) + "-[0-9a-f]+", path.name)
        ]
        assert len(folders) == 1, folders
        return folders[0]

    def funnel(self, draws: Draws) -> Funnel:
        """The full funnel, as it served."""
        channels = {
            name: load_channel(self.stage(f"channel-{name}") / MODEL, spec)
            for name, spec in self.config.channels.items()
        }
        ranker = load_saved(self.stage("ranker") / MODEL)
        catalog = self.population.supply.catalog
        return arm_funnel(self.config, 0, catalog, channels, ranker, draws, among=(0,))

    def live(self, folder: Path, service: Any, draws: Draws, days: int = 1) -> EventLog:
        """Live a world of some days after the history, everybody under one service."""
        log = EventLog(folder, channels=service.channels, arms=("one", "two"))
        world = World(
            self.config.world,
            self.population,
            service,
            log,
            draws,
            arms=2,
            state=dict(np.load(self.stage("history") / STATE)),
            trace_rate=self.config.log.candidate_rate,
        )
        world.run(self.config.world.history_days, days)
        log.close(service.faults(), {"days": days})
        return log

    @property
    def worlds(self) -> Mapping[str, Path]:
        """Logs of the two worlds."""
        return {name: self.stage(name) / LOG for name in ("experiment", "truth-one-0")}


class Stopwatch:
    """A search service that passes everything on and adds up the processor time below it."""

    def __init__(self, service: Funnel) -> None:
        self.service = service
        self.channels = service.channels
        self.seconds = 0.0
        self.requests = 0

    def refresh(self, index: Index) -> None:
        start = process_time()
        self.service.refresh(index)
        self.seconds += process_time() - start

    def serve(self, requests: Requests) -> Pages:
        start = process_time()
        pages = self.service.serve(requests)
        self.seconds += process_time() - start
        self.requests += len(requests)
        return pages

    def faults(self) -> list:
        return self.service.faults()


def make_market(folder: Path, config: Config | None = None) -> Market:
    """Run it, or another config of equal funnels in both arms."""
    config, clock = config or load_config(FULL), StageClock()
    run_experiment(config, folder / "run", progress=clock, command="")
    return Market(config, folder / "run", clock)
