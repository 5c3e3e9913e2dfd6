"""The stages of a run, from catalogue to worlds: what each is made of, and its key.

    catalogue -> history -> channels -> rankers -> worlds (experiment, truth)

Every stage is a folder in the run's store under a key that says all it depends on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.config.schema import Config
from experiments.records.apart.judges import JudgesRecord
from experiments.records.apart.stress import StressRecord
from experiments.records.apart.understanding import UnderstandingRecord
from experiments.records.files import read_json
from experiments.records.metrics import Retrieval
from experiments.records.reading import read_record
from experiments.running.apart.grades import RETRIEVAL, GradesJob, grade_channels
from experiments.running.apart.judges import (
    MeasureJob,
    measure_judges,
)
from experiments.running.apart.stress import StressJob, ranker_names, try_conditions
from experiments.running.apart.suggesters import ReplayJob, replay_suggesters
from experiments.running.apart.understanding import UnderstandingJob, measure_understanding
from experiments.running.beside.retraining import Retraining
from experiments.running.funnels import launch_limit
from experiments.running.models import LOG, REPORT, Trained
from experiments.running.modelstages import ModelStages
from experiments.running.past.historyworld import HistoryWorld, RampedHistory, before_ramp
from experiments.running.population import CatalogueJob, horizon, make_catalogue
from experiments.running.updating.updates import ModelUpdates
from experiments.running.worlds import (
    ExperimentWorld,
    OneArmWorld,
    WorldJob,
    live,
)
from experiments.stages.keys import data_digest
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage
from experiments.stress.textrecall import COUNTED, LEXICAL
from experiments.truth.files import refit_file
from recall.classic.bootstrap import BOOTSTRAP_CHANNELS
from simulator.errors import ConfigError
from simulator.files.settings import FileCatalog

EXPERIMENT_LUCK, _PAST_LUCK = "experiment", "history"
REFIT_SHARE = 0.25
"""Share of the shoppers with whom another training of a model is compared."""


@dataclass(frozen=True)
class Worlds:
    """The logs of the finished worlds: the experiment, and for each arm one for each seed."""

    experiment: Path
    truth: dict[str, list[Path]]


@dataclass(frozen=True)
class Judges:
    """The stages of the fitted judges, by name, and what they are worth."""

    fitted: dict[str, Stage]
    record: JudgesRecord


class Pipeline:
    """One run's stages; each method finds or makes one and returns it.

    Args:
        unseen_days: as of `ModelStages`.

    Attributes:
        models: the stages of channels and rankers.
    """

    def __init__(self, config: Config, maker: Maker, unseen_days: int = 0) -> None:
        self.config = config
        self.maker = maker
        self.models = ModelStages(config, maker, unseen_days)

    def catalogue(self) -> Stage:
        """Catalogue, shoppers and what they want; the public catalogue in a file of its own."""
        config = self.config
        settings: list[Any] = [config.seed, config.catalog, config.judgments, config.queries]
        settings += [config.shoppers, *([config.demand] if config.demand is not None else [])]
        files = [config.catalog.file.path] if isinstance(config.catalog, FileCatalog) else []
        files += config.judgments.files() if config.judgments is not None else []
        files += [config.demand.path] if config.demand is not None else []
        if isinstance(config.catalog, FileCatalog) and config.catalog.file.columns.created_at:
            settings.append(horizon(config))
        stage = self.maker.stage(
            "catalogue",
            settings,
            inputs=[data_digest(Path(path)) for path in files],
            task=make_catalogue,
        )
        self.maker.here(CatalogueJob(config, stage), unit="items")
        return stage

    def history(self, catalogue: Stage) -> Stage:
        """The log that a company would have; it does not depend on the experiment's length.

        With a ramp, new channels learn from the days before it, and all days are lived with them.

        Raises:
            ConfigError: a ramp without a new channel.
        """
        config, ramp = self.config, self.config.world.ramp
        if not ramp.days:
            return self._plain_history("history", config, catalogue)
        for problem in config.problems_of_ramp():  # labs leave arms out
            raise ConfigError(problem)
        before = self._plain_history("before-ramp", before_ramp(config), catalogue)
        launched = self.models.launched(catalogue, before)
        asked = {name: [config.channels[name], launch_limit(config, name)] for name in launched}
        stage = self.maker.stage(
            "history",
            [*self._past(config), ramp.days, ramp.share, asked, config.world.peak_requests],
            inputs=[catalogue.key, *(stage.key for stage in launched.values())],
            task=live,
        )
        self.live("ramp", [RampedHistory(config, stage, catalogue.path, _PAST_LUCK, launched)])
        return stage

    def _plain_history(self, name: str, config: Config, catalogue: Stage) -> Stage:
        """A history under the bootstrap funnel alone."""
        stage = self.maker.stage(name, self._past(config), inputs=[catalogue.key], task=live)
        self.live("history", [HistoryWorld(config, stage, catalogue.path, _PAST_LUCK)])
        return stage

    def _past(self, config: Config) -> list[Any]:
        """What decides a history, but for its ramp; its own channels have no servers."""
        apart = ("days", "ramp", "updates", "peak_requests")
        world = {name: value for name, value in config.world if name not in apart}
        return [world, config.log, config.funnel, config.seed, dict(BOOTSTRAP_CHANNELS)]

    def retrieval(
        self, catalogue: Stage, history: Stage, channels: dict[str, Stage]
    ) -> list[Retrieval]:
        """Each channel against the human grades, where the user has them."""
        if self.config.judgments is None:
            return []
        stage = self.maker.stage(
            "retrieval",
            {name: self.config.channels[name] for name in channels},
            inputs=[catalogue.key, *(channel.key for channel in channels.values())],
            task=grade_channels,
        )
        models = {name: channel.path for name, channel in channels.items()}
        job = GradesJob(self.config, stage, catalogue.path, history.path, models)
        self.maker.here(job, unit="channels")
        return [Retrieval(**row) for row in read_json(stage.path / RETRIEVAL)]

    def judges(self, catalogue: Stage, history: Stage) -> Judges | None:
        """The judges, fitted and measured; None where there are none."""
        config = self.config
        if not config.judges:
            return None
        judges = self.models.judges
        bought = judges.annotations(catalogue, history)
        fitted = {name: judges.fitted(catalogue, history, name) for name in config.judges}
        measured = self.maker.stage(
            "judged",
            [config.name, config.analysis.confidence, config.annotations.noise, list(fitted)],
            inputs=[bought.key, *(stage.key for stage in fitted.values())],
            task=measure_judges,
        )
        models = {name: stage.path for name, stage in fitted.items()}
        self.maker.here(MeasureJob(config, measured, bought.path, models), unit="pairs")
        return Judges(fitted, read_record(JudgesRecord, measured.path))

    def suggesters(
        self, catalogue: Stage, history: Stage, early: Mapping[str, Stage]
    ) -> dict[str, Any]:
        """How often each suggester knows what shoppers of the log asked next, by its name.

        Args:
            early: the channels of the earlier part of the log, those that suggesters ask among
                them.
        """
        config = self.config
        if not config.suggesters:
            return {}
        asked = catalogue, history, "suggesters"
        fitted = {
            name: self.models.steps.fitted(*asked, name, early, early=True)
            for name in config.suggesters
        }
        days = self.models.unseen_days
        stage = self.maker.stage(
            "suggested",
            [config.examples, config.analysis.confidence, days, list(fitted)],
            inputs=[catalogue.key, history.key, *(each.key for each in fitted.values())],
            task=replay_suggesters,
        )
        folders = {name: each.path for name, each in fitted.items()}
        job = ReplayJob(config, stage, catalogue.path, history.path, folders, days)
        self.maker.here(job, unit="models")
        return dict(read_json(stage.path / REPORT))

    def understanding(self, catalogue: Stage, history: Stage) -> UnderstandingRecord | None:
        """How well the catalogue steps fill; None where there are none."""
        config = self.config
        if not config.understanding:
            return None
        own = isinstance(config.catalog, FileCatalog)  # of which no truth is known
        lessened = [self.models.fills.lessened(catalogue)] if own else []
        steps = {
            name: self.models.fills.read(lessened[0] if own else catalogue, history, name)
            for name in config.understanding
        }
        stage = self.maker.stage(
            "understood",
            [
                *(config.name, config.seed, config.analysis.confidence, config.understanding),
                *(LEXICAL, COUNTED),
            ],
            inputs=[stage.key for stage in (catalogue, *lessened, *steps.values())],
            task=measure_understanding,
        )
        folders = {name: step.path for name, step in steps.items()}
        job = UnderstandingJob(
            config, stage, catalogue.path, folders, *(stage.path for stage in lessened)
        )
        self.maker.here(job, unit="steps")
        return read_record(UnderstandingRecord, stage.path)

    def stress(self, trained: Trained, judges: Judges | None) -> StressRecord | None:
        """How the models that serve stand requests of several conditions; None: not asked."""
        if self.config.stress.conditions is None:
            return None
        fitted = judges.fitted if judges is not None else {}
        names = ranker_names(self.config, [stage.path for stage in trained.rankers])
        told = [self.config.name, self.config.analysis.confidence, list(self.config.channels)]
        told.append(list(fitted))
        stage = self.maker.stage(
            "stress",
            [self.config.stress, self.config.seed, *told, list(names)],
            inputs=[
                trained.catalogue.key,
                trained.history.key,
                *(stage.key for stage in (*trained.channels.values(), *trained.rankers)),
                *(stage.key for stage in fitted.values()),
            ],
            task=try_conditions,
        )
        channels = {name: each.path for name, each in trained.channels.items()}
        folders = trained.catalogue.path, trained.history.path
        grading = {name: each.path for name, each in fitted.items()}
        named = [*self.config.channels.values(), *self.config.judges.values()]
        filled = {
            spec.understanding: self.models.fills.read(
                trained.catalogue, trained.history, spec.understanding
            ).path
            for spec in named
            if spec.understanding
        }
        job = StressJob(self.config, stage, *folders, channels, names, grading, filled)
        self.maker.here(job, unit="items")
        return read_record(StressRecord, stage.path)

    def worlds(self, trained: Trained, seeds: int) -> Worlds:
        """The experiment and the truth: independent worlds, lived side by side.

        Args:
            trained: the models.
            seeds: pairs of worlds of the truth.
        """
        config, experiment = self.config, self.experiment(trained)
        in_truth = config.truth.arms or tuple(arm.name for arm in config.arms)
        truth = {
            arm.name: [self.truth_world(number, seed, trained) for seed in range(seeds)]
            for number, arm in enumerate(config.arms)
            if arm.name in in_truth
        }
        jobs = [experiment, *(world for worlds in truth.values() for world in worlds)]
        self.live("worlds", jobs)
        return Worlds(
            experiment.stage.path / LOG,
            {name: [world.stage.path / LOG for world in worlds] for name, worlds in truth.items()},
        )

    def experiment(self, trained: Trained) -> ExperimentWorld:
        """The world in which the design splits shoppers, or what it says, over the arms."""
        luck, design = EXPERIMENT_LUCK, self.config.design
        arms = range(len(self.config.arms))
        updates = self._updates(split=True)
        apart = [self.config.control] if design.sets_control_apart else []
        told = [luck, design.lived, *apart]
        stage = self._world("experiment", told, arms, trained, updates)
        made = self.config, stage, trained.catalogue.path, luck, trained
        return ExperimentWorld(*made, updates=updates)

    def truth_world(self, arm: int, seed: int, trained: Trained) -> OneArmWorld:
        """A world of the truth, everybody in one arm; worlds of equal seed are paired.

        In that of a treatment the pages of control are followed, too, so that it can be told what
        other pages bring and what the state that they lead to. A model that is trained again is
        compared with its other training in control, or where control has it not, in the treatment;
        unless every pair has a training of its own.
        """
        names = [each.name for each in self.config.arms]
        control = names.index(self.config.control)
        name, luck, spec = f"truth-{names[arm]}-{seed}", luck_of(seed), self.config.truth
        if spec.method == "realised":
            return self.one_arm(name, luck, arm, trained, followed=False)
        beside = control if arm != control else None
        arms = (arm,) if beside is None else (arm, beside)
        each = spec.trainings == "each"
        trained = trained.of_training(seed if each else 0)
        own = self.models.retrained(arm)
        elsewhere = self.models.retrained(control) if arm != control else {}
        walks = {
            refit_file(model): Retraining(served, min(REFIT_SHARE, spec.share))
            for model, served in own.items()
            if model not in elsewhere and not each
        }
        again = [
            name for n in arms for served in self.models.retrained(n).values() for name in served
        ]
        updates = self._updates(lucks=dict.fromkeys(sorted(again), seed) if each else {})
        refits = [[name, *each.told(trained, arm)] for name, each in walks.items()]
        told = [luck, arm, beside, spec.share, spec.headroom, refits]
        stage = self._world(name, told, arms, trained, updates)
        return OneArmWorld(
            *(self.config, stage, trained.catalogue.path, luck, trained, arm),
            beside=beside,
            share=spec.share,
            weighed=spec.headroom,
            retrained=walks,
            updates=updates,
        )

    def one_arm(
        self, name: str, luck: str, arm: int, trained: Trained, *, followed: bool = True
    ) -> OneArmWorld:
        """A world in which everybody is in one arm, followed in expectation for it alone."""
        updates = self._updates()
        stage = self._world(name, [luck, arm, followed], (arm,), trained, updates)
        made = self.config, stage, trained.catalogue.path, luck, trained, arm
        return OneArmWorld(*made, followed=followed, updates=updates)

    def _updates(
        self, *, split: bool = False, lucks: Mapping[str, int] | None = None
    ) -> ModelUpdates | None:
        """How models are trained anew in a world; arguments as of `ModelUpdates`."""
        spec = self.config.world.updates
        return ModelUpdates(spec, split, lucks or {}) if spec.every_days else None

    def _world(
        self,
        name: str,
        settings: Sequence[Any],
        arms: Sequence[int],
        trained: Trained,
        updates: ModelUpdates | None,
    ) -> Stage:
        """The stage of a world after the history, in which these arms serve."""
        config = self.config
        served = [config.arms[arm] for arm in arms]
        names = [n for n in config.channels if any(n in arm.channels for arm in served)]
        # The names of arms and channels are part of the log, so they are part of the key, too.
        logged = [[arm.name for arm in config.arms], list(config.channels)]
        common = [config.world, config.log, config.funnel, config.seed, logged]
        common += [updates] if updates is not None else []
        return self.maker.stage(
            name,
            [*common, *settings, served, [config.channels[n] for n in names]],
            inputs=[
                *(trained.catalogue.key, trained.history.key),
                *(trained.rankers[arm].key for arm in arms),
                *(trained.channels[n].key for n in names),
            ],
            task=live,
        )

    def live(self, name: str, jobs: Sequence[WorldJob]) -> None:
        """Live worlds side by side."""
        self.maker.side_by_side(name, jobs, "pages", [job.work for job in jobs])


def luck_of(seed: int) -> str:
    """Each pair of truth worlds has its own, apart from the experiment's.

    Were it the experiment's, the A/B estimate would err as the truth does, and cover it too often.
    """
    return f"truth.{seed}"
