"""The stages of a run, from settings to the report.

    catalogue -> history -> channels, rankers -> worlds (experiment, truth) -> analyse -> report

Every stage is a folder in the run's store under a key that says all it depends on; a stage that
is there already is not made again.
"""

import platform
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.analysis import analyse, truth_table
from experiments.build import load_saved, make_population, save_object
from experiments.config import resolved_toml
from experiments.executor import run_tasks
from experiments.files import read_json, write_json
from experiments.guard import check_same_settings
from experiments.keys import data_digest, stage_key
from experiments.metrics import METRICS, Metric
from experiments.models import (
    CATALOG,
    RETRIEVAL,
    ChannelJob,
    RankerJob,
    dense_name,
    fit_channel,
    fit_ranker,
    grade_channels,
)
from experiments.plugins import check_plug_ins, plug_in_modules
from experiments.progress import Progress
from experiments.report import write_report
from experiments.schema import Config, FileCatalog
from experiments.store import (
    CONFIG,
    MANIFEST,
    RunFolder,
    Stage,
    StageRecord,
    peak_memory_mb,
)
from experiments.worlds import LOG, POPULATION, WorldJob, live
from simulator.world import Population

SCHEMA = 1
_EXPERIMENT_LUCK = "experiment"
_REQUESTS_PER_VISIT = 1.75  # only for the progress bar's time left
_LIBRARIES = ("torch", "numpy", "scipy", "pandas", "simpy", "duckdb", "tea-tasting", "bm25s")
_WORLD_CODE = ("simulator", "recall", "ranking", "experiments.build", "experiments.worlds")


def run_experiment(
    config: Config, folder: Path, *, progress: Progress, command: str, overwrite: bool = False
) -> Path:
    """Run or continue an experiment; returns the path of its report.

    Args:
        folder: the run folder; finished stages in it are reused.
        command: what the report names as the way to reproduce it.
        overwrite: replace the results of a finished run with other settings.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
    """
    with RunFolder(folder) as run:
        if not overwrite:
            check_same_settings(folder, resolved_toml(config))
        return _Run(config, run, progress, command).report()


@dataclass
class _Worlds:
    """The finished worlds: the experiment, and per arm one truth world for each seed."""

    experiment: Path
    truth: dict[str, list[Path]]


