"""The stages of a lab: one supervised model, its policies, and the worlds that they serve.

catalogue -> history -> sft -> channels -> ranker -> policies -> worlds
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cqsid.registry import generative
from cqsid.rewards.registry import judges_of
from experiments.config.reward_lab import SFT, PolicySpec
from experiments.config.schema import Config
from experiments.rewardlab.comparison.readings import WorldLogs
from experiments.rewardlab.lab import FRESH_DAYS, TEST_DAYS, Folders, learned_rows
from experiments.rewardlab.live import watching
from experiments.rewardlab.policies import PolicyJob, SftJob, ask_sft, run_policy
from experiments.running.heldout import test_rows, test_start
from experiments.running.models import LOG, Trained, training_luck
from experiments.running.pipeline import Pipeline, luck_of
from experiments.running.worlds import WorldJob
from experiments.stages.keys import data_digest
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage
from simulator.errors import ConfigError, ContractError
from simulator.log.history import load_history

Key = tuple[PolicySpec, int]
"""A policy and a training seed."""


def of_lab(config: Config) -> Config:
    """The config with the lab's arm and the control alone: no other arm is trained or lived."""
    wanted = (config.control, config.reward_lab.arm)
    arms = tuple(arm for arm in config.arms if arm.name in wanted)
    return config.model_copy(update={"arms": arms})


@dataclass(frozen=True)
class LabStages:
    """The finished stages of a lab.

    Attributes:
        catalogue, history: as everywhere.
        sft: the supervised model's answers to the test requests.
        policies: by policy and seed; without those of which a training failed.
        worlds: their logs.
        failed: why trainings failed, by policy.
    """

    catalogue: Stage
    history: Stage
    sft: Stage
    policies: Mapping[Key, Stage]
    worlds: WorldLogs
    failed: Mapping[PolicySpec, str]


