"""Expected gradients on bandits small enough to enumerate.

Every group that the policy can draw is put through the library's own advantages and loss, once,
and counts by its probability: what comes out is the estimator's expectation, without sampling
error. Samples are on policy. `found` is the expected step of gradient ascent on the loss.

Axis suffixes: N all ids, B all groups, G ids of a group, L levels, T parameters.
"""

import math
from itertools import product

import pytest
import torch

from cqsid.alignment.losses import matched_weight
from cqsid.alignment.objective import Scored, Tokens, advantages, loss
from cqsid.alignment.settings import AlgorithmSpec

RATIOS = ["token", "sequence", "sequence_mean"]
REWARDS = torch.tensor([0.0, 0.3, 1.0, 0.1, 0.6, 0.2], dtype=torch.float64)
BINARY = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0], dtype=torch.float64)


class Bandit:
    """A policy over all ids of two codes: softmaxes over first codes, and over second ones."""

    def __init__(self, sizes=(2, 3), seed=0, theta_T=None):
        self.sizes = sizes
        self.codes_NL = torch.cartesian_prod(*(torch.arange(size) for size in sizes))
        noise = torch.Generator().manual_seed(seed)
        if theta_T is None:
            number = sizes[0] + sizes[0] * sizes[1]
            theta_T = torch.randn(number, dtype=torch.float64, generator=noise)
        self.theta_T = theta_T.requires_grad_()

    @classmethod
    def of(cls, chance_N, sizes=(2, 3)):
        """With these probabilities."""
        log_FS = chance_N.log().view(sizes)
        return cls(sizes, theta_T=torch.cat([log_FS.logsumexp(1), log_FS.flatten()]))

    @property
    def logp_NL(self):
        first, second = self.theta_T.split([self.sizes[0], math.prod(self.sizes)])
        a_N, b_N = self.codes_NL.T
        return torch.stack([first.log_softmax(0)[a_N], second.view(self.sizes).log_softmax(1)[a_N, b_N]], 1)

    @property
    def chance_N(self):
        return self.logp_NL.sum(1).exp()

    def exact(self, value):
        """The gradient of a number."""
        return torch.autograd.grad(value, self.theta_T)[0]

    def gain(self, rewards_N):
        """The exact gradient of the expected reward."""
        return self.exact(self.chance_N @ rewards_N)

    def score(self, n):
        """The gradient of the log-probability of an id."""
        return self.exact(self.logp_NL[n].sum())

    def groups(self, size):
        """All groups of ids (B, G), and their probabilities."""
        id_BG = torch.cartesian_prod(*[torch.arange(len(self.codes_NL))] * size).view(-1, size)
        return id_BG, self.chance_N.detach()[id_BG].prod(1)

    def expected(self, spec, id_BG, chance_B, rewards_BG, **tokens):
        """Expected step: of groups by their probabilities. `tokens`: what is not as generated."""
        advantages_BGL = tokens.pop("advantages_BGL", None)
        right_BGL = tokens.pop("right_BGL", torch.ones_like(self.codes_NL[id_BG]).bool())
        logp_BGL = self.logp_NL.detach()[id_BG].requires_grad_()
        there_BG = torch.ones_like(rewards_BG, dtype=torch.bool)
        given = Tokens(
            **{
                "logp_BGL": logp_BGL,
                "old_BGL": logp_BGL.detach(),
                "reference_BGL": logp_BGL.detach(),
                "codes_BGL": self.codes_NL[id_BG],
                "expert_BG": ~there_BG,
                "valid_BG": there_BG,
                "free_BGL": there_BG[..., None].expand(logp_BGL.shape),
                "propensity_BG": torch.ones_like(rewards_BG),
                "rewards_BG": rewards_BG,
                **tokens,
            }
        )
        if advantages_BGL is None:
            one = torch.ones(1, dtype=torch.float64)
            scored = Scored(rewards_BG, rewards_BG[None], one, None)
            advantages_BGL = advantages(spec, scored, given.codes_BGL, right_BGL, there_BG)
        assert not spec.drop_tied  # else groups of a batch are not independent
        (mean_BGL,) = torch.autograd.grad(loss(spec, given, advantages_BGL).total, logp_BGL)
        each_BGL = -len(id_BG) * mean_BGL * chance_B[:, None, None]
        return torch.autograd.grad(self.logp_NL[id_BG], self.theta_T, each_BGL)[0]

    def on_policy(self, spec, rewards_N, size, **tokens):
        """Expected step of groups that the policy generates."""
        id_BG, chance_B = self.groups(size)
        return self.expected(spec, id_BG, chance_B, rewards_N[id_BG], **tokens)

    def injected(self, spec, rewards_N, size, experts, earned=None):
        """Expected step with the same experts in each group; they may earn what others do not."""
        id_BG, chance_B = self.groups(size)
        expert_BK = torch.tensor(experts).expand(len(id_BG), -1)
        rewards_BK = rewards_N[expert_BK] if earned is None else torch.full(expert_BK.shape, earned)
        rewards_BG = torch.cat([rewards_N[id_BG], rewards_BK.double()], 1)
        id_BG = torch.cat([id_BG, expert_BK], 1)
        expert_BG = (torch.arange(id_BG.shape[1]) >= size).expand(id_BG.shape)
        return self.expected(spec, id_BG, chance_B, rewards_BG, expert_BG=expert_BG)


