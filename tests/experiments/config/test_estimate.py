"""A plan tells how long a run takes, from its settings alone."""

import pytest

from experiments.config.estimate import (
    plan,
    plan_attribution,
    plan_ids,
    plan_operating,
    plan_rewards,
    plan_sweep,
)
from experiments.config.loading import load_config
from experiments.config.schema import Config


def seconds(*overrides: str, stage: str | None = None) -> float:
    found = dict(plan(load_config("demo", ["execution.processes=2", *overrides])))
    return sum(found.values()) if stage is None else found[stage]


def test_the_demo_is_planned_for_a_minute_or_two() -> None:
    assert 60 < seconds() < 180
    assert list(dict(plan(load_config("demo")))) == [
        *("catalogue", "history", "models", "worlds", "report"),
    ]


@pytest.mark.parametrize(
    ("setting", "stage"),
    [
        ("world.history_days=56", "history"),
        ("channels.cqsid.training.item.epochs=30", "models"),
        ("world.days=28", "worlds"),
        ("truth.seeds=4", "worlds"),
        ("truth.share=1.0", "worlds"),
        ("execution.processes=1", "worlds"),
        ("shoppers.count=50000", "history"),
    ],
)
def test_more_work_is_planned_for_more_time(setting: str, stage: str) -> None:
    assert seconds(setting, stage=stage) > seconds(stage=stage)


def test_a_run_without_truth_or_generator_is_planned_for_less() -> None:
    assert seconds("truth.seeds=0") < seconds()
    lean = [
        'arms=[{name="a",share=0.5,channels=["lexical"]},{name="b",share=0.5,channels=["popular"]}]'
    ]
    assert seconds(*lean, stage="models") < seconds(stage="models")


def test_steps_and_judges_are_planned_for() -> None:
    chains, simple = (
        dict(plan(load_config("chain-judges", ["execution.processes=1", *more])))
        for more in (
            (),
            ['channels.judged.scorer="logistic"', 'channels.judged_twin.scorer="logistic"'],
        )
    )
    assert 600 < chains["models"] < 1800  # ten chain judges, of one core
    assert chains["worlds"] > 5 * simple["worlds"]  # 50 chains a page, and next to nothing
    filled = dict(plan(load_config("understanding", ["execution.processes=1"])))
    bare = dict(
        plan(
            load_config(
                "understanding",
                ["execution.processes=1", "understanding.writer.writer.training.epochs=0.0"],
            )
        )
    )
    assert filled["models"] - bare["models"] == pytest.approx(150)


def test_a_ramp_is_planned_with_what_it_launches() -> None:
    ramped = dict(plan(load_config("demo", ["world.ramp.days=14"])))
    plain = dict(plan(load_config("demo")))
    assert list(ramped) == ["catalogue", "history", "launch", "ramp", "models", "worlds", "report"]
    assert ramped["history"] == pytest.approx(plain["history"] / 2)
    assert ramped["ramp"] > plain["history"]
    assert 0 < ramped["launch"] < plain["models"]


def minutes(steps: list[tuple[str, float]]) -> float:
    return sum(seconds for _, seconds in steps) / 60


def of(name: str, *overrides: str) -> Config:
    return load_config(name, ["execution.processes=2", *overrides])


def test_an_attribution_of_the_demo_is_planned_for_what_its_help_says() -> None:
    whole = plan_attribution(of("demo"))
    assert [name for name, _ in whole] == ["credit", "replay", "worlds", "differences"]
    assert 8 < minutes(whole) < 20
    assert 1.5 < minutes(plan_attribution(of("demo", "attribution.incremental=['replay']"))) < 5
    assert minutes(plan_attribution(of("demo", "attribution.incremental=[]"))) < 0.5


@pytest.mark.parametrize(
    ("setting", "stage"),
    [
        ("attribution.seeds=6", "replay"),
        ("attribution.seeds=6", "worlds"),
        ("attribution.shapley_worlds=true", "worlds"),
        ("attribution.seeds=6", "differences"),
        ("execution.processes=1", "worlds"),
        ("world.days=28", "replay"),
    ],
)
def test_more_attribution_is_planned_for_more_time(setting: str, stage: str) -> None:
    more, plain = (dict(plan_attribution(of("demo", *each))) for each in ([setting], []))
    assert more[stage] > 1.2 * plain[stage]


