"""The conformance suite over every built-in reward, and over their less usual settings."""

import pytest

from cqsid.rewards.conformance import check_reward
from cqsid.rewards.fixtures import sample_groups, sample_logged, sample_shop
from cqsid.rewards.registry import RewardMix

REWARDS = {
    "log": {"type": "log"},
    "varg": {"type": "log", "bought": 3, "exposed": 0.1, "empty": -1, "invalid": -2},
    "ranker": {"type": "ranker"},
    "squashed": {"type": "ranker", "aggregate": "mean", "relative": "pool", "squash": "tanh"},
    "ranker_empty": {"type": "ranker", "items": 1, "empty": -1.0},
    "relevance": {"type": "relevance"},
    "relevance_max": {"type": "relevance", "aggregate": "max", "items": 2},
    "judge": {"type": "judge", "judge": "grader"},
    "judge_max": {"type": "judge", "judge": "grader", "aggregate": "max", "items": 2},
    "value": {"type": "value"},
    "value_units": {"type": "value", "power": 0.0, "clicked": 0.0},
    "exclusivity": {"type": "exclusivity"},
    "diversity": {"type": "diversity"},
    "coverage": {"type": "coverage"},
    "coverage_marginal": {"type": "coverage", "marginal": True},
    "prefix": {"type": "prefix"},
    "prefix_exposed": {"type": "prefix", "targets": "exposed", "level_weights": [1, 2, 3]},
    "oracle": {"type": "oracle"},
    "oracle_gmv": {"type": "oracle", "outcome": "gmv", "aggregate": "max", "items": 1},
    "custom": {"type": "custom", "object": "cqsid.rewards.of_shop:DiversityReward"},
}


def _reward(name):
    return RewardMix(components=[REWARDS[name]]).components[0]


@pytest.mark.parametrize("name", REWARDS)
def test_a_reward_keeps_its_contract(name):
    assert [str(finding) for finding in check_reward(_reward(name))] == []


@pytest.mark.parametrize("name", REWARDS)
def test_a_reward_tells_ids_of_the_sample_apart(name):
    shop, logged = sample_shop(), sample_logged()
    values_BG = _reward(name)(logged, sample_groups(logged, shop), shop)
    assert values_BG.std() > 0


def test_every_type_of_reward_is_here():
    kinds = {spec["type"] for spec in REWARDS.values()}
    schema = RewardMix.model_json_schema()["properties"]["components"]
    assert kinds == set(schema["items"]["discriminator"]["mapping"])