class _Run:
    """One pass through the stages."""

    def __init__(self, config: Config, run: RunFolder, progress: Progress, command: str) -> None:
        self.config = config
        self.run = run
        self.progress = progress
        self.command = command
        self.records: list[StageRecord] = []

    def report(self) -> Path:
        """All stages; writes the results into the run folder."""
        config, run = self.config, self.run
        check_plug_ins(config)
        catalogue = self._catalogue()
        history = self._history(catalogue)
        channels, early = self._channels(catalogue, history)
        rankers = self._rankers(catalogue, history, channels, early)
        retrieval = self._retrieval(catalogue, history, channels)
        worlds = self._worlds(catalogue, history, channels, rankers)
        metrics, truth = self._analysis(history, worlds, retrieval)
        run.remove(MANIFEST)  # a run without one is not finished: its results may be replaced
        run.write_text(CONFIG, resolved_toml(config))
        run.write_json("metrics.json", metrics)
        if truth is not None:
            run.write_json("truth.json", truth)
        else:
            run.remove("truth.json")
        run.link("log", worlds.experiment)
        run.write_json(MANIFEST, self._manifest(catalogue, worlds))
        with self.progress.stage("report"):
            return write_report(run.path)

    def _catalogue(self) -> Stage:
        config = self.config
        settings = [config.seed, config.catalog, config.judgments, config.queries, config.shoppers]
        files = [config.catalog.file.path] if isinstance(config.catalog, FileCatalog) else []
        files += [config.judgments.path] if config.judgments is not None else []
        stage = self._stage(
            "catalogue",
            settings,
            inputs=[data_digest(Path(path)) for path in files],
            code=["simulator", "experiments.build"],
        )
        with self._making(stage, unit="items") as bar:
            if bar is not None:
                with stage.write() as folder:
                    population = make_population(config)
                    save_object(folder / CATALOG, population.supply.catalog)
                    save_object(folder / POPULATION, population)
                    stage.rows = {
                        "items": len(population.supply.catalog),
                        "shoppers": len(population.shoppers),
                        "intents": len(population.intents.category_Q),
                        "texts": len(population.intents.texts),
                    }
                    bar.advance(stage.rows["items"])
        return stage

    def _history(self, catalogue: Stage) -> Stage:
        config = self.config
        world = config.world.model_dump(exclude={"days"}, mode="json")
        stage = self._stage(
            "history",
            [world, config.log, config.funnel, config.seed],
            inputs=[catalogue.key],
            code=self._world_code(),
        )
        job = WorldJob(config, stage, catalogue.path, None, {}, (), "history", None)
        self._live("history", [job], config.world.history_days)
        return stage

    def _channels(
        self, catalogue: Stage, history: Stage
    ) -> tuple[dict[str, Stage], dict[str, Stage]]:
        """The channels that any arm uses: as they serve, and as of the earlier history."""
        config = self.config
        used = {name for arm in config.arms for name in arm.channels}
        used |= {name for name in [dense_name(config)] if name is not None}
        jobs: list[ChannelJob] = []
        late: dict[str, Stage] = {}
        early: dict[str, Stage] = {}
        for name in (name for name in config.channels if name in used):
            spec = config.channels[name]
            code = ["recall", "simulator.history", "experiments.models"]
            code += plug_in_modules(spec)
            for is_early, stages in ((False, late), (True, early)):
                stages[name] = self._stage(
                    f"channel-{name}" + "-early" * is_early,
                    [spec, config.device, config.seed, config.examples if is_early else None],
                    inputs=[catalogue.key, history.key],
                    code=code,
                )
                jobs.append(
                    ChannelJob(config, stages[name], catalogue.path, history.path, name, is_early)
                )
        self._train("channels", fit_channel, jobs)
        return late, early

    def _rankers(
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
            code = ["ranking", "recall", "experiments.models", "experiments.build"]
            code += plug_in_modules(spec)
            stage = self._stage(
                "ranker",
                [
                    *(spec, config.examples, config.seed),
                    *(arm.channels, arm.limits, arm.merge or config.funnel.merge),
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
                    )
                )
            stages.append(stage)
        self._train("rankers", fit_ranker, jobs)
        return stages

    def _retrieval(
        self, catalogue: Stage, history: Stage, channels: dict[str, Stage]
    ) -> list[dict[str, Any]]:
        """Each channel against the human grades, where the user has them."""
        if self.config.judgments is None:
            return []
        stage = self._stage(
            "retrieval",
            [],
            inputs=[catalogue.key, *(channel.key for channel in channels.values())],
            code=["experiments.grades", "experiments.models"],
        )
        with self._making(stage, unit="channels") as bar:
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
                    write_json(folder / RETRIEVAL, rows)
                    bar.advance(len(rows))
        found: list[dict[str, Any]] = read_json(stage.path / RETRIEVAL)
        return found

    def _worlds(
        self,
        catalogue: Stage,
        history: Stage,
        channels: dict[str, Stage],
        rankers: list[Stage],
    ) -> _Worlds:
        """The experiment and the truth: independent worlds, lived side by side."""
        config = self.config
        models = {name: stage.path for name, stage in channels.items()}
        ranker_paths = tuple(stage.path for stage in rankers)

        def job(name: str, luck: str, arm: int | None) -> WorldJob:
            arms = config.arms if arm is None else (config.arms[arm],)
            used = range(len(config.arms)) if arm is None else (arm,)
            # The names of arms are part of the log, so they are part of the key, too.
            settings = [config.world, config.log, config.funnel, config.seed, luck, arm]
            settings += [list(arms), [one.name for one in config.arms]]
            specs = [config.channels, list(config.channels)]
            inputs = [catalogue.key, history.key, *(rankers[number].key for number in used)]
            inputs += [channels[n].key for n in sorted({n for one in arms for n in one.channels})]
            stage = self._stage(name, [settings, specs], inputs=inputs, code=self._world_code())
            return WorldJob(
                config, stage, catalogue.path, history.path, models, ranker_paths, luck, arm
            )

        experiment = job("experiment", _EXPERIMENT_LUCK, None)
        in_truth = config.truth.arms or tuple(arm.name for arm in config.arms)
        truth = {
            arm.name: [
                job(f"truth-{arm.name}-{seed}", _luck(seed), number)
                for seed in range(config.truth.seeds)
            ]
            for number, arm in enumerate(config.arms)
            if arm.name in in_truth
        }
        jobs = [experiment, *(world for worlds in truth.values() for world in worlds)]
        self._live("worlds", jobs, config.world.days)
        return _Worlds(
            experiment.stage.path / LOG,
            {name: [world.stage.path / LOG for world in worlds] for name, worlds in truth.items()},
        )

    def _analysis(
        self, history: Stage, worlds: _Worlds, retrieval: Sequence[dict[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        config = self.config
        chosen: tuple[Metric, ...] = (*METRICS.values(), *config.analysis.metrics)
        with self.progress.stage("analyse"):
            metrics = analyse(
                worlds.experiment,
                history.path / LOG if config.analysis.cuped else None,
                name=config.name,
                arms={arm.name: arm.share for arm in config.arms},
                control=config.control,
                confidence=config.analysis.confidence,
                primary=config.analysis.primary,
                metrics=chosen,
                retrieval=retrieval,
            )
            if not config.truth.seeds:
                return metrics, None
            truth = truth_table(worlds.truth, metrics, control=config.control, metrics=chosen)
        return metrics, truth

    def _manifest(self, catalogue: Stage, worlds: _Worlds) -> dict[str, Any]:
        config = self.config
        sizes = catalogue.record().rows
        return {
            "schema": SCHEMA,
            "name": config.name,
            "seed": config.seed,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "funnelab": version("funnelab"),
            "command": self.command,
            "stages": [asdict(record) for record in self.records],
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in _LIBRARIES},
            "peak_memory_mb": max(peak_memory_mb(), *(one.peak_memory_mb for one in self.records)),
            "arms": [
                {"name": arm.name, "share": arm.share, "channels": list(arm.channels)}
                for arm in config.arms
            ],
            "channels": [
                {"name": name, "type": spec.type, "limit": spec.limit}
                for name, spec in config.channels.items()
            ],
            "items": sizes["items"],
            "shoppers": sizes["shoppers"],
            "history_days": config.world.history_days,
            "days": config.world.days,
            "seeds": {"run": config.seed, "truth": config.truth.seeds},
            "log_digest": read_json(worlds.experiment / "manifest.json")["digest"],
        }

    def _world_code(self) -> list[str]:
        return [*_WORLD_CODE, *plug_in_modules(self.config.world.behavior.click_model)]

    def _stage(
        self, name: str, settings: Any, *, inputs: Sequence[str], code: Sequence[str]
    ) -> Stage:
        return self.run.stage(name, stage_key(name, settings, inputs=inputs, code=code))

    @contextmanager
    def _making(self, stage: Stage, unit: str) -> Any:
        """A progress bar if the stage has to be made, None if it is in the store."""
        if stage.finished:
            self.progress.reused(stage.name)
            yield None
        else:
            with self.progress.stage(stage.name, unit=unit) as bar:
                yield bar
        self.records.append(stage.record())

    def _live(self, name: str, jobs: list[WorldJob], days: int) -> None:
        visits = self.config.shoppers.count * self.config.shoppers.visits_per_week / 7 * days
        self._tasks(name, live, jobs, "requests", round(visits * _REQUESTS_PER_VISIT))

    def _train(self, name: str, task: Any, jobs: Sequence[Any]) -> None:
        self._tasks(name, task, jobs, "models", 1)

    def _tasks(self, name: str, task: Any, jobs: Sequence[Any], unit: str, units_each: int) -> None:
        """Make the stages of the jobs that are not in the store, side by side."""
        missing = [job for job in jobs if not job.stage.finished]
        if missing:
            with self.progress.stage(name, total=units_each * len(missing), unit=unit) as bar:
                run_tasks(
                    task,
                    [(job,) for job in missing],
                    settings=self.config.execution,
                    advance=bar.advance,
                )
        else:
            self.progress.reused(name)
        made = {job.stage.path for job in missing}
        for job in jobs:
            record = job.stage.record()
            self.records.append(replace(record, cached=job.stage.path not in made))


def _luck(seed: int) -> str:
    """The first truth worlds share the experiment's luck; each further pair has its own."""
    return _EXPERIMENT_LUCK if seed == 0 else f"truth.{seed}"
