"""Expected gradients of groups that the policy generates: which are exact, how far others err."""

import math
from itertools import product

import pytest
import torch

from tests.cqsid.alignment.bandit import (
    BINARY,
    RATIOS,
    REWARDS,
    Bandit,
    centred,
    cosine,
    same,
    share_of,
    spec_of,
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("size", [2, 3])
def test_centred_advantages_follow_the_expected_reward_but_for_the_ids_part_in_its_own_baseline(
    size, ratio, seed
):
    """Dr.GRPO: (G - 1) / G of the exact gradient, as each id is 1 / G of its own baseline."""
    bandit = Bandit(seed=seed)
    found = bandit.on_policy(centred(preset="dr_grpo", ratio=ratio), REWARDS, size)
    same(found, share_of(ratio) * (size - 1) / size * bandit.gain(REWARDS))


def reweighted(p, size):
    """E sqrt(k (G - k)) / (G p (1 - p)) of a binomial k: standardising, for rewards of 0 and 1."""
    chance = [math.comb(size, k) * p**k * (1 - p) ** (size - k) for k in range(size + 1)]
    spread = sum(each * math.sqrt(k * (size - k)) for k, each in enumerate(chance))
    return spread / (size * p * (1 - p))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [2, 3, 4])
def test_standardised_advantages_of_binary_rewards_are_exact_but_for_a_weight_of_the_request(
    size, seed
):
    bandit = Bandit(seed=seed)
    found = bandit.on_policy(spec_of(ratio="sequence"), BINARY, size)
    weight = reweighted((bandit.chance_N @ BINARY).item(), size)
    same(found, weight * bandit.gain(BINARY))


def test_standardising_reweights_requests_by_their_difficulty_only_from_groups_of_four_on():
    for p in (0.001, 0.2, 0.5):
        assert reweighted(p, 2) == pytest.approx(1)
        assert reweighted(p, 3) == pytest.approx(math.sqrt(2))
    assert reweighted(1e-9, 8) == pytest.approx(math.sqrt(7))  # not 1 / sqrt(p), as without end
    assert reweighted(0.5, 8) == pytest.approx(1.8557, abs=1e-4)


@pytest.mark.parametrize(("size", "measured"), [(2, 0.9108), (3, 0.9377), (4, 0.9568)])
def test_standardised_advantages_of_other_rewards_are_biased(size, measured):
    bandit = Bandit()
    found = bandit.on_policy(spec_of(ratio="sequence"), REWARDS, size)
    assert cosine(found, bandit.gain(REWARDS)) == pytest.approx(measured, abs=1e-4)


def test_standardised_advantages_may_lower_the_expected_reward():
    """In groups of two they count wins: a rare id of great reward has no more than one."""
    bandit = Bandit.of(torch.tensor([0.2, 0.79, 0.01], dtype=torch.float64), (1, 3))
    rewards_N = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)
    found = bandit.on_policy(spec_of(ratio="sequence"), rewards_N, 2)
    assert cosine(found, bandit.gain(rewards_N)) == pytest.approx(-0.0998, abs=1e-4)
    right = bandit.on_policy(centred(), rewards_N, 2)
    assert cosine(right, bandit.gain(rewards_N)) == pytest.approx(1)


@pytest.mark.parametrize("advantage", ["standardised", "centred"])
def test_while_the_policy_is_the_one_that_sampled_all_ratios_have_one_gradient(advantage):
    """GSPO's is GRPO's; EG-GRPO's is L times that."""
    bandit = Bandit()
    token, sequence, mean = (
        bandit.on_policy(spec_of(ratio=ratio, advantage=advantage), REWARDS, 3) for ratio in RATIOS
    )
    same(mean, token)
    same(sequence, 2 * token)


def test_leaving_ties_out_is_louder_but_points_nowhere_else():
    """DAPO: of two groups in a batch, E[g | untied] times the chance that one of them is untied."""
    bandit, size = Bandit((1, 3)), 2
    id_BG, chance_B = bandit.groups(size)
    rewards_N = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    tied = chance_B[rewards_N[id_BG[:, 0]] == rewards_N[id_BG[:, 1]]].sum()
    spec = spec_of(preset="dapo", ratio="sequence")
    found = torch.zeros_like(bandit.theta_T)
    for one, other in product(range(len(id_BG)), repeat=2):
        both_BG = id_BG[[one, other]]
        step = bandit.step(spec, both_BG, rewards_N[both_BG])
        found += chance_B[one] * chance_B[other] * bandit.pulled(both_BG, step)
    alone = bandit.on_policy(spec_of(ratio="sequence"), rewards_N, size)
    same(found, alone / (1 - tied) * (1 - tied**2))


