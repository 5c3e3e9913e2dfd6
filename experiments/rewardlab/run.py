"""The reward lab: every policy trained from one supervised model, judged offline and in worlds.

catalogue -> history -> sft -> channels -> ranker -> policies -> worlds -> rewards.json
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from cqsid.rewards.registry import RewardMix
from cqsid.settings import CqsidSpec
from experiments.build import load_saved
from experiments.config import resolved_toml
from experiments.guard import check_same_settings
from experiments.heldout import test_rows, test_start
from experiments.keys import data_digest
from experiments.maker import Maker
from experiments.manifest import bench_manifest
from experiments.pipeline import Pipeline, luck_of
from experiments.plugins import (
    channel_code,
    channel_data,
    check_plug_ins,
    check_rewards,
    plug_in_modules,
)
from experiments.progress import Progress
from experiments.rewardlab.lab import FRESH_DAYS, TEST_DAYS, Folders, asks_oracle, learned_rows
from experiments.rewardlab.live import watching
from experiments.rewardlab.policies import (
    OFFLINE,
    POLICY,
    Policy,
    PolicyJob,
    SftJob,
    ask_sft,
    run_policy,
)
from experiments.rewardlab.readings import OfflineReading, WatchReading, WorldLogs
from experiments.rewardlab.record import Course, PolicyRow, RewardsRecord, write_record
from experiments.rewardlab.report import write_report
from experiments.rewardlab.results import make_record
from experiments.rewardlab.roles import control_kind, experts_of, matched_weight_of
from experiments.rewardlab.settings import SFT, PolicySpec
from experiments.schema import Config
from experiments.store import CONFIG, MANIFEST, RunFolder, Stage
from experiments.worlds import LOG, WorldJob
from simulator.errors import ConfigError
from simulator.history import load_history

RECORD = "rewards.json"
_CODE = (
    *("simulator", "recall", "ranking", "experiments.build", "experiments.heldout"),
    *(f"experiments.rewardlab.{name}" for name in ("lab", "oracle", "policies", "served", "shop")),
)

Key = tuple[PolicySpec, int]
"""A policy and a training seed."""


def bench_rewards(
    config: Config, folder: Path, *, progress: Progress, command: str, overwrite: bool = False
) -> Path:
    """Compare rewards and ways of learning from them; returns the path of the report.

    Args:
        config: a config with rewards and algorithms under `reward_lab`.
        folder: the run folder; finished stages in it are reused, unfinished trainings go on.
        command: what the manifest names as the way to reproduce it.
        overwrite: replace the results of a finished run with other settings.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
    """
    if not config.reward_lab.grid:
        raise ConfigError("reward_lab.rewards x algorithms == none, must have one of each at least")
    check_plug_ins(config)
    check_rewards(config)
    with RunFolder(folder) as run:
        if not overwrite:
            check_same_settings(folder, resolved_toml(config))
        maker = Maker(run, config.execution, progress)
        made = _Run(of_lab(config), maker).make()
        with progress.stage("compare"):
            record = _record(config, made)
        run.remove(MANIFEST)
        run.write_text(CONFIG, resolved_toml(config))
        write_record(folder / RECORD, record)
        run.write_json(MANIFEST, bench_manifest(config, command, made.catalogue, maker.records))
        with progress.stage("report"):
            return write_report(folder)


def of_lab(config: Config) -> Config:
    """The config with the lab's arm and the control alone: no other arm is trained or lived."""
    wanted = (config.control, config.reward_lab.arm)
    arms = tuple(arm for arm in config.arms if arm.name in wanted)
    return config.model_copy(update={"arms": arms})


@dataclass(frozen=True)
class _Made:
    """The finished stages of a lab.

    Attributes:
        catalogue, history: as everywhere.
        sft: the supervised model's answers to the test requests.
        policies: by policy and seed.
        worlds: their logs.
    """

    catalogue: Stage
    history: Stage
    sft: Stage
    policies: Mapping[Key, Stage]
    worlds: WorldLogs


