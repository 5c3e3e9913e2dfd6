"""The stages of models: channels and rankers, as they serve and as they are trained again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from experiments.config.analysis import RANKER
from experiments.config.schema import Config
from experiments.running.channels import ChannelJob, fit_channel
from experiments.running.models import Models, Trained, luck_of_training, training_luck
from experiments.running.parts.composedstages import ComposedStages
from experiments.running.parts.fillstages import FillStages
from experiments.running.parts.judgestages import JudgeStages
from experiments.running.parts.stages import StepStages
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
    settle_ranker,
    sharing,
)
from experiments.stages.keys import data_digest
from experiments.stages.maker import Job, Maker
from experiments.stages.stage import Stage
from ranking.rankers.settings import RankerSpec
from recall.composed.references import with_parts

SFT = "sft"
"""Name of the stage of a generative channel that is yet to be aligned."""


class ModelStages:
    """The models of one run; each method finds or makes some and returns their stages.

    Args:
        unseen_days: last days of the history that no channel, no ranker and no judge learns from.

    Attributes:
        fills, judges, steps, composed: the stages of catalogue steps, judges, steps, and channels
            made of others.
    """

    def __init__(self, config: Config, maker: Maker, unseen_days: int = 0) -> None:
        self.config = config
        self.maker = maker
        self.unseen_days = unseen_days
        self.fills = FillStages(config, maker, unseen_days)
        self.judges = JudgeStages(config, maker, self.fills, unseen_days)
        self.steps = StepStages(config, maker, self.judges, unseen_days)
        self.composed = ComposedStages(config, maker, self.judges, self.steps)

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
        composed = {
            name
            for name, spec in config.channels.items()
            if any(not each.learns for each in spec.references())
        }
        dense = {name for name in [dense_name(config)] if name is not None}
        learned_with = dense.union(*(replayed(config, arms) for arms in sharing(config)))
        learned_with |= {  # suggesters are tried on what they have not learned from
            each.name
            for suggester in config.suggesters.values()
            for each in suggester.references()
            if "channels" in each.kinds
        }
        jobs: dict[Path, ChannelJob] = {}
        early: dict[str, Stage] = {}
        wanted = {
            False: with_parts(config.channels, sorted(used | dense), config.steps),
            True: with_parts(config.channels, sorted(learned_with), config.steps),
        }
        for name in with_parts(config.channels, config.channels, config.steps):
            for stages in (late, early):
                is_early = stages is early
                if name in stages or name not in wanted[is_early] or name in composed:
                    continue
                days = self.unseen_days if is_early else self._unseen(name)
                job = self._channel(
                    *(catalogue, history, name),
                    early=is_early,
                    unseen_days=days,
                    channels=stages,
                )
                stages[name] = job.stage
                jobs.setdefault(job.stage.path, job)
        self._train("channels", list(jobs.values()))

        def ranker() -> Stage:
            """The common one, for a channel that asks it; it learns nothing of channels then."""
            number = next(n for n, arm in enumerate(config.arms) if arm.ranker is None)
            return self.rankers(catalogue, history, late, early)[number]

        for is_early, stages in ((False, late), (True, early)):
            for name in (each for each in wanted[is_early] if each in composed):
                stages[name] = self.composed.made(
                    *(catalogue, history, name, stages, ranker), early=is_early
                )
        return late, early

    def supervised(self, catalogue: Stage, history: Stage, name: str, fresh_days: int) -> Stage:
        """A generative channel that has not learned from `fresh_days` more of the last days."""
        days = self.unseen_days + fresh_days
        job = self._channel(catalogue, history, name, early=False, unseen_days=days, called=SFT)
        self._train(job.stage.name, [job])
        return job.stage

    def launched(self, catalogue: Stage, before: Stage) -> dict[str, Stage]:
        """The new channels as they are launched, by name.

        Args:
            catalogue: of the run.
            before: the history up to the ramp, which they learn from.
        """
        jobs = {
            name: self._channel(
                *(catalogue, before, name),
                early=False,
                unseen_days=0,
                called=f"channel-{taught_as(self.config, name)}-launched",
            )
            for name in self.config.new_channels
        }
        self._train("launch", list({job.stage.path: job for job in jobs.values()}.values()))
        return {name: job.stage for name, job in jobs.items()}

    def _unseen(self, name: str) -> int:
        """Last days of the history that a channel does not learn from as it serves."""
        ramp = self.config.world.ramp
        launched = name in self.config.new_channels and not ramp.retrain
        return max(self.unseen_days, ramp.days) if launched else self.unseen_days

    def _channel(
        self,
        catalogue: Stage,
        history: Stage,
        name: str,
        *,
        early: bool,
        unseen_days: int,
        called: str | None = None,
        training: int = 0,
        channels: Mapping[str, Stage] = MappingProxyType({}),
    ) -> ChannelJob:
        """The job of a channel.

        Args:
            channels: stages of others, by name, for augmentations that ask them.
        """
        config, spec, taught = self.config, self.config.channels[name], taught_as(self.config, name)
        again = f"-{training}" if training else ""
        called = called or f"channel-{taught}{again}" + "-early" * early
        luck = luck_of_training(config.channels, taught)
        read = self.fills.read(catalogue, history, spec.understanding)
        settings = [
            *(spec.learned(), config.device, training_luck(config, training)),
            config.examples if early else None,
            *([luck] if luck != taught else []),
        ]
        names = [each.name for each in spec.references() if "augmentations" in each.kinds]
        asked = catalogue, history, "augmentations"
        made = [self.steps.fitted(*asked, each, channels, early=early) for each in names]
        stage = self.maker.stage(
            called,
            [*settings, *([unseen_days] if unseen_days else [])],
            inputs=[
                *(read.key, history.key),
                *(data_digest(path) for path in spec.data()),
                *(each.key for each in made),
            ],
            task=fit_channel,
        )
        paths, folders = (read.path, history.path), tuple(each.path for each in made)
        return ChannelJob(config, stage, *paths, taught, early, unseen_days, training, folders)

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
        """The models of the worlds: those that serve, and those the truth compares them with."""
        arms = range(len(self.config.arms))
        retrained = {name for arm in arms for name in self.retrained(arm)}
        spec = self.config.truth
        wanted = spec.seeds if spec.trainings == "each" else 2
        count = wanted if retrained else 1
        fits = count if RANKER in retrained else 1
        rankers = self.refits(catalogue, history, channels, early, fits)
        again: list[dict[str, Stage]] = [{} for _ in range(1, count)]
        jobs: dict[Path, ChannelJob] = {}
        for training, stages in enumerate(again, start=1):
            for name in self.config.channels:
                if taught_as(self.config, name) in retrained:
                    job = self._channel(
                        *(catalogue, history, name),
                        early=False,
                        unseen_days=self._unseen(name),
                        training=training,
                        channels=channels,
                    )
                    jobs.setdefault(job.stage.path, job)
                    stages[name] = job.stage
        if jobs:
            self._train("channels again", list(jobs.values()))
        refits = [
            Models(stages, rankers[number] if number < len(rankers) else rankers[0])
            for number, stages in enumerate(again, start=1)
        ]
        filled = {
            spec.understanding: self.fills.read(catalogue, history, spec.understanding)
            for spec in self.config.channels.values()
        }
        return Trained(catalogue, history, channels, rankers[0], refits, filled)

    def retrained(self, arm: int) -> dict[str, tuple[str, ...]]:
        """What an arm has of the models that the truth trains again: "ranker", and channels.

        A ranker that learns nothing is not among them.

        Returns:
            By the name under which a model is trained, what serves with it: channels may share one.
        """
        config, spec = self.config, self.config.truth
        if not spec.seeds or spec.method == "realised":
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for name in spec.retrained:
            if name != RANKER:
                taught = taught_as(config, name)
                has = [n for n in config.arms[arm].channels if taught_as(config, n) == taught]
                if has:
                    found[taught] = tuple(has)
            elif ranker_of(config, sharing(config)[arm]).type != "merge_order":
                found[RANKER] = (RANKER,)
        return found

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
        for training in range(count):
            stages = []
            for arms, examples in zip(sharing(config), taught, strict=True):
                spec, luck = ranker_of(config, arms), training_luck(config, training)
                inputs = [*(early[n] for n in dense), *(channels[n] for n in dense)]
                judged = self._judge_of(catalogue, history, spec)
                inputs += judged
                told = [spec, config.examples, self.unseen_days, scorers]
                told += [config.judges[spec.judge]] if judged else []
                keys = [stage.key for stage in (catalogue, history, *examples, *inputs)]
                name = f"ranker-{training}" if training else "ranker"
                stage = self.maker.stage(name, [*told, luck], inputs=keys, task=fit_ranker)
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
                    training,
                    (judged[0].path, judged[1].path) if judged else None,
                )
                if count > 1 and examples and spec.settles:
                    settling = [*told, training_luck(config)]
                    common = self.maker.stage(
                        "ranker-settled", settling, inputs=keys, task=settle_ranker
                    )
                    if not stage.finished:
                        jobs.setdefault(common.path, replace(job, stage=common, training=0))
                    job = replace(job, settled=common.path)
                jobs.setdefault(stage.path, job)
                stages.append(stage)
            fits.append(stages)
        self._train("rankers", list(jobs.values()))
        return fits

    def _judge_of(self, catalogue: Stage, history: Stage, spec: RankerSpec) -> list[Stage]:
        """The judge that a ranker reads, as it learns with it and as it serves; none: []."""
        if not spec.judge:
            return []
        return [
            self.judges.fitted(catalogue, history, spec.judge, early=early)
            for early in (True, False)
        ]

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
                [config.examples, training_luck(config), self.unseen_days, told if used else []],
                inputs=[catalogue.key, history.key, *(early[name].key for name in used)],
                task=make_examples,
            )
            paths = {name: early[name].path for name in used}
            jobs[stage.path] = ExamplesJob(
                config, stage, catalogue.path, history.path, arms, paths, self.unseen_days
            )
            taught.append([stage])
        self._train("examples", list(jobs.values()), "replays")
        return taught

    def _train(self, name: str, jobs: Sequence[Job], unit: str = "models") -> None:
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
