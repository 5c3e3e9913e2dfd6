"""The stages of models: channels and rankers, as they serve and as they are trained again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.config.analysis import RANKER
from experiments.config.schema import Config
from experiments.running.channels import ChannelJob, fit_channel
from experiments.running.filling import FillJob, fill_catalogue
from experiments.running.models import Models, Trained, training_luck
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
from experiments.stages.keys import data_digest
from experiments.stages.maker import Job, Maker
from experiments.stages.stage import Stage

SFT = "sft"
"""Name of the stage of a generative channel that is yet to be aligned."""


class ModelStages:
    """The models of one run; each method finds or makes some and returns their stages.

    Args:
        unseen_days: last days of the history that no channel and no ranker learns from.
    """

    def __init__(self, config: Config, maker: Maker, unseen_days: int = 0) -> None:
        self.config = config
        self.maker = maker
        self.unseen_days = unseen_days
        self._filled: dict[tuple[str, str, str], Stage] = {}

    def filled(self, catalogue: Stage, history: Stage, step: str) -> Stage:
        """The stage whose catalogue is read: that of a catalogue step, or the public one.

        Args:
            catalogue, history: what the step learns from.
            step: its name; "": none.
        """
        if not step:
            return catalogue
        known = step, catalogue.key, history.key
        if known not in self._filled:
            config = self.config
            stage = self.maker.stage(
                f"understanding-{step}",
                [
                    *(config.understanding[step], config.examples, training_luck(config)),
                    *([self.unseen_days] if self.unseen_days else []),
                ],
                inputs=[catalogue.key, history.key],
                task=fill_catalogue,
            )
            paths = catalogue.path, history.path
            self._train(stage.name, [FillJob(config, stage, step, *paths, self.unseen_days)])
            self._filled[known] = stage
        return self._filled[known]

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
                is_early = stages is early
                days = self.unseen_days if is_early else self._unseen(name)
                job = self._channel(catalogue, history, name, early=is_early, unseen_days=days)
                stages[name] = job.stage
                jobs.setdefault(job.stage.path, job)
        self._train("channels", list(jobs.values()))
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
    ) -> ChannelJob:
        config, spec, taught = self.config, self.config.channels[name], taught_as(self.config, name)
        again = f"-{training}" if training else ""
        called = called or f"channel-{taught}{again}" + "-early" * early
        read = self.filled(catalogue, history, spec.understanding)
        settings = [
            *(spec.learned(), config.device, training_luck(config, training)),
            config.examples if early else None,
        ]
        stage = self.maker.stage(
            called,
            [*settings, *([unseen_days] if unseen_days else [])],
            inputs=[
                *(read.key, history.key),
                *(data_digest(path) for path in spec.data()),
            ],
            task=fit_channel,
        )
        paths = (read.path, history.path)
        return ChannelJob(config, stage, *paths, taught, early, unseen_days, training)

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
            spec.understanding: self.filled(catalogue, history, spec.understanding)
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
                stage = self.maker.stage(
                    f"ranker-{training}" if training else "ranker",
                    [spec, config.examples, luck, self.unseen_days, scorers],
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
                    training,
                )
                jobs.setdefault(stage.path, job)
                stages.append(stage)
            fits.append(stages)
        self._train("rankers", list(jobs.values()))
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
