"""The stages of a run, from catalogue to worlds: what each is made of, and its key.

    catalogue -> history -> channels -> rankers -> worlds (experiment, truth)

Every stage is a folder in the run's store under a key that says all it depends on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.config.schema import Config, FileCatalog
from experiments.records.metrics import Retrieval
from experiments.running.building import load_saved, make_population
from experiments.running.models import (
    CATALOG,
    RETRIEVAL,
    ChannelJob,
    RankerJob,
    dense_name,
    fit_channel,
    fit_ranker,
    grade_channels,
    taught_as,
)
from experiments.running.plugins import channel_code
from experiments.running.worlds import LOG, POPULATION, WorldJob, live
from experiments.stages.files import read_json, write_json
from experiments.stages.folder import Stage
from experiments.stages.keys import data_digest
from experiments.stages.maker import Maker
from recall.storage import save
from simulator.living.world import Population

SFT = "sft"
"""Name of the stage of a generative channel that is yet to be aligned."""

_EXPERIMENT_LUCK = "experiment"
_REQUESTS_PER_VISIT = 1.6  # only for the progress bar's time left
_WORLD_CODE = (
    "simulator",
    "recall",
    "ranking",
    "experiments.running.building",
    "experiments.running.worlds",
)


@dataclass(frozen=True)
class Worlds:
    """The logs of the finished worlds: the experiment, and for each arm one for each seed."""

    experiment: Path
    truth: dict[str, list[Path]]


class Pipeline:
    """One run's stages; each method finds or makes one and returns it.

    Args:
        unseen_days: last days of the history that no channel and no ranker learns from.
    """

    def __init__(self, config: Config, maker: Maker, unseen_days: int = 0) -> None:
        self.config = config
        self.maker = maker
        self.unseen_days = unseen_days

    def catalogue(self) -> Stage:
        """Catalogue, shoppers and what they want; the public catalogue in a file of its own."""
        config = self.config
        settings = [config.seed, config.catalog, config.judgments, config.queries, config.shoppers]
        files = [config.catalog.file.path] if isinstance(config.catalog, FileCatalog) else []
        files += [config.judgments.path] if config.judgments is not None else []
        stage = self.maker.stage(
            "catalogue",
            settings,
            inputs=[data_digest(Path(path)) for path in files],
            code=["simulator", "experiments.running.building"],
        )
        with self.maker.making(stage, unit="items") as bar:
            if bar is not None:
                with stage.write() as folder:
                    population = make_population(config)
                    save(folder / CATALOG, population.supply.catalog)
                    save(folder / POPULATION, population)
                    stage.rows = {
                        "items": len(population.supply.catalog),
                        "shoppers": len(population.shoppers),
                        "intents": len(population.intents.category_Q),
                        "texts": len(population.intents.texts),
                    }
                    bar.advance(stage.rows["items"])
        return stage

    def history(self, catalogue: Stage) -> Stage:
        """The log that a company would have; it does not depend on the experiment's length."""
        config = self.config
        world = config.world.model_dump(exclude={"days"}, mode="json")
        stage = self.maker.stage(
            "history",
            [world, config.log, config.funnel, config.seed],
            inputs=[catalogue.key],
            code=self._world_code(),
        )
        job = WorldJob(config, stage, catalogue.path, None, {}, (), "history", None)
        self.live("history", [job], config.world.history_days)
        return stage

    def channels(
        self, catalogue: Stage, history: Stage, instead: Mapping[str, Stage] | None = None
    ) -> tuple[dict[str, Stage], dict[str, Stage]]:
        """The channels that any arm uses: as they serve, and as of the earlier history.

        Args:
            catalogue, history: what they learn from.
            instead: stages that serve in the place of channels, by name.
        """
        config, late = self.config, dict(instead or {})
        used = {name for arm in config.arms for name in arm.channels}
        used |= {name for name in [dense_name(config)] if name is not None}
        jobs: dict[Path, ChannelJob] = {}
        early: dict[str, Stage] = {}
        for name in (name for name in config.channels if name in used):
            for stages in (early,) if name in late else (late, early):
                days = self.unseen_days
                job = self._channel(
                    catalogue, history, name, early=stages is early, unseen_days=days
                )
                stages[name] = job.stage
                jobs.setdefault(job.stage.path, job)
        self.train("channels", fit_channel, list(jobs.values()))
        return late, early

    def supervised(self, catalogue: Stage, history: Stage, name: str, fresh_days: int) -> Stage:
        """A generative channel that has not learned from `fresh_days` more of the last days."""
        days = self.unseen_days + fresh_days
        job = self._channel(catalogue, history, name, early=False, unseen_days=days, called=SFT)
        self.train(job.stage.name, fit_channel, [job])
        return job.stage

    def _channel(
        self,
        catalogue: Stage,
        history: Stage,
        name: str,
        *,
        early: bool,
        unseen_days: int,
        called: str | None = None,
    ) -> ChannelJob:
        config, spec, taught = self.config, self.config.channels[name], taught_as(self.config, name)
        called = called or f"channel-{taught}" + "-early" * early
        settings = [spec.learned(), config.device, config.seed, config.examples if early else None]
        stage = self.maker.stage(
            called,
            [*settings, *([unseen_days] if unseen_days else [])],
            inputs=[
                *(catalogue.key, history.key),
                *(data_digest(path) for path in spec.data()),
            ],
            code=["simulator.log.history", "experiments.running.models", *channel_code(spec)],
        )
        paths = (catalogue.path, history.path)
        return ChannelJob(config, stage, *paths, taught, early, unseen_days)

    def rankers(
        self,
        catalogue: Stage,
        history: Stage,
        channels: dict[str, Stage],
        early: dict[str, Stage],
    ) -> list[Stage]:
        """One ranker for each arm; arms of the same funnel share one."""
        config = self.config
        stages: list[Stage] = []
        jobs: list[RankerJob] = []
        for number, arm in enumerate(config.arms):
            spec = arm.ranker or config.ranker
            named = [name for name in [dense_name(config)] if name is not None]
            needed = [name for name in config.channels if name in (*arm.channels, *named)]
            code = [
                "ranking",
                "recall",
                "experiments.running.models",
                "experiments.running.building",
            ]
            code += [part for name in needed for part in channel_code(config.channels[name])]
            code += spec.code()
            stage = self.maker.stage(
                "ranker",
                [
                    *(spec, config.examples, config.seed),
                    *(arm.channels, arm.limits, arm.merge or config.funnel.merge),
                    [config.channels[name] for name in needed],
                    *([self.unseen_days] if self.unseen_days else []),
                ],
                inputs=[*(early[name].key for name in needed), *(channels[n].key for n in needed)],
                code=code,
            )
            if stage.key not in {other.key for other in stages}:
                jobs.append(
                    RankerJob(
                        config,
                        stage,
                        catalogue.path,
                        history.path,
                        number,
                        {name: early[name].path for name in needed},
                        {name: channels[name].path for name in needed},
                        self.unseen_days,
                    )
                )
            stages.append(stage)
        self.train("rankers", fit_ranker, jobs)
        return stages

    def retrieval(
        self, catalogue: Stage, history: Stage, channels: dict[str, Stage]
    ) -> list[Retrieval]:
        """Each channel against the human grades, where the user has them."""
        if self.config.judgments is None:
            return []
        stage = self.maker.stage(
            "retrieval",
            [],
            inputs=[catalogue.key, *(channel.key for channel in channels.values())],
            code=["experiments.running.grades", "experiments.running.models"],
        )
        with self.maker.making(stage, unit="channels") as bar:
            if bar is not None:
                with stage.write() as folder:
                    population: Population = load_saved(catalogue.path / POPULATION)
                    rows = grade_channels(
                        self.config,
                        population.supply.catalog,
                        population.intents.judgments,
                        history.path,
                        {name: channel.path for name, channel in channels.items()},
                    )
                    write_json(folder / RETRIEVAL, [asdict(row) for row in rows])
                    bar.advance(len(rows))
        return [Retrieval(**row) for row in read_json(stage.path / RETRIEVAL)]

    def worlds(
        self,
        catalogue: Stage,
        history: Stage,
        channels: dict[str, Stage],
        rankers: list[Stage],
    ) -> Worlds:
        """The experiment and the truth: independent worlds, lived side by side."""
        config = self.config

        def job(name: str, luck: str, arm: int | None) -> WorldJob:
            return self.world(name, luck, arm, catalogue, history, channels, rankers)

        experiment = job("experiment", _EXPERIMENT_LUCK, None)
        in_truth = config.truth.arms or tuple(arm.name for arm in config.arms)
        truth = {
            arm.name: [
                job(f"truth-{arm.name}-{seed}", luck_of(seed), number)
                for seed in range(config.truth.seeds)
            ]
            for number, arm in enumerate(config.arms)
            if arm.name in in_truth
        }
        jobs = [experiment, *(world for worlds in truth.values() for world in worlds)]
        self.live("worlds", jobs, config.world.days)
        return Worlds(
            experiment.stage.path / LOG,
            {name: [world.stage.path / LOG for world in worlds] for name, worlds in truth.items()},
        )

    def world(
        self,
        name: str,
        luck: str,
        arm: int | None,
        catalogue: Stage,
        history: Stage,
        channels: Mapping[str, Stage],
        rankers: Sequence[Stage],
    ) -> WorldJob:
        """One world to be lived; see `WorldJob`."""
        config = self.config
        arms = config.arms if arm is None else (config.arms[arm],)
        used = range(len(config.arms)) if arm is None else (arm,)
        # The names of arms are part of the log, so they are part of the key, too.
        settings = [config.world, config.log, config.funnel, config.seed, luck, arm]
        settings += [list(arms), [one.name for one in config.arms]]
        names = [n for n in config.channels if any(n in one.channels for one in arms)]
        specs = [list(config.channels), [config.channels[n] for n in names]]
        inputs = [catalogue.key, history.key, *(rankers[number].key for number in used)]
        inputs += [channels[n].key for n in names]
        code = self._world_code()
        code += [part for n in names for part in channel_code(config.channels[n])]
        return WorldJob(
            config,
            self.maker.stage(name, [settings, specs], inputs=inputs, code=code),
            catalogue.path,
            history.path,
            {channel: stage.path for channel, stage in channels.items()},
            tuple(stage.path for stage in rankers),
            luck,
            arm,
        )

    def _world_code(self) -> list[str]:
        return [*_WORLD_CODE, *self.config.world.behavior.click_model.code()]

    def live(self, name: str, jobs: list[WorldJob], days: int) -> None:
        """Live worlds of so many days, side by side."""
        visits = self.config.shoppers.count * self.config.shoppers.visits_per_week / 7 * days
        self.maker.side_by_side(name, live, jobs, "requests", round(visits * _REQUESTS_PER_VISIT))

    def train(self, name: str, task: Any, jobs: Sequence[Any], unit: str = "models") -> None:
        """Train models side by side, each a stage of its own."""
        self.maker.side_by_side(name, task, jobs, unit, 1)


def luck_of(seed: int) -> str:
    """The first truth worlds share the experiment's luck; each further pair has its own."""
    return _EXPERIMENT_LUCK if seed == 0 else f"truth.{seed}"
