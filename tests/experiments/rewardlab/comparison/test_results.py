"""From readings and logs to a record: all rows, and every warning that they deserve."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from cqsid.alignment.measures import MEASURES
from cqsid.alignment.report import StepReading
from experiments.inference.metrics import METRICS
from experiments.records.interval import UNKNOWN
from experiments.records.reading import read_record, write_record
from experiments.records.rewards import ONLINE, Course, PolicyRow, RewardsRecord
from experiments.rewardlab.comparison.readings import OfflineReading, WatchReading, WorldLogs
from experiments.rewardlab.comparison.results import make_record
from experiments.truth.effects import paired_truth
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.rewardlab.reward_runs import lab_config

realised_truth = partial(paired_truth, method="realised")

NAMES = ("log.grpo", "log.eg", "oracle.grpo")
CONTROLS = ("grpo", "", "grpo")
SHOPPER_B = np.arange(120) // 2


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return lab_config(tmp_path_factory.mktemp("config"), "reward_lab.seeds=3")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("worlds")
    channels = tuple(config.channels)

    def world(name, clicks, luck=1):
        return write_log(
            folder / name,
            arms=("with",),
            shares=(1.0,),
            channels=channels,
            clicks=clicks,
            luck=luck,
            shoppers=300,
            days=1,
        )

    lived = {
        name: [[world(f"{name}-{seed}", 0.2 + 0.02 * at + 0.005 * seed)] for seed in range(3)]
        for at, name in enumerate(NAMES)
    }
    return WorldLogs([world("sft", 0.2)], [world("control", 0.18)], lived)


def rows(seeds=3, **changed):
    """The grid's rows, some with other values by policy name."""
    trained = [
        PolicyRow(
            name,
            *name.split("."),
            seeds=seeds,
            oracle=name.startswith("oracle"),
            ended=("finished",) * seeds,
            kept=(4,) * seeds,
            seconds=1.0,
            control=CONTROLS[at],
            weight=0.0,
            matched=None,
            experts="",
        )
        for at, name in enumerate(NAMES)
    ]
    sft = PolicyRow("sft", "", "", 1, False, (), (), None, "", None, None, "")
    return [sft, *(replace(row, **changed.get(row.name, {})) for row in trained)]


def offline(seeds=3, shoppers=120):
    rng = np.random.default_rng(0)

    def values():
        return {name: rng.random(shoppers) for name in MEASURES}

    trained = [OfflineReading(name, seed, values()) for name in NAMES for seed in range(seeds)]
    return [OfflineReading("sft", 0, values()), *trained]


def watched(seeds=3):
    rng = np.random.default_rng(1)
    start = rng.random((2, 1, 30))
    return [
        WatchReading(
            *(name, seed, (0, 2), *(np.vstack([s, s + rng.random(30)]) for s in start)),
            np.arange(30),
        )
        for name in NAMES
        for seed in range(seeds)
    ]


def record_of(config, worlds, *, seeds=3, policies=None, shopper_B=SHOPPER_B, courses=None):
    courses = courses or [Course(name, seed, (), ()) for name in NAMES for seed in range(seeds)]
    return make_record(
        config,
        policies or rows(seeds),
        offline(seeds),
        shopper_B,
        watched(seeds),
        courses,
        worlds,
        items=77,
    )


@pytest.fixture(scope="module")
def record(config, worlds):
    return record_of(config, worlds)


def test_a_record_holds_every_row_and_survives_a_file(record, config, tmp_path):
    assert len(record.offline) == 4 * len(MEASURES)
    assert len(record.online) == 3 * len(ONLINE)
    assert [row.policy for row in record.control[::4]] == [row.name for row in record.policies]
    assert len(record.contrasts) == len(MEASURES) + len(ONLINE)
    assert {(row.policy, row.against) for row in record.contrasts} == {("log.eg", "log.grpo")}
    assert len(record.policy_shares) == 4 * 2 * 4
    assert [row.policy for row in record.hacking] == list(NAMES)
    assert len(record.trust) == len(MEASURES) * len(ONLINE)
    assert len(record.courses) == 9
    assert (record.seeds, record.worlds, record.items, record.requests) == (3, 1, 77, 120)
    assert (record.arm, record.channel) == (config.arms[-1].name, config.reward_lab.channel)
    assert (record.shoppers, record.days) == (config.shoppers.count, config.world.days)
    write_record(tmp_path, record)
    assert read_record(RewardsRecord, tmp_path) == record


def test_the_same_readings_and_logs_give_the_same_record(record, config, worlds):
    assert record_of(config, worlds) == record


def test_every_lift_lies_beside_its_own_policys_worlds(record, worlds):
    for name in NAMES:
        row = record.online_of(name, "orders")
        for seed, logs in enumerate(worlds.policies[name]):
            (effect,) = realised_truth(worlds.base, logs, [METRICS["orders"]]).effects
            assert row.per_seed[seed] == pytest.approx(effect.relative.estimate)
    (effect,) = realised_truth(worlds.control, worlds.base, [METRICS["gmv"]]).effects
    assert record.control[0].relative.estimate == pytest.approx(effect.relative.estimate)


