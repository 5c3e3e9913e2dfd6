"""A plan tells how long a run takes, from its settings alone."""

import pytest

from experiments.config.estimate import plan
from experiments.config.loading import load_config


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