class _Run:
    """The stages of a lab."""

    def __init__(self, config: Config, maker: Maker) -> None:
        self.config, self.maker, self.lab = config, maker, config.reward_lab
        self.pipeline = Pipeline(config, maker, self.lab.test_days)
        names = [arm.name for arm in config.arms]
        self.arm, self.control = names.index(self.lab.arm), names.index(config.control)

    def make(self) -> _Made:
        """Find or make them all."""
        pipeline, lab = self.pipeline, self.lab
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        self._check_history(history)
        sft = pipeline.supervised(catalogue, history, lab.channel, lab.fresh_days)
        late, early = pipeline.channels(catalogue, history, {lab.channel: sft})
        rankers = pipeline.rankers(catalogue, history, late, early)
        others = {n: late[n] for n in self.config.arms[self.arm].channels if n != lab.channel}
        folders = Folders(
            catalogue.path,
            history.path,
            sft.path,
            {name: stage.path for name, stage in others.items()},
            rankers[self.arm].path,
        )
        first = [catalogue, history, sft]
        asked = self._sft(folders, first)
        policies = self._policies(folders, [*first, *others.values(), rankers[self.arm]])
        worlds = self._worlds(catalogue, history, late, rankers, policies)
        return _Made(catalogue, history, asked, policies, worlds)

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
        arm, spec = config.arms[self.arm], config.channels[lab.channel]
        assert isinstance(spec, CqsidSpec)
        return [
            *(config.seed, config.device, lab.channel, list(config.channels)),
            *(spec.learned(), spec.serving.shelves),
            *(arm.channels, arm.limits, arm.merge or config.funnel.merge),
            [config.channels[name] for name in arm.channels if name != lab.channel],
            *(lab.test_days, lab.fresh_days, lab.test_requests, lab.alignment.beam),
        ]

    def _code(self, mix: RewardMix | None = None) -> list[str]:
        """Packages and modules that decide what a training leaves."""
        names = self.config.arms[self.arm].channels
        code = [*_CODE, *(part for n in names for part in channel_code(self.config.channels[n]))]
        components = mix.components if mix is not None else ()
        return code + [module for each in components for module in plug_in_modules(each)]

    def _inputs(self, stages: Sequence[Stage]) -> list[str]:
        data = channel_data(self.config.channels[self.lab.channel])
        return [*(stage.key for stage in stages), *(data_digest(path) for path in data)]

    def _sft(self, folders: Folders, stages: Sequence[Stage]) -> Stage:
        stage = self.maker.stage(
            f"{SFT}-offline", self._common(), inputs=self._inputs(stages), code=self._code()
        )
        job = SftJob(self.config, stage, folders, self.arm)
        self.maker.side_by_side(stage.name, ask_sft, [job], "models", 1)
        return stage

    def _policies(self, folders: Folders, stages: Sequence[Stage]) -> dict[Key, Stage]:
        """Every policy trained with every seed, the first seed of all of them first."""
        jobs: dict[Key, PolicyJob] = {}
        for seed in range(self.lab.seeds):
            for policy in self.lab.grid:
                stage = self._policy_stage(policy, seed, stages)
                jobs[policy, seed] = PolicyJob(self.config, stage, folders, self.arm, policy, seed)
        missing = [job.stage for job in jobs.values() if not job.stage.finished]
        with watching(self.maker.progress, {stage.name: stage.workspace for stage in missing}):
            self.pipeline.train("policies", run_policy, list(jobs.values()), "trainings")
        return {key: job.stage for key, job in jobs.items()}

    def _policy_stage(self, policy: PolicySpec, seed: int, stages: Sequence[Stage]) -> Stage:
        lab = self.lab
        mix, algorithm = lab.rewards[policy.reward], lab.algorithms[policy.algorithm]
        return self.maker.stage(
            f"policy-{policy.name}-{seed}",
            [*self._common(), lab.alignment, lab.oracle_noise, mix, algorithm, seed],
            inputs=self._inputs(stages),
            code=self._code(mix),
        )

    def _worlds(
        self,
        catalogue: Stage,
        history: Stage,
        late: Mapping[str, Stage],
        rankers: Sequence[Stage],
        policies: Mapping[Key, Stage],
    ) -> WorldLogs:
        """Worlds of equal luck: with the supervised model, with each policy, and the control's."""

        def world(name: str, luck: int, arm: int, served: Stage | None = None) -> WorldJob:
            channels = late if served is None else {**late, self.lab.channel: served}
            names = (f"world-{name}-{luck}", luck_of(luck), arm)
            return self.pipeline.world(*names, catalogue, history, channels, rankers)

        lucks = range(self.lab.worlds)
        base = [world(SFT, luck, self.arm) for luck in lucks]
        apart = self.control != self.arm
        control = [world("control", luck, self.control) for luck in lucks if apart]
        lived = {
            (policy, seed): [
                world(f"{policy.name}-{seed}", luck, self.arm, stage) for luck in lucks
            ]
            for (policy, seed), stage in policies.items()
        }
        jobs = [*base, *control, *(job for jobs in lived.values() for job in jobs)]
        if jobs:
            self.pipeline.live("worlds", jobs, self.config.world.days)

        def logs(jobs: Sequence[WorldJob]) -> list[Path]:
            return [job.stage.path / LOG for job in jobs]

        by_name = {
            policy.name: [logs(lived[policy, seed]) for seed in range(self.lab.seeds)]
            for policy in self.lab.grid
        }
        return WorldLogs(logs(base), logs(control), by_name if jobs else {})