def test_trust_rests_on_the_policies_and_the_supervised_model(record):
    assert {row.policies for row in record.trust} == {4}
    found = [row.rank_correlation for row in record.trust]
    assert all(-1 <= each.estimate <= 1 and each.low <= each.high for each in found)


def test_a_sound_record_warns_of_what_no_interval_holds_and_of_oracles(record):
    told = (
        "All policies start from one supervised model",
        "60 shoppers asked the test requests: too few",
        "oracle.grpo learned from what only a simulation knows",
        "All true lifts are over the same worlds of the supervised model",
        "One world of each training: what sells out and becomes popular there is luck",
    )
    assert len(record.warnings) == len(told)
    for beginning in told:
        assert any(text.startswith(beginning) for text in record.warnings)


def step(tied):
    return StepReading(1, 0.0, 0.5, {}, None, tied, 0.5, (1.0,), 1.0, 1.0, 0.0, 0.0, 1.0, 1.0)


def test_a_reward_that_told_no_ids_apart_is_named(config, worlds):
    steps = dict.fromkeys(NAMES, (step(1.0), step(0.5))) | {NAMES[0]: (step(1.0), step(1.0))}
    told = [Course(name, seed, steps[name], ()) for name in NAMES for seed in range(3)]
    record = record_of(config, worlds, courses=told)
    (named,) = [text for text in record.warnings if "nothing can be learned" in text]
    assert named.startswith(f"{NAMES[0]}: its reward gave all ids of a group the same value")


def test_without_worlds_there_is_no_online_part_and_that_is_said(config):
    record = record_of(config, WorldLogs())
    assert (record.online, record.control, record.policy_shares, record.trust) == ((),) * 4
    assert record.worlds == 0
    assert any(text.startswith("No worlds were lived") for text in record.warnings)
    assert len(record.hacking) == 3


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (1, "One training seed: offline measures and gains in reward have no interval"),
        (2, "2 training seeds: intervals rest on too few trainings"),
    ],
)
def test_few_seeds_are_warned_of(config, worlds, seeds, said):
    lab = config.reward_lab.model_copy(update={"seeds": seeds})
    lived = {name: logs[:seeds] for name, logs in worlds.policies.items()}
    record = record_of(
        config.model_copy(update={"reward_lab": lab}),
        WorldLogs(worlds.base, [], lived),
        seeds=seeds,
    )
    assert any(text.startswith(said) for text in record.warnings)
    lift = record.online_of("log.eg", "orders").relative
    assert lift.low < lift.estimate < lift.high  # over shoppers alone for one seed
    assert (record.offline_of("log.eg", "clk@1").value.low is None) == (seeds == 1)
    assert (record.hacking[0].gap.low is None) == (seeds == 1)


def test_trainings_that_ended_early_are_named_with_the_reason(config):
    ended = ("recall", "finished", "divergence")
    record = record_of(config, WorldLogs(), policies=rows(**{"log.eg": {"ended": ended}}))
    (said,) = (text for text in record.warnings if text.startswith("log.eg"))
    assert "2 of 3 trainings ended early" in said
    assert "deep recall fell" in said
    assert "too far from the supervised model" in said


def test_two_policies_are_too_few_for_a_rank_correlation(config, worlds):
    record = record_of(config, worlds, policies=rows()[:3])
    assert {row.rank_correlation for row in record.trust} == {UNKNOWN}
    assert any(
        text.startswith("3 policies, the supervised model included") for text in record.warnings
    )


def test_a_metric_that_no_world_has_and_lonely_shoppers_are_told_of(config, tmp_path):
    channels = tuple(config.channels)
    options = {"arms": ("with",), "shares": (1.0,), "channels": channels, "clicks": 0.0, "days": 1}
    base = write_log(tmp_path / "sft", shoppers=50, **options)
    less = write_log(tmp_path / "less", shoppers=45, **options)
    worlds = WorldLogs([base], [], {name: [[base], [less], [base]] for name in NAMES})
    record = record_of(config, worlds)
    said = " ".join(record.warnings)
    assert "Up to 5 shoppers appear in only some of the paired worlds" in said
    assert "log.grpo has no true lift in gmv: a world lacks what it is divided by." in said
    assert all(row.rank_correlation == UNKNOWN for row in record.trust)


def test_policies_must_begin_with_the_supervised_model_and_have_worlds(config, worlds):
    with pytest.raises(DataError, match=r"must be different and begin with 'sft'"):
        record_of(config, worlds, policies=rows()[1:])
    lived = {name: worlds.policies[name] for name in NAMES[:2]}
    with pytest.raises(DataError, match=r"worlds of oracle.grpo == \[\] by seed, must be 1"):
        record_of(config, WorldLogs(worlds.base, [], lived))