def test_studies_are_planned_world_by_world() -> None:
    found = dict(plan_attribution(of("share-lift")))
    assert found["studies"] > found["worlds"]


def test_a_bench_of_schemes_is_planned_by_its_trainings() -> None:
    few = plan_ids(of("cqsid", "ids_bench.schemes=['rqvae', 'cqsid']", "ids_bench.seeds=1"))
    many = plan_ids(of("cqsid", "ids_bench.schemes=['rqvae', 'cqsid']", "ids_bench.seeds=4"))
    assert [name for name, _ in few] == ["catalogue", "history", "schemes", "report"]
    assert dict(many)["schemes"] == pytest.approx(4 * dict(few)["schemes"])
    once = plan_ids(of("cqsid", "ids_bench.personalised=false"))
    assert dict(once)["schemes"] < dict(plan_ids(of("cqsid")))["schemes"]


def test_a_lab_is_planned_by_its_policies_and_their_worlds() -> None:
    lab = plan_rewards(of("rewards"))
    assert [name for name, _ in lab][-3:] == ["policies", "worlds", "report"]
    offline = plan_rewards(of("rewards", "reward_lab.worlds=0"))
    assert "worlds" not in dict(offline)
    twice = plan_rewards(of("rewards", "reward_lab.alignment.steps=300"))
    assert dict(twice)["policies"] > 1.5 * dict(lab)["policies"]
    assert 5 < minutes(plan_rewards(of("eg-grpo"))) < 13  # 8 min 24 s, docs/rewards.md
    assert 15 < minutes(lab) < 45


def test_what_cells_of_a_sweep_have_in_common_is_planned_once() -> None:
    base = load_config("demo")
    one = dict(plan_sweep([base]))
    assert one == dict(plan(base))
    level = dict(plan_sweep([base, load_config("demo", ["analysis.confidence=0.9"])]))
    assert level == one | {"report": 2 * one["report"]}
    kept = dict(plan_sweep([base, load_config("demo", ["truth.seeds=2"])]))
    assert {name: kept[name] for name in ("catalogue", "history", "models")} == {
        name: one[name] for name in ("catalogue", "history", "models")
    }
    assert kept["worlds"] > 2 * one["worlds"]
    market = dict(plan_sweep([base, load_config("demo", ["queries.vocabulary_gap=0.5"])]))
    assert market == {name: 2 * seconds for name, seconds in one.items()}


def test_operating_characteristics_are_planned_by_redraws_worlds_and_truth() -> None:
    designs = ["shopper", "session", "request"]
    plain = dict(plan_operating(of("demo"), designs, 1_000, 0))
    assert list(plain) == ["catalogue", "history", "models", "worlds", "redraws", "report"]
    more = dict(plan_operating(of("demo"), designs, 2_000, 0))
    assert more["redraws"] == pytest.approx(2 * plain["redraws"])
    lived = dict(plan_operating(of("demo"), designs, 1_000, 50))
    each = (lived["worlds"] - plain["worlds"]) / 100
    assert 2 < each < 60
    surer = dict(plan_operating(of("demo", "truth.seeds=6"), designs, 1_000, 0))
    assert surer["worlds"] > 3 * plain["worlds"] / 2
    assert "redraws" not in dict(plan_operating(of("demo"), [], 0, 50))


def test_what_trainings_of_a_ranker_share_is_planned_once() -> None:
    each = ["truth.trainings=each", 'truth.retrained=["ranker"]', "execution.processes=1"]

    def models(seeds: int, *more: str) -> float:
        return seconds(*each, f"truth.seeds={seeds}", *more, stage="models")

    both, alone = ([models(n, *kind) for n in (2, 4)] for kind in ([], ["ranker.type=learned"]))
    assert 0 < both[1] - both[0] < 0.7 * (alone[1] - alone[0])
