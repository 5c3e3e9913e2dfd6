"""Worlds of one arm: whose models serve there."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.attribution.incremental.arms import Arm
from experiments.running.models import Models, Trained
from experiments.stages.stage import Stage
from tests.experiments.small_runs import small_config


def arm_of(trainings: str) -> tuple[Arm, list[tuple[str, set[str]]]]:
    """The last arm of a run with two trainings, and the stages that it will be asked for."""
    again = ("truth.retrained=['ranker']", f"truth.trainings={trainings!r}", "truth.seeds=2")
    config = small_config(*again)
    asked: list[tuple[str, set[str]]] = []

    def stage(name: str, settings: Any = None, *, task: Any = None, inputs: Any = ()) -> Stage:
        asked.append((name, {key for key in inputs if key.startswith("ranker")}))
        return Stage(name, f"key-{name}", Path(f"none-{name}"))

    def made(name: str) -> Stage:
        return Stage(name, name, Path(f"none-{name}"))

    arms = len(config.arms)
    trained = Trained(
        *(made("catalogue"), made("history")),
        channels={name: made(f"channel-{name}") for name in config.channels},
        rankers=[made("ranker")] * arms,
        again=[Models({}, [made("ranker-1")] * arms)],
    )
    maker: Any = SimpleNamespace(stage=stage)
    return Arm(config, maker, arms - 1, trained), asked


@pytest.mark.parametrize("trainings", ["one", "each"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_world_with_all_channels_has_the_models_of_those_without_some(
    trainings: str, seed: int
) -> None:
    arm, asked = arm_of(trainings)
    channels = arm.spec.channels
    arm.world(seed)
    arm.world(seed, channels[:-1])
    arm.world(seed, weights={channels[-1]: 2.0})
    assert [rankers for _, rankers in asked] == [{"ranker"}] * 3
    # A world of the truth is made once, where it is the same.
    of_truth = trainings == "one" or seed == 0
    assert asked[0][0].startswith("truth-" if of_truth else "all-")
