"""The stages of a run, from catalogue to worlds: what each is made of, and its key.

    catalogue -> history -> channels -> rankers -> worlds (experiment, truth)

Every stage is a folder in the run's store under a key that says all it depends on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.config.schema import Config, FileCatalog
from experiments.designs.design import Design
from experiments.designs.shopper import ShopperSplit
from experiments.records.files import read_json
from experiments.records.metrics import Retrieval
from experiments.running.channels import ChannelJob, fit_channel
from experiments.running.grades import RETRIEVAL, GradesJob, grade_channels
from experiments.running.models import LOG
from experiments.running.population import CatalogueJob, make_catalogue
from experiments.running.rankers import (
    ExamplesJob,
    RankerJob,
    dense_name,
    distinct_funnels,
    fit_ranker,
    funnel_of,
    make_examples,
    ranker_of,
    replayed,
    sharing,
)
from experiments.running.worlds import (
    REQUESTS_PER_VISIT,
    ExperimentWorld,
    HistoryWorld,
    OneArmWorld,
    Trained,
    WorldJob,
    live,
)
from experiments.stages.keys import data_digest
from experiments.stages.maker import Job, Maker
from experiments.stages.stage import Stage
from recall.classic.bootstrap import BOOTSTRAP_CHANNELS
from simulator.randomness import Draws

SFT = "sft"
"""Name of the stage of a generative channel that is yet to be aligned."""

_EXPERIMENT_LUCK = "experiment"
REFIT_SHARE = 0.25
"""Share of the shoppers with whom another training of control's ranker is compared."""


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
            task=make_catalogue,
        )
        self.maker.here(CatalogueJob(config, stage), unit="items")
        return stage

    def history(self, catalogue: Stage) -> Stage:
        """The log that a company would have; it does not depend on the experiment's length."""
        config = self.config
        world = {name: value for name, value in config.world if name != "days"}
        stage = self.maker.stage(
            "history",
            [world, config.log, config.funnel, config.seed, dict(BOOTSTRAP_CHANNELS)],
            inputs=[catalogue.key],
            task=live,
        )
        job = HistoryWorld(config, stage, catalogue.path, "history")
        self.live("history", [job], config.world.history_days)
        return stage

    def channels(
        self, catalogue: Stage, history: Stage, instead: Mapping[str, Stage] | None = None
    ) -> tuple[dict[str, Stage], dict[str, Stage]]:
        """The channels that any arm uses as they serve, and those rankers learn with, of earlier.

        Args:
            catalogue, history: what they learn from.
            instead: stages that serve in the place of channels, by name.
        """
        config, late = self.config, dict(instead or {})
        used = {name for arm in config.arms for name in arm.channels}
        dense = {name for name in [dense_name(config)] if name is not None}
        learned_with = dense.union(*(replayed(config, arms) for arms in sharing(config)))
        jobs: dict[Path, ChannelJob] = {}
        early: dict[str, Stage] = {}
        for name in config.channels:
            for stages in (late, early):
                wanted = name in (learned_with if stages is early else used | dense)
                if name in stages or not wanted:
                    continue
                days = self.unseen_days
                job = self._channel(
                    catalogue, history, name, early=stages is early, unseen_days=days
                )
                stages[name] = job.stage
                jobs.setdefault(job.stage.path, job)
        self.train("channels", list(jobs.values()))
        return late, early

    def supervised(self, catalogue: Stage, history: Stage, name: str, fresh_days: int) -> Stage:
        """A generative channel that has not learned from `fresh_days` more of the last days."""
        days = self.unseen_days + fresh_days
        job = self._channel(catalogue, history, name, early=False, unseen_days=days, called=SFT)
        self.train(job.stage.name, [job])
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
            task=fit_channel,
        )
        paths = (catalogue.path, history.path)
        return ChannelJob(config, stage, *paths, taught, early, unseen_days)

    def rankers(
        self,
        catalogue: Stage,
        history: Stage,
        channels: Mapping[str, Stage],
        early: Mapping[str, Stage],
    ) -> list[Stage]:
        """The ranker of each arm, in the order of the arms; which share one, `sharing` tells."""
        return self.refits(catalogue, history, channels, early, 1)[0]

    def trained(
        self,
        catalogue: Stage,
        history: Stage,
        channels: Mapping[str, Stage],
        early: Mapping[str, Stage],
    ) -> Trained:
        """The models of the worlds: rankers that serve, and those the truth compares them with."""
        config = self.config
        learns = any(ranker_of(config, arms).type != "merge_order" for arms in sharing(config))
        wanted = max(config.truth.trainings, 1 + config.truth.refit)
        count = wanted if learns and config.truth.seeds else 1
        fits = self.refits(catalogue, history, channels, early, count)
        return Trained(catalogue, history, channels, fits[0], fits[1:])

    def refits(
        self,
        catalogue: Stage,
        history: Stage,
        channels: Mapping[str, Stage],
        early: Mapping[str, Stage],
        count: int,
    ) -> list[list[Stage]]:
        """The rankers of `rankers`, fitted so many times: the same examples, other training luck.

        Returns:
            `count` lists of a ranker for each arm; the first are those that serve.
        """
        config, taught = self.config, self._examples(catalogue, history, early)
        dense = [name for name in [dense_name(config)] if name is not None]
        scorers = [config.channels[name] for name in dense]
        jobs: dict[Path, RankerJob] = {}
        fits: list[list[Stage]] = []
        for refit in range(count):
            stages = []
            for arms, examples in zip(sharing(config), taught, strict=True):
                spec = ranker_of(config, arms)
                inputs = [*(early[n] for n in dense), *(channels[n] for n in dense)]
                stage = self.maker.stage(
                    f"ranker-{refit}" if refit else "ranker",
                    [spec, config.examples, config.seed, self.unseen_days, refit, scorers],
                    inputs=[stage.key for stage in (catalogue, history, *examples, *inputs)],
                    task=fit_ranker,
                )
                job = RankerJob(
                    config,
                    stage,
                    catalogue.path,
                    history.path,
                    next((stage.path for stage in examples), None),
                    arms,
                    {name: early[name].path for name in dense},
                    {name: channels[name].path for name in dense},
                    self.unseen_days,
                    refit,
                )
                jobs.setdefault(stage.path, job)
                stages.append(stage)
            fits.append(stages)
        self.train("rankers", list(jobs.values()))
        return fits

    def _examples(
        self, catalogue: Stage, history: Stage, early: Mapping[str, Stage]
    ) -> list[list[Stage]]:
        """Of each arm, what its ranker learns from: one stage, or none where it learns nothing."""
        config, jobs = self.config, {}
        taught: list[list[Stage]] = []
        for arms in sharing(config):
            if ranker_of(config, arms).type == "merge_order":
                taught.append([])
                continue
            used = replayed(config, arms)
            funnels = [funnel_of(config, arm) for arm in distinct_funnels(config, arms)]
            told = [list(config.channels), funnels, [config.channels[n] for n in used]]
            stage = self.maker.stage(
                "examples",
                [config.examples, config.seed, self.unseen_days, told if used else []],
                inputs=[catalogue.key, history.key, *(early[name].key for name in used)],
                task=make_examples,
            )
            paths = {name: early[name].path for name in used}
            jobs[stage.path] = ExamplesJob(
                config, stage, catalogue.path, history.path, arms, paths, self.unseen_days
            )
            taught.append([stage])
        self.train("examples", list(jobs.values()), "replays")
        return taught

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
        self.live("worlds", jobs, config.world.days)
        return Worlds(
            experiment.stage.path / LOG,
            {name: [world.stage.path / LOG for world in worlds] for name, worlds in truth.items()},
        )

    def experiment(self, trained: Trained) -> ExperimentWorld:
        """The world in which the shoppers are split over the arms."""
        luck, design = _EXPERIMENT_LUCK, self._design()
        arms = range(len(self.config.arms))
        stage = self._world("experiment", [luck, design], arms, trained)
        return ExperimentWorld(self.config, stage, trained.catalogue.path, luck, trained, design)

    def truth_world(self, arm: int, seed: int, trained: Trained) -> OneArmWorld:
        """A world of the truth, everybody in one arm; worlds of equal seed are paired.

        In that of a treatment the pages of control are followed, too, so that it can be told what
        other pages bring and what the state that they lead to.
        """
        names = [each.name for each in self.config.arms]
        control = names.index(self.config.control)
        name, luck, spec = f"truth-{names[arm]}-{seed}", luck_of(seed), self.config.truth
        if spec.method == "realised":
            return self.one_arm(name, luck, arm, trained, followed=False)
        several = spec.trainings > 1
        beside = control if arm != control else None
        followed = trained.refits if several or arm == control else ()
        share = 1.0 if several else REFIT_SHARE
        arms = (arm,) if beside is None else (arm, beside)
        refits = [rankers[arm].key for rankers in followed]
        stage = self._world(name, [luck, arm, beside, spec.headroom, refits, share], arms, trained)
        return OneArmWorld(
            *(self.config, stage, trained.catalogue.path, luck, trained, arm),
            beside=beside,
            weighed=spec.headroom,
            refits=len(followed),
            refit_share=share,
        )

    def one_arm(
        self, name: str, luck: str, arm: int, trained: Trained, *, followed: bool = True
    ) -> OneArmWorld:
        """A world in which everybody is in one arm, followed in expectation for it alone."""
        stage = self._world(name, [luck, arm, followed], (arm,), trained)
        return OneArmWorld(
            *(self.config, stage, trained.catalogue.path, luck, trained, arm), followed=followed
        )

    def _world(
        self, name: str, settings: Sequence[Any], arms: Sequence[int], trained: Trained
    ) -> Stage:
        """The stage of a world after the history, in which these arms serve."""
        config = self.config
        served = [config.arms[arm] for arm in arms]
        names = [n for n in config.channels if any(n in arm.channels for arm in served)]
        # The names of arms and channels are part of the log, so they are part of the key, too.
        logged = [[arm.name for arm in config.arms], list(config.channels)]
        common = [config.world, config.log, config.funnel, config.seed, logged]
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

    def _design(self) -> Design:
        """Who sees which arm in the experiment."""
        shares = tuple(arm.share for arm in self.config.arms)
        return ShopperSplit(shares, salt="experiment", draws=Draws(self.config.seed))

    def live(self, name: str, jobs: Sequence[WorldJob], days: int) -> None:
        """Live worlds of so many days, side by side."""
        visits = self.config.shoppers.count * self.config.shoppers.visits_per_week / 7 * days
        self.maker.side_by_side(name, jobs, "requests", round(visits * REQUESTS_PER_VISIT))

    def train(self, name: str, jobs: Sequence[Job], unit: str = "models") -> None:
        """Train models side by side, each a stage of its own."""
        self.maker.side_by_side(name, jobs, unit, 1)


def taught_as(config: Config, name: str) -> str:
    """The channel whose training this one shares: the first that learns by the same settings.

    So arms can serve one trained generator with different beams. Other channels train alone.
    """
    spec = config.channels[name]
    if not spec.shares_training:
        return name
    same = (other for other, its in config.channels.items() if its.learned() == spec.learned())
    return next(same)


def luck_of(seed: int) -> str:
    """Each pair of truth worlds has its own, apart from the experiment's.

    Were it the experiment's, the A/B estimate would err as the truth does, and cover it too often.
    """
    return f"truth.{seed}"