def _record(config: Config, made: _Made) -> RewardsRecord:
    """From the stages to the record."""
    lab, log = config.reward_lab, load_history(made.history.path / LOG)
    rows = test_rows(log, lab.test_days, lab.test_requests, seed=config.seed, place=TEST_DAYS)
    found: dict[Key, Policy] = {
        key: load_saved(stage.path / POLICY) for key, stage in made.policies.items()
    }
    offline = [OfflineReading(SFT, 0, load_saved(made.sft.path / OFFLINE))]
    offline += [OfflineReading(one.name, seed, each.offline) for (one, seed), each in found.items()]
    return make_record(
        config,
        [_sft_row(), *(_policy_row(config, policy, found) for policy in lab.grid)],
        offline,
        log.shopper_R[rows],
        [_watched(policy.name, seed, each) for (policy, seed), each in found.items()],
        [
            Course(policy.name, seed, each.report.steps, each.report.evaluations)
            for (policy, seed), each in found.items()
        ],
        made.worlds,
        items=made.catalogue.record().rows["items"],
    )


def _watched(name: str, seed: int, found: Policy) -> WatchReading:
    steps = tuple(evaluation.step for evaluation in found.report.evaluations)
    return WatchReading(name, seed, steps, found.reward_EV, found.oracle_EV, found.shopper_V)


def _sft_row() -> PolicyRow:
    return PolicyRow(
        name=SFT,
        reward="",
        algorithm="",
        seeds=1,
        oracle=False,
        ended=(),
        kept=(),
        seconds=None,
        control="",
        weight=None,
        matched=None,
        experts="",
    )


def _policy_row(config: Config, policy: PolicySpec, found: Mapping[Key, Policy]) -> PolicyRow:
    lab = config.reward_lab
    algorithm = lab.algorithms[policy.algorithm]
    reports = [found[policy, seed].report for seed in range(lab.seeds)]
    return PolicyRow(
        name=policy.name,
        reward=policy.reward,
        algorithm=policy.algorithm,
        seeds=lab.seeds,
        oracle=asks_oracle(lab.rewards[policy.reward], algorithm),
        ended=tuple(report.ended for report in reports),
        kept=tuple(report.kept for report in reports),
        seconds=fmean(report.seconds for report in reports),
        control=control_kind(algorithm),
        weight=algorithm.sft_weight,
        matched=matched_weight_of(algorithm),
        experts=experts_of(algorithm),
    )
