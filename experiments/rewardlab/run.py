"""The reward lab: every policy trained from one supervised model, judged offline and in worlds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from cqsid.alignment.settings import LOGGERS
from cqsid.loggers.named import check_loggers
from cqsid.rewards.registry import judges_of
from experiments.config.estimate import plan_rewards
from experiments.config.reward_lab import SFT, PolicySpec
from experiments.config.schema import Config
from experiments.records.manifest import BenchManifest
from experiments.records.rewards import Course, PolicyRow, RewardsRecord
from experiments.report.kit.failed import told_failed
from experiments.report.rewards.page import write_report
from experiments.rewardlab.comparison.readings import OfflineReading, WatchReading
from experiments.rewardlab.comparison.results import make_record
from experiments.rewardlab.comparison.roles import control_kind, experts_of, matched_weight_of
from experiments.rewardlab.lab import TEST_DAYS, Folders, Lab, asks_oracle
from experiments.rewardlab.policies import OFFLINE, POLICY, Policy
from experiments.rewardlab.stages import Key, LabStages, StageMaker, of_lab
from experiments.running.heldout import test_rows
from experiments.running.manifest import bench_manifest
from experiments.running.models import LOG, load_saved
from experiments.running.opening import announce, at_work, finish_run, open_run, replace_results
from experiments.running.plugins import check_plug_ins, check_rewards
from experiments.running.population import remarks
from experiments.stages.finished import finished_config, finished_stage
from experiments.stages.progress import Progress
from simulator.errors import ConfigError
from simulator.failures import Failure, note_failure
from simulator.log.history import load_history
from simulator.protocols import FaultReason


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
        PartFailedError: no policy could be trained; single ones that fail are left out.
    """
    if config.world.updates.every_days and config.reward_lab.worlds:
        raise ConfigError(
            f"world.updates.every_days == {config.world.updates.every_days}, must be 0 where "
            f"reward_lab.worlds is {config.reward_lab.worlds}: worlds of policies are compared, "
            "and an update would train over them"
        )
    if not config.reward_lab.grid:
        raise ConfigError("reward_lab.rewards x algorithms == none, must have one of each at least")
    check_plug_ins(config)
    check_rewards(config)
    check_loggers(config.reward_lab.alignment.loggers, LOGGERS)
    with open_run(config, folder, progress, overwrite=overwrite) as maker, at_work():
        announce(progress, plan_rewards(config))
        made = StageMaker(of_lab(config), maker).make()
        with progress.stage("compare"):
            for policy, why in made.failed.items():
                note_failure(Failure(f"policy {policy.name}", FaultReason.RAISED, 0, why))
            record = _record(config, made)
            record = replace(record, warnings=(*told_failed(maker.failed), *record.warnings))
        replace_results(maker.run, config, record)
        told = bench_manifest(of_lab(config), command, made.catalogue, maker)
        return finish_run(maker, told, write_report)


def _record(config: Config, made: LabStages) -> RewardsRecord:
    """From the stages to the record."""
    lab, log = config.reward_lab, load_history(made.history.path / LOG)
    rows = test_rows(log, lab.test_days, lab.test_requests, seed=config.seed, place=TEST_DAYS)
    found: dict[Key, Policy] = {
        key: load_saved(stage.path / POLICY) for key, stage in made.policies.items()
    }
    offline = [OfflineReading(SFT, 0, load_saved(made.sft.path / OFFLINE))]
    watched, courses = [], []
    for (policy, seed), each in found.items():
        name, report = policy.name, each.report
        offline.append(OfflineReading(name, seed, each.offline))
        steps = tuple(evaluation.step for evaluation in report.evaluations)
        values = each.reward_EV, each.oracle_EV, each.shopper_V
        watched.append(WatchReading(name, seed, steps, *values))
        courses.append(Course(name, seed, report.steps, report.evaluations))
    sft = PolicyRow(SFT, "", "", 1, False, (), (), None, "", None, None, "")
    trained = [policy for policy in lab.grid if policy not in made.failed]
    policies = [sft, *(_policy_row(config, each, found) for each in trained)]
    sizes, shopper_B = made.catalogue.record().rows, log.shopper_R[rows]
    record = make_record(
        config, policies, offline, shopper_B, watched, courses, made.worlds, items=sizes["items"]
    )
    return replace(record, warnings=(*remarks(of_lab(config), sizes), *record.warnings))


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


def open_lab(folder: Path) -> Lab:
    """What the trainings of a lab shared, as they found it.

    Args:
        folder: the run folder of a finished `funnelab rewards`.

    Raises:
        StoreError: no finished lab.
    """
    config = of_lab(finished_config(folder))
    arm = [each.name for each in config.arms].index(config.reward_lab.arm)
    others = [n for n in config.arms[arm].channels if n != config.reward_lab.channel]

    def stage(name: str) -> Path:
        return finished_stage(folder, name, BenchManifest, wanted="the folder of a finished lab")

    catalogue, history, sft, ranker = map(stage, ("catalogue", "history", "sft", "ranker"))
    channels = {name: stage(f"channel-{name}") for name in others}
    judges = {n: stage(f"judge-{n}") for n in judges_of(config.reward_lab.rewards.values())}
    return Lab(config, Folders(catalogue, history, sft, channels, ranker, judges), arm)
