import math

import pytest
import torch
from hypothesis import given, strategies as st

from cqsid.alignment.objective.advantages import (
    centred_advantages,
    group_advantages,
    separate_advantages,
    tied_B,
)
from cqsid.alignment.settings import AlgorithmSpec

EXACT = AlgorithmSpec(epsilon=0.0, tie=0.0)


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def everywhere(rewards_BG):
    return torch.ones(rewards_BG.shape, dtype=torch.bool)


def advantages(*rewards, **changes):
    rewards_BG = tensor(rewards)
    spec = EXACT.model_copy(update=changes)
    return group_advantages(rewards_BG, everywhere(rewards_BG), spec)[0].tolist()


def test_advantages_of_grpo_equal_hand_checked_values():
    # mean 2, deviations -1 0 0 1, population variance 1/2, sample variance 2/3
    assert advantages(1, 2, 2, 3) == pytest.approx([-math.sqrt(2), 0, 0, math.sqrt(2)])
    root = math.sqrt(3 / 2)
    assert advantages(1, 2, 2, 3, std="sample") == pytest.approx([-root, 0, 0, root])
    assert advantages(0, 1, epsilon=0.5) == pytest.approx([-0.5, 0.5])


@given(st.integers(1, 12), st.integers(1, 6), st.floats(0.01, 100), st.floats(-5, 5))
def test_experts_beside_tied_ids_get_the_same_advantage_whatever_the_gap(group, experts, gap, low):
    found = advantages(*[low] * group, *[low + gap] * experts)
    pull, push = math.sqrt(group / experts), -math.sqrt(experts / group)
    assert found == pytest.approx([push] * group + [pull] * experts, abs=1e-9)


def test_the_expert_mix_is_the_dial_between_clicks_and_exposures():
    """Among 4 exposed (0.5) and 4 other existing ids (0.1), the first is an exposure."""
    group = [0.5] * 4 + [0.1] * 4
    assert advantages(*group)[0] == pytest.approx(1.0)
    # mean 0.44, variance 0.1104
    assert advantages(*group, 1.0, 1.0)[0] == pytest.approx(0.18, abs=0.005)
    # mean 0.39, variance 0.0769
    assert advantages(*group, 1.0, 0.5)[0] == pytest.approx(0.40, abs=0.005)


@given(st.lists(st.sampled_from([0, 0.1, 0.5, 1.0]), min_size=2, max_size=12))
def test_advantages_have_mean_0_and_variance_1_unless_the_group_ties(rewards):
    found = tensor(advantages(*rewards, tie=1e-6))
    assert found.mean().item() == pytest.approx(0, abs=1e-9)
    spread = 0 if len(set(rewards)) == 1 else 1
    assert found.square().mean().item() == pytest.approx(spread, abs=1e-9)


def test_empty_places_get_nothing_and_change_nothing():
    rewards_BG = tensor([1, 2, 2, 3, 1e9], [5, 7, math.nan, math.inf, -math.inf])
    valid_BG = torch.tensor([[True] * 4 + [False], [True] * 2 + [False] * 3])
    root = math.sqrt(2)
    expected = [[-root, 0, 0, root, 0], [-1, 1, 0, 0, 0]]
    found = group_advantages(rewards_BG, valid_BG, EXACT)
    torch.testing.assert_close(found, tensor(*expected))
    centred = centred_advantages(rewards_BG, valid_BG, tie=0.0)
    torch.testing.assert_close(centred, tensor([-1, 0, 0, 1, 0], [-1, 1, 0, 0, 0]))


def test_a_group_ties_if_its_best_and_worst_are_close_or_it_has_no_two_ids():
    rewards_BG = tensor([1, 1, 9], [1, 1.1, 1], [1, 1.2, 1], [3, 4, 5], [3, 4, 5])
    valid_BG = torch.tensor(
        [[True, True, False], [True] * 3, [True] * 3, [True, False, False], [False] * 3]
    )
    assert tied_B(rewards_BG, valid_BG, 0.15).tolist() == [True, True, False, True, True]
    for std in ("population", "sample"):
        found = group_advantages(
            rewards_BG, valid_BG, AlgorithmSpec(std=std, epsilon=0.0, tie=0.15)
        )
        assert found.any(-1).tolist() == [False, False, True, False, False]
        assert found.isfinite().all()


def test_float32_rewards_that_tie_leave_no_rounding_behind():
    rewards_BG = torch.full((1, 7), 0.1, dtype=torch.float32)
    spec = AlgorithmSpec(epsilon=1e-6, tie=1e-6)
    found = group_advantages(rewards_BG, everywhere(rewards_BG), spec)
    assert found.tolist() == [[0.0] * 7]


def test_centred_advantages_keep_the_size_of_the_gap():
    rewards_BG = tensor([0, 0, 0, 1], [0, 0, 0, 10])
    found = centred_advantages(rewards_BG, everywhere(rewards_BG), tie=0.0)
    torch.testing.assert_close(found[1], 10 * found[0])


def test_separate_advantages_equal_the_equations_of_gdpo():
    parts_CBG = torch.rand((3, 4, 5), dtype=torch.float64, generator=torch.Generator())
    weight_C = tensor([1.0, 0.5, -2.0])[0]
    mean_CB1 = parts_CBG.mean(-1, keepdim=True)
    own_CBG = (parts_CBG - mean_CB1) / (parts_CBG.std(-1, keepdim=True) + 1e-4)
    sum_BG = torch.einsum("cbg,c->bg", own_CBG, weight_C)
    expected = (sum_BG - sum_BG.mean()) / (sum_BG.std() + 1e-4)
    spec = AlgorithmSpec(std="sample", epsilon=1e-4, tie=0.0)
    found = separate_advantages(parts_CBG, weight_C, everywhere(sum_BG), spec)
    torch.testing.assert_close(found, expected)


def test_separate_advantages_tell_apart_what_a_sum_ties():
    """The collapse that GDPO avoids: (1, 0) and (0, 1) have one sum."""
    parts_CBG = torch.stack([tensor([1, 0, 0, 0]), tensor([0, 1, 0, 0])])
    valid_BG = everywhere(parts_CBG[0])
    found = separate_advantages(parts_CBG, tensor([1.0, 0.1])[0], valid_BG, EXACT)[0]
    assert found[0] > found[1] > found[2] == found[3]


def test_groups_that_tie_in_every_reward_get_exact_zeros_among_others():
    parts_CBG = torch.stack([tensor([1, 0], [0.1, 0.1]), tensor([3, 1], [0.7, 0.7])])
    found = separate_advantages(parts_CBG, tensor([1.0, 0.3])[0], everywhere(parts_CBG[0]), EXACT)
    assert found[1].tolist() == [0.0, 0.0]
    assert found[0, 0] > 0
