import math

import pytest
import torch

from cqsid.alignment.objective.advantages import (
    group_advantages,
    level_advantages,
    list_advantages,
    prefix_gates,
    prefix_values,
    shared_prefix_mask,
)
from cqsid.alignment.settings import AlgorithmSpec
from simulator.errors import ContractError

EXACT = AlgorithmSpec(epsilon=0.0, tie=0.0, list_size=2)
CENTRED = AlgorithmSpec(advantage="centred", tie=0.0, list_size=2)
# Two ids share two codes, a third the first one, the fourth none.
CODES_BGL = torch.tensor([[[0, 1, 2], [0, 1, 3], [0, 2, 2], [1, 1, 2]]])
REWARDS_BG = torch.tensor([[1.0, 0.0, 0.5, 0.1]], dtype=torch.float64)
VALID_BG = torch.ones((1, 4), dtype=torch.bool)


def test_a_prefix_is_worth_the_mean_reward_of_the_ids_behind_it():
    found = prefix_values(CODES_BGL, REWARDS_BG, VALID_BG)
    expected = [[0.5, 0.5, 1.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.5], [0.1, 0.1, 0.1]]
    torch.testing.assert_close(found, torch.tensor([expected], dtype=torch.float64))


def test_an_empty_place_is_behind_no_prefix():
    valid_BG = torch.tensor([[True, False, True, True]])
    rewards_BG = REWARDS_BG.masked_fill(~valid_BG, math.nan)
    found = prefix_values(CODES_BGL, rewards_BG, valid_BG)
    expected = [[0.75, 1.0, 1.0], [0, 0, 0], [0.75, 0.5, 0.5], [0.1, 0.1, 0.1]]
    torch.testing.assert_close(found, torch.tensor([expected], dtype=torch.float64))


def test_each_level_is_standardised_by_itself():
    rewards_BGL = torch.tensor([[[1.0, 5], [3, 5], [2, 8]]], dtype=torch.float64)
    valid_BG = torch.ones((1, 3), dtype=torch.bool)
    found = level_advantages(rewards_BGL, valid_BG, EXACT)
    for level in range(2):
        alone = group_advantages(rewards_BGL[..., level], valid_BG, EXACT)
        torch.testing.assert_close(found[..., level], alone)
    centred = level_advantages(rewards_BGL, valid_BG, CENTRED)
    torch.testing.assert_close(centred, rewards_BGL - rewards_BGL.mean(1, keepdim=True))


def test_a_level_on_which_all_ids_earn_the_same_teaches_nothing():
    rewards_BGL = torch.tensor([[[1.0, 5], [1, 7]]], dtype=torch.float64)
    found = level_advantages(rewards_BGL, torch.ones((1, 2), dtype=torch.bool), EXACT)
    assert found.tolist() == [[[0.0, -1.0], [0.0, 1.0]]]


def test_a_gate_is_the_share_of_the_codes_before_that_are_right():
    right_BGL = torch.tensor([[[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]]) > 0
    found = prefix_gates(right_BGL, torch.float64)[0].tolist()
    assert found[0] == [1, 1, 1, 1]
    assert found[1] == pytest.approx([1, 1, 1, 2 / 3])
    assert found[2] == pytest.approx([1, 1, 1 / 2, 1 / 3])
    assert found[3] == [1, 0, 0, 0]


def test_a_list_is_worth_its_mean_reward_and_its_share_of_distinct_ids():
    codes_BGL = torch.tensor([[[0, 0], [0, 0], [0, 1], [1, 1], [2, 0], [2, 1]]])
    rewards_BG = torch.tensor([[1.0, 1.0, 0.0, 0.5, 0.3, 0.3]], dtype=torch.float64)
    valid_BG = torch.ones((1, 6), dtype=torch.bool)
    found = list_advantages(rewards_BG, codes_BGL, valid_BG, EXACT)
    value_BN = torch.tensor([[1.0 + 0.5, 0.25 + 1.0, 0.3 + 1.0]], dtype=torch.float64)
    own_BN = group_advantages(value_BN, torch.ones((1, 3), dtype=torch.bool), EXACT)
    torch.testing.assert_close(found, own_BN.repeat_interleave(2, -1))
    centred = list_advantages(rewards_BG, codes_BGL, valid_BG, CENTRED)
    torch.testing.assert_close(centred[0, ::2], (value_BN - value_BN.mean())[0])


def test_an_empty_place_is_in_no_list():
    codes_BGL = torch.tensor([[[0], [0], [1], [2], [3], [4]]])
    rewards_BG = torch.tensor([[1.0, math.nan, 0, 0, 9, 9]], dtype=torch.float64)
    valid_BG = torch.tensor([[True, False, True, True, False, False]])
    found = list_advantages(rewards_BG, codes_BGL, valid_BG, EXACT)
    assert found.tolist() == [[1.0, 0.0, -1.0, -1.0, 0.0, 0.0]]


def test_lists_that_do_not_fill_the_group_are_refused():
    with pytest.raises(ContractError, match=r"shape\[1\] == 4, must be a multiple of 3"):
        list_advantages(REWARDS_BG, CODES_BGL, VALID_BG, EXACT.model_copy(update={"list_size": 3}))


def test_no_code_is_pushed_down_that_an_id_to_be_pushed_up_begins_with():
    advantages_BGL = torch.tensor([[1.0, -1.0, -0.5, -0.5]])[..., None].expand(1, 4, 3)
    found = shared_prefix_mask(CODES_BGL, advantages_BGL, VALID_BG)
    expected = [[True] * 3, [False, False, True], [False, True, True], [True] * 3]
    assert found.tolist() == [expected]


def test_a_shared_prefix_of_empty_or_worse_ids_protects_nothing():
    advantages_BGL = torch.tensor([[1.0, -1.0, -0.5, -0.5]])[..., None].expand(1, 4, 3)
    absent_BG = torch.tensor([[False, True, True, True]])
    assert shared_prefix_mask(CODES_BGL, advantages_BGL, absent_BG).all()
    assert shared_prefix_mask(CODES_BGL, -advantages_BGL.abs(), VALID_BG).all()