class StageMaker:
    """Finds or makes the stages of a lab, of a config that `of_lab` cut down."""

    def __init__(self, config: Config, maker: Maker) -> None:
        self.config, self.maker, self.lab = config, maker, config.reward_lab
        self.pipeline = Pipeline(config, maker, self.lab.test_days)
        names = [arm.name for arm in config.arms]
        self.arm, self.control = names.index(self.lab.arm), names.index(config.control)

    def make(self) -> LabStages:
        """Find or make them all."""
        pipeline, lab = self.pipeline, self.lab
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        self._check_history(history)
        with self.maker.together("models", "models"):
            sft = pipeline.models.supervised(catalogue, history, lab.channel, lab.fresh_days)
            late, early = pipeline.models.channels(catalogue, history, {lab.channel: sft})
            rankers = pipeline.models.rankers(catalogue, history, late, early)
            judges = {
                name: pipeline.models.judges.fitted(catalogue, history, name)
                for name in judges_of(lab.rewards.values())
            }
        others = {n: late[n] for n in self.config.arms[self.arm].channels if n != lab.channel}
        first, ranker = [catalogue, history, sft], rankers[self.arm]
        paths, grading = (
            {name: stage.path for name, stage in stages.items()} for stages in (others, judges)
        )
        folders = Folders(catalogue.path, history.path, sft.path, paths, ranker.path, grading)
        asked = self._sft(folders, first)
        read = [*first, *others.values(), ranker, *judges.values()]
        policies, failed = self._policies(folders, read)
        worlds = self._worlds(Trained(catalogue, history, late, rankers), policies)
        return LabStages(catalogue, history, asked, policies, worlds, failed)

    def _check_history(self, history: Stage) -> None:
        """Refuse at once what trainings of minutes would refuse at their end."""
        log, lab = load_history(history.path / LOG), self.lab
        test_rows(log, lab.test_days, lab.test_requests, seed=0, place=TEST_DAYS)
        test_start(log, lab.test_days + lab.fresh_days, FRESH_DAYS)
        clicked = len(learned_rows(log, lab))
        if lab.alignment.held_out >= clicked:
            raise ConfigError(
                f"reward_lab.alignment.held_out == {lab.alignment.held_out}, must be < {clicked} "
                "(requests with a click to learn from)"
            )

    def _common(self) -> list[object]:
        """Settings that every training depends on."""
        config, lab = self.config, self.lab
        arm, spec = config.arms[self.arm], generative(config.channels)[lab.channel]
        return [
            *(training_luck(config), config.device, lab.channel, list(config.channels)),
            *(spec.learned(), spec.serving.shelves),
            *(arm.channels, arm.limits, arm.merge or config.funnel.merge),
            [config.channels[name] for name in arm.channels if name != lab.channel],
            *(lab.test_days, lab.fresh_days, lab.test_requests, lab.alignment.beam),
        ]

    def _inputs(self, stages: Sequence[Stage]) -> list[str]:
        data = self.config.channels[self.lab.channel].data()
        return [*(stage.key for stage in stages), *(data_digest(path) for path in data)]

    def _sft(self, folders: Folders, stages: Sequence[Stage]) -> Stage:
        stage = self.maker.stage(
            f"{SFT}-offline", self._common(), inputs=self._inputs(stages), task=ask_sft
        )
        job = SftJob(self.config, stage, folders, self.arm)
        self.maker.side_by_side(stage.name, [job], "models", 1)
        return stage

    def _policies(
        self, folders: Folders, stages: Sequence[Stage]
    ) -> tuple[dict[Key, Stage], dict[PolicySpec, str]]:
        """Every policy trained with every seed, the first seed of all of them first.

        Returns:
            The policies whose trainings all ended well, and why the others did not.

        Raises:
            ContractError: none did.
        """
        lab, jobs = self.lab, {}
        inputs = self._inputs(stages)
        for seed in range(lab.seeds):
            for policy in lab.grid:
                learned = lab.rewards[policy.reward], lab.algorithms[policy.algorithm], seed
                stage = self.maker.stage(
                    f"policy-{policy.name}-{seed}",
                    [*self._common(), lab.alignment, lab.oracle_noise, *learned],
                    inputs=inputs,
                    task=run_policy,
                )
                jobs[policy, seed] = PolicyJob(self.config, stage, folders, self.arm, policy, seed)
        missing = [job.stage for job in jobs.values() if not job.stage.finished]
        with watching(self.maker.progress, {stage.name: stage.workspace for stage in missing}):
            told = self.maker.side_by_side("policies", list(jobs.values()), "trainings", 1)
        failed = {
            key[0]: told[job.stage.path] for key, job in jobs.items() if job.stage.path in told
        }
        if len(failed) == len(lab.grid):
            raise ContractError("\n".join(dict.fromkeys(failed.values())))
        trained = {key: job.stage for key, job in jobs.items() if key[0] not in failed}
        return trained, failed

    def _worlds(self, trained: Trained, policies: Mapping[Key, Stage]) -> WorldLogs:
        """Worlds of equal luck: with the supervised model, with each policy, and the control's."""
        jobs: list[WorldJob] = []

        def logs(name: str, arm: int, served: Stage | None = None) -> list[Path]:
            channels = dict(trained.channels)
            if served is not None:
                channels[self.lab.channel] = served
            serving = replace(trained, channels=channels)
            own = [
                self.pipeline.one_arm(f"world-{name}-{luck}", luck_of(luck), arm, serving)
                for luck in range(self.lab.worlds)
            ]
            jobs.extend(own)
            return [job.stage.path / LOG for job in own]

        base = logs(SFT, self.arm)
        control = logs("control", self.control) if self.control != self.arm else []
        by_name: dict[str, list[list[Path]]] = {}
        for (policy, seed), stage in policies.items():
            own = logs(f"{policy.name}-{seed}", self.arm, stage)
            by_name.setdefault(policy.name, []).append(own)
        if jobs:
            self.pipeline.live("worlds", jobs)
        return WorldLogs(base, control, by_name if jobs else {})
