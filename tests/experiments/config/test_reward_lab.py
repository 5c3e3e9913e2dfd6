"""Which policies a lab trains."""

import pytest
from pydantic import ValidationError

from experiments.config.reward_lab import RewardLabSpec

REWARDS = {name: {"components": [{"type": "log"}]} for name in ("log", "cheap")}


def grid(**algorithms: dict[str, object]) -> list[str]:
    spec = RewardLabSpec(rewards=REWARDS, algorithms=algorithms)
    return [policy.name for policy in spec.grid]


def test_every_reward_is_learned_from_by_every_algorithm() -> None:
    assert grid(a={"preset": "grpo"}, b={"preset": "dpo"}) == [
        "log.a",
        "log.b",
        "cheap.a",
        "cheap.b",
    ]


def test_an_algorithm_that_reads_no_reward_is_trained_once() -> None:
    assert grid(grpo={"preset": "grpo"}, sft={"preset": "sft"}) == [
        *("log.grpo", "log.sft", "cheap.grpo")
    ]


@pytest.mark.parametrize("more", [{"experts": {"place": "replace_worst"}}, {"drop_tied": True}])
def test_supervised_learning_whose_experts_depend_on_rewards_is_trained_for_each(
    more: dict[str, object],
) -> None:
    assert grid(sft={"preset": "sft", **more}) == ["log.sft", "cheap.sft"]


def test_one_training_under_two_names_is_refused() -> None:
    named = [{"reward": reward, "algorithm": "sft"} for reward in REWARDS]
    with pytest.raises(ValidationError, match=r"policies == log.sft and cheap.sft, must be one of"):
        RewardLabSpec(rewards=REWARDS, algorithms={"sft": {"preset": "sft"}}, policies=named)