def spec_of(**settings):
    return AlgorithmSpec(**{"kl_weight": 0.0, "epsilon": 0.0, **settings})


def centred(**settings):
    return spec_of(**{"advantage": "centred", "ratio": "sequence", **settings})


def same(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def cosine(found, exact):
    return torch.cosine_similarity(found, exact, dim=0).item()


def share_of(ratio):
    """A token's ratio, or a mean, is averaged over the two codes; an id's is the id's."""
    return 1.0 if ratio == "sequence" else 0.5


# Groups that the policy generates


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
    assert reweighted(0.5, 8) == pytest.approx(1.862, abs=1e-3)


@pytest.mark.parametrize(("size", "measured"), [(2, 0), (3, 0), (4, 0)])
def test_standardised_advantages_of_other_rewards_are_biased(size, measured):
    bandit = Bandit()
    found = bandit.on_policy(spec_of(ratio="sequence"), REWARDS, size)
    assert cosine(found, bandit.gain(REWARDS)) == pytest.approx(measured, abs=1e-4)


def test_standardised_advantages_may_lower_the_expected_reward():
    """In groups of two they count wins: a rare id of great reward has no more than one."""
    bandit = Bandit.of(torch.tensor([0.2, 0.79, 0.01], dtype=torch.float64), (1, 3))
    rewards_N = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)
    found = bandit.on_policy(spec_of(ratio="sequence"), rewards_N, 2)
    assert cosine(found, bandit.gain(rewards_N)) == pytest.approx(0, abs=1e-4)
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
    bandit, size = Bandit((2, 2)), 2
    id_BG, chance_B = bandit.groups(size)
    rewards_N = torch.tensor([0.0, 1.0, 1.0, 0.3], dtype=torch.float64)
    tied = chance_B[rewards_N[id_BG[:, 0]] == rewards_N[id_BG[:, 1]]].sum()
    kept, batch = torch.zeros(6, dtype=torch.float64), spec_of(ratio="sequence")
    dropping = batch.model_copy(update={"drop_tied": True})
    for one, other in product(range(len(id_BG)), repeat=2):
        both_BG = id_BG[[one, other]]
        logp_BGL = bandit.logp_NL[both_BG]
        rewards_BG, there_BG = rewards_N[both_BG], torch.ones(2, 2, dtype=torch.bool)
        scored = Scored(rewards_BG, rewards_BG[None], torch.ones(1).double(), None)
        own_BGL = advantages(dropping, scored, both_BG[..., None].expand(-1, -1, 2), None, there_BG)
        tokens = Tokens(
            logp_BGL, logp_BGL.detach(), logp_BGL.detach(), bandit.codes_NL[both_BG],
            ~there_BG, there_BG, there_BG[..., None].expand(-1, -1, 2), rewards_BG, rewards_BG,
        )
        step = bandit.exact(-loss(dropping, tokens, own_BGL).total)
        kept += chance_B[one] * chance_B[other] * step
    same(kept, bandit.on_policy(batch, rewards_N, size) / (1 - tied) * (1 - tied**2))


# Credit


@pytest.mark.parametrize("seed", range(3))
def test_centred_values_of_prefixes_have_the_gradient_of_the_rewards_group_by_group(seed):
    """A prefix's value is the mean over ids that have its score: summed, they are the same."""
    bandit = Bandit(seed=seed)
    id_BG, _ = bandit.groups(3)
    for id_G in id_BG[:: len(id_BG) // 20]:
        one = id_G[None], torch.ones(1, dtype=torch.float64), REWARDS[id_G[None]]
        same(bandit.expected(centred(credit="level"), *one), bandit.expected(centred(), *one))


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
    assert (found[:2] / exact[:2]).tolist() == pytest.approx([0, 0], abs=1e-4)
    assert cosine(found, exact) == pytest.approx(0, abs=1e-4)


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


# The divergence, as a term of the loss


def pulled(bandit, reference_NL, kind):
    """The value and the expected step of the divergence alone."""
    spec = AlgorithmSpec(kl_estimator=kind)
    id_BG, chance_B = bandit.groups(1)
    settled = {"advantages_BGL": torch.zeros(*id_BG.shape, 2, dtype=torch.float64)}
    settled["reference_BGL"] = reference_NL[id_BG]
    return -bandit.expected(spec, id_BG, chance_B, REWARDS[id_BG % 6], **settled)


def divergences(bandit, other, *, reverse=False, frozen=False):
    """KL of the policy from another, or reverse; frozen: prefixes are drawn, not differentiated."""
    own_NL, far_NL = bandit.logp_NL, other.logp_NL.detach()
    weight_NL = torch.stack([own_NL[:, 0], own_NL.sum(1)], 1).exp()
    if frozen:
        after_N1 = torch.exp((far_NL if reverse else own_NL)[:, 1:])
        drawn_N1 = own_NL[:, :1].detach().exp()
        weight_NL = torch.cat([drawn_N1, drawn_N1 * after_N1], 1)
        if reverse:
            weight_NL[:, 0] = far_NL[:, 0].exp()
        else:
            weight_NL = torch.cat([own_NL[:, :1].exp(), weight_NL[:, 1:]], 1)
    weight_NL = weight_NL / torch.tensor([bandit.sizes[1], 1.0])  # a first code is in many ids
    ratio_NL = far_NL - own_NL if reverse else own_NL - far_NL
    return (weight_NL * ratio_NL).sum()