@pytest.mark.parametrize("seed", range(3))
def test_centred_values_of_prefixes_have_the_gradient_of_the_rewards_group_by_group(seed):
    """A prefix's value is the mean over ids that have its score: summed, they are the same."""
    bandit = Bandit(seed=seed)
    id_BG, chance_B = bandit.groups(3)
    any_B = torch.randn(chance_B.shape, generator=torch.Generator().manual_seed(seed)).double()
    groups = id_BG, any_B, REWARDS[id_BG]
    same(bandit.expected(centred(credit="level"), *groups), bandit.expected(centred(), *groups))


def test_weights_of_levels_scale_the_exact_gradient_level_by_level():
    bandit = Bandit()
    spec = centred(credit="prefix", level_weights=(1.0, 0.5))
    scale_T = torch.tensor([1.0] * 2 + [0.5] * 6, dtype=torch.float64)
    same(bandit.on_policy(spec, REWARDS, 2), scale_T * bandit.gain(REWARDS) / 2)


def test_gates_keep_the_exact_gradient_after_right_prefixes_and_none_after_wrong_ones():
    bandit = Bandit()
    id_BG, _ = bandit.groups(2)
    right_BGL = (bandit.codes_NL[id_BG] == torch.tensor([1, 2])).int().cumprod(-1).bool()
    found = bandit.on_policy(centred(credit="gated"), REWARDS, 2, right_BGL=right_BGL)
    gate_T = torch.tensor([1.0] * 2 + [0.0] * 3 + [1.0] * 3, dtype=torch.float64)
    same(found, gate_T * bandit.gain(REWARDS) / 2)


def test_credit_of_lists_follows_the_expected_worth_of_a_list():
    """(1 - 1 / lists) / S of the gradient of mean reward plus share of distinct ids."""
    bandit, size = Bandit(), 2
    found = bandit.on_policy(centred(credit="list", list_size=size, group=4), REWARDS, 4)
    distinct = 2 - bandit.chance_N.square().sum()
    worth = bandit.chance_N @ REWARDS + distinct / size
    same(found, (1 - 1 / 2) / size * bandit.exact(worth))


def test_masking_shared_prefixes_is_exact_on_last_codes_and_biased_on_the_others():
    """Ids of one whole prefix are one id, of one reward; those of half a prefix are not."""
    bandit = Bandit()
    found = bandit.on_policy(centred(mask_shared_prefix=True), REWARDS, 3)
    exact = 2 / 3 * bandit.gain(REWARDS)
    same(found[2:], exact[2:])
    assert (found[:2] / exact[:2]).tolist() == pytest.approx([2.5158] * 2, abs=1e-4)
    assert cosine(found, exact) == pytest.approx(0.9929, abs=1e-4)


@pytest.mark.parametrize("ratio", RATIOS)
def test_guided_replay_follows_the_expected_reward_after_the_forced_code(ratio):
    bandit, size, forced = Bandit(), 3, 1
    id_BG, chance_B = bandit.groups(size)
    after_B = (bandit.codes_NL[id_BG, 0] == forced).all(1)
    id_BG, chance_B = id_BG[after_B], chance_B[after_B] / chance_B[after_B].sum()
    free_BGL = torch.tensor([False, True]).expand(*id_BG.shape, 2)
    spec = centred(preset="guided_replay", ratio=ratio)
    found = bandit.expected(spec, id_BG, chance_B, REWARDS[id_BG], free_BGL=free_BGL)
    behind_N = (bandit.codes_NL[:, 0] == forced).double()
    chance_N = bandit.chance_N * behind_N / (bandit.chance_N @ behind_N)
    same(found, (size - 1) / size * bandit.exact(chance_N @ REWARDS))
    assert not found[:2].any()
    assert found[5:].any()
