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

from cqsid.alignment.losses import divergence, matched_weight
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
    def tables(self):
        """Log-probabilities of first codes (F,), and of second ones after each (F, S)."""
        first, second = self.theta_T.split([self.sizes[0], math.prod(self.sizes)])
        return first.log_softmax(0), second.view(self.sizes).log_softmax(1)

    @property
    def logp_NL(self):
        log_F, log_FS = self.tables
        return torch.stack([log_F[:, None].expand(self.sizes), log_FS], -1).flatten(0, 1)

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

    def step(self, spec, id_BG, rewards_BG, **tokens):
        """(B, G, L) minus the loss's gradient by log-probabilities.

        `tokens`: what is not as generated, and `advantages_BGL` or `right_BGL` if set.
        """
        codes_BGL, one = self.codes_NL[id_BG], torch.ones(1, dtype=torch.float64)
        logp_BGL = self.logp_NL.detach()[id_BG].requires_grad_()
        there_BG = torch.ones_like(rewards_BG, dtype=torch.bool)
        right_BGL = tokens.pop("right_BGL", torch.ones_like(codes_BGL).bool())
        own_BGL = tokens.pop("advantages_BGL", None)
        if own_BGL is None:
            scored = Scored(rewards_BG, rewards_BG[None], one, None)
            own_BGL = advantages(spec, scored, codes_BGL, right_BGL, there_BG)
        as_generated = {
            "logp_BGL": logp_BGL,
            "old_BGL": logp_BGL.detach(),
            "reference_BGL": logp_BGL.detach(),
            "codes_BGL": codes_BGL,
            "expert_BG": ~there_BG,
            "valid_BG": there_BG,
            "free_BGL": there_BG[..., None].expand(logp_BGL.shape),
            "propensity_BG": torch.ones_like(rewards_BG),
            "rewards_BG": rewards_BG,
        }
        found = loss(spec, Tokens(**as_generated | tokens), own_BGL)
        return -torch.autograd.grad(found.total, logp_BGL)[0]

    def pulled(self, id_BG, step_BGL):
        """Of the parameters, from that of log-probabilities."""
        return torch.autograd.grad(self.logp_NL[id_BG], self.theta_T, step_BGL)[0]

    def expected(self, spec, id_BG, chance_B, rewards_BG, **tokens):
        """Expected step of one group: of all of them by their probabilities."""
        assert not spec.drop_tied  # else groups of a batch are not independent
        mean_BGL = self.step(spec, id_BG, rewards_BG, **tokens)
        return self.pulled(id_BG, len(id_BG) * chance_B[:, None, None] * mean_BGL)

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


# Credit


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


# The divergence, as a term of the loss


def drawn_back(bandit, reference, kind):
    """The expected gradient of an estimate of the divergence from another bandit, as a loss."""
    id_BG, chance_B = bandit.groups(1)
    nothing_BGL = torch.zeros(*id_BG.shape, 2, dtype=torch.float64)
    return -bandit.expected(
        AlgorithmSpec(kl_estimator=kind),
        id_BG,
        chance_B,
        nothing_BGL[..., 0],
        advantages_BGL=nothing_BGL,
        reference_BGL=reference.logp_NL.detach()[id_BG],
    )


def divergence_of(own, other, chance_F):
    """KL of first codes, plus that of second ones by the chance of the first."""
    (log_F, log_FS), (far_F, far_FS) = own, other
    second_F = (log_FS.exp() * (log_FS - far_FS)).sum(1)
    return (log_F.exp() * (log_F - far_F)).sum() + chance_F @ second_F


def both(sizes):
    return Bandit(sizes), Bandit(sizes, seed=1)


@pytest.mark.parametrize("sizes", [(2, 3), (1, 5)])
def test_k1_and_k3_are_the_divergence_of_an_id_over_its_codes_and_k2_is_not(sizes):
    bandit, other = both(sizes)
    exact = divergence_of(bandit.tables, other.tables, bandit.tables[0].exp()) / 2
    reference_NL, logp_NL = other.logp_NL.detach(), bandit.logp_NL.detach()
    kl = {}
    for kind in ("k1", "k2", "k3"):
        mean_N = divergence(logp_NL, reference_NL, kind).mean(1)
        kl[kind] = (bandit.chance_N @ mean_N).item()
    assert kl["k1"] == pytest.approx(exact.item(), abs=1e-10)
    assert kl["k3"] == pytest.approx(exact.item(), abs=1e-10)
    off = {(2, 3): 0.801, (1, 5): 0.796}[sizes]
    assert kl["k2"] / exact.item() == pytest.approx(off, abs=1e-3)


@pytest.mark.parametrize("sizes", [(2, 3), (1, 5)])
def test_k1_as_a_loss_teaches_nothing(sizes):
    bandit, other = both(sizes)
    same(drawn_back(bandit, other, "k1"), torch.zeros_like(bandit.theta_T))


@pytest.mark.parametrize("sizes", [(2, 3), (1, 5)])
def test_k2_as_a_loss_has_the_gradient_of_the_divergence_code_by_code(sizes):
    """Of each code after a prefix that is taken as given: what it leads to is not its concern."""
    bandit, other = both(sizes)
    given_F = bandit.tables[0].exp().detach()
    found = drawn_back(bandit, other, "k2")
    same(found, bandit.exact(divergence_of(bandit.tables, other.tables, given_F)) / 2)
    whole = bandit.exact(divergence_of(bandit.tables, other.tables, bandit.tables[0].exp())) / 2
    if sizes[0] == 1:
        same(found, whole)
    else:
        assert cosine(found, whole) == pytest.approx(0.9972, abs=1e-4)


@pytest.mark.parametrize("sizes", [(2, 3), (1, 5)])
def test_k3_as_a_loss_has_the_gradient_of_the_reverse_divergence_code_by_code(sizes):
    """Of the reference from the policy, after prefixes that the policy draws."""
    bandit, other = both(sizes)
    given_F = bandit.tables[0].exp().detach()
    reference = [table.detach() for table in other.tables]
    found = drawn_back(bandit, other, "k3")
    same(found, bandit.exact(divergence_of(reference, bandit.tables, given_F)) / 2)
    whole = bandit.exact(divergence_of(bandit.tables, other.tables, bandit.tables[0].exp())) / 2
    assert cosine(found, whole) == pytest.approx({1: 0.9457, 2: 0.9704}[sizes[0]], abs=1e-4)


# Experts


@pytest.mark.parametrize("experts", [(4,), (4, 2), (5, 5)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_centred_injection_is_the_exact_gradient_and_supervision_by_what_the_expert_has_ahead(
    size, experts
):
    """With n = G + K: G / n^2 times ((n - 1) grad J + sum over experts (R - J) grad log pi),
    but that experts are in each other's baseline.
    """
    bandit, number = Bandit(), size + len(experts)
    found = bandit.injected(centred(), REWARDS, size, experts)
    expected_reward = (bandit.chance_N @ REWARDS).item()
    mean = (size * expected_reward + REWARDS[list(experts)].sum().item()) / number
    pushed = sum((REWARDS[n] - mean) * bandit.score(n) for n in experts) / number
    same(found, size * (number - 1) / number**2 * bandit.gain(REWARDS) + pushed)
    if len(experts) == 1:
        ahead = REWARDS[experts[0]] - expected_reward
        same(pushed, size / number**2 * ahead * bandit.score(experts[0]))


def printed_advantages(rewards_BG):
    """(R - mean) / std, and 0 in a tied group."""
    own_BG = rewards_BG - rewards_BG.mean(1, keepdim=True)
    spread_B1 = rewards_BG.std(1, correction=0, keepdim=True)
    return torch.where(spread_B1 > 1e-6, own_BG / spread_B1.clamp(min=1e-6), 0.0)


@pytest.mark.parametrize("experts", [(4,), (4, 2)])
def test_vanilla_injection_is_a_push_of_the_rollouts_and_supervision_of_adaptive_weight(experts):
    """The experts' weight is their expected advantage; the rollouts' own are shifted by them."""
    bandit, size = Bandit(), 2
    number = size + len(experts)
    found = bandit.injected(spec_of(ratio="sequence"), REWARDS, size, experts)
    id_BG, chance_B = bandit.groups(size)
    expert_BK = torch.tensor(experts).expand(len(id_BG), -1)
    own_BG = printed_advantages(REWARDS[torch.cat([id_BG, expert_BK], 1)])
    score_NT = torch.stack([bandit.score(n) for n in range(6)])
    rollouts = torch.einsum("b,bg,bgt->t", chance_B, own_BG[:, :size], score_NT[id_BG]) / number
    weight_K = chance_B @ own_BG[:, size:] / number
    supervised = weight_K @ score_NT[list(experts)]
    same(found, rollouts + supervised)


@pytest.mark.parametrize(
    ("expert", "standardised", "centred_only"),
    [
        (2, (0.9796, 5.8775), (0.9828, 1.9726)),  # of reward 1, as the best id
        (4, (0.3981, 5.0243), (0.5646, 0.8220)),  # 0.6: better than what the policy draws, 0.38
        (3, (0.1567, 6.4507), (0.4469, 1.1310)),  # 0.1: worse
        (0, (-0.0509, 5.2454), (0.2534, 1.0471)),  # 0
    ],
)
def test_vanilla_injection_does_not_follow_the_expected_reward(expert, standardised, centred_only):
    """Cosine with the exact gradient, and length over its; without an expert 0.94 and 2.05
    standardised, 1 and 0.67 centred.
    """
    bandit, size = Bandit(), 2
    exact = bandit.gain(REWARDS)
    specs = {spec_of(ratio="sequence"): standardised, centred(): centred_only}
    for spec, measured in specs.items():
        found = bandit.injected(spec, REWARDS, size, (expert,))
        assert measured == pytest.approx(
            (cosine(found, exact), (found.norm() / exact.norm()).item()), abs=1e-4
        )


@pytest.mark.parametrize("experts", [(4,), (4, 2)])
@pytest.mark.parametrize("ratio", RATIOS)
def test_where_all_rollouts_tie_injection_is_supervision_of_matched_weight_and_nothing_else(
    ratio, experts
):
    """The exact gradient is 0: no id is better than another. The injected one is not."""
    bandit, size, level_N = Bandit(), 3, torch.full((6,), 0.1, dtype=torch.float64)
    assert bandit.gain(level_N).abs().max() < 1e-12
    found = bandit.injected(spec_of(ratio=ratio), level_N, size, experts, earned=1.0)
    supervised = sum(bandit.score(n) for n in experts) / len(experts)
    same(found, share_of(ratio) * matched_weight(size, len(experts)) * supervised)


def one_right(p):
    """A policy that draws the only right id, the fifth, with this probability."""
    chance_N = (1 - p) * torch.tensor([0.1, 0.3, 0.2, 0.3, 0, 0.1], dtype=torch.float64)
    chance_N[4] = p
    return Bandit.of(chance_N), (torch.arange(6) == 4).double()


def test_injecting_the_only_right_id_points_the_right_way_however_rare_the_id_is():
    """The exact gradient fades with the id's probability, the injected one does not."""
    size, lengths = 3, {}
    for p in (0.5, 1e-2, 1e-6):
        bandit, right_N = one_right(p)
        found, exact = bandit.injected(spec_of(), right_N, size, (4,)), bandit.gain(right_N)
        assert cosine(found, exact) == pytest.approx(1, abs=1e-10)
        lengths[p] = (found.norm().item(), exact.norm().item())
    supervised = share_of("token") * matched_weight(size, 1) * bandit.score(4)
    torch.testing.assert_close(found, supervised, atol=1e-5, rtol=0)
    assert lengths[0.5] == pytest.approx((0.2259, 0.2796), abs=1e-4)
    assert lengths[1e-6] == pytest.approx((0.3315, 1.5e-6), abs=1e-4)


def test_injection_moves_a_policy_that_is_at_its_best_where_the_expert_is_not():
    """What the log holds is then pushed down; the exact gradient is all but 0."""
    chance_N = torch.full((6,), 1e-5, dtype=torch.float64)
    chance_N[2] = 1 - 5e-5
    bandit = Bandit.of(chance_N)
    exact = bandit.gain(REWARDS).norm()
    assert exact < 1e-4
    for spec in (spec_of(ratio="sequence"), centred()):
        found = bandit.injected(spec, REWARDS, 3, (4,))
        assert found.norm() > 1e3 * exact
        assert found @ bandit.score(4) < 0
        best = bandit.injected(spec, REWARDS, 3, (2,))
        assert best.norm() < 1e-3


LOGGED = torch.tensor([0.1, 0.05, 0.05, 0.5, 0.2, 0.1], dtype=torch.float64)


def weighed(bandit, spec, advantage_N):
    """Expected step of one expert that the log drew, alone, of a given advantage."""
    id_BG = torch.arange(6)[:, None]
    return bandit.expected(
        spec,
        id_BG,
        LOGGED,
        advantage_N[id_BG],
        expert_BG=torch.ones_like(id_BG, dtype=torch.bool),
        propensity_BG=LOGGED[id_BG],
        advantages_BGL=advantage_N[id_BG][..., None].expand(-1, -1, 2),
    )


def test_known_propensities_without_a_cap_make_an_expert_as_good_as_a_generated_id():
    """For an advantage that is the id's own: E over the log == E over the policy."""
    bandit = Bandit()
    spec = centred(preset="propensity", propensity_cap=1e9)
    same(weighed(bandit, spec, REWARDS - 0.4), bandit.gain(REWARDS))


def test_with_a_baseline_too_the_injected_group_is_one_that_the_policy_drew():
    """G rollouts and a weighted expert: (n - 1) / n of the exact gradient with n = G + 1."""
    bandit, size = Bandit(), 2
    id_BG = torch.cartesian_prod(*[torch.arange(6)] * (size + 1))
    chance_B = bandit.chance_N.detach()[id_BG[:, :size]].prod(1) * LOGGED[id_BG[:, size]]
    expert_BG = (torch.arange(size + 1) == size).expand(id_BG.shape)
    given = {"expert_BG": expert_BG, "propensity_BG": LOGGED[id_BG]}
    spec = centred(preset="propensity", propensity_cap=1e9)
    found = bandit.expected(spec, id_BG, chance_B, REWARDS[id_BG], **given)
    same(found, size / (size + 1) * bandit.gain(REWARDS))
    vanilla = bandit.expected(centred(), id_BG, chance_B, REWARDS[id_BG], **given)
    assert cosine(vanilla, bandit.gain(REWARDS)) == pytest.approx(0.7605, abs=1e-4)
    weighed_std, vanilla_std = (
        bandit.expected(each, id_BG, chance_B, REWARDS[id_BG], **given)
        for each in (
            spec.model_copy(update={"advantage": "standardised"}),
            spec_of(ratio="sequence"),
        )
    )
    # Without experts standardised groups of three have 0.9377.
    assert cosine(weighed_std, bandit.gain(REWARDS)) == pytest.approx(0.9370, abs=1e-4)
    assert cosine(vanilla_std, bandit.gain(REWARDS)) == pytest.approx(0.4052, abs=1e-4)


def test_a_cap_biases_weights_of_propensities_the_less_the_higher_it_is():
    bandit = Bandit()
    exact, off = bandit.gain(REWARDS), []
    for cap in (0.5, 1, 2, 4, 8):
        spec = centred(preset="propensity", propensity_cap=cap)
        off.append(
            (weighed(bandit, spec, REWARDS - 0.4) - exact).norm().item() / exact.norm().item()
        )
    assert off == sorted(off, reverse=True)
    assert off == pytest.approx([0.869, 0.695, 0.359, 0.150, 0.089], abs=1e-3)


def test_luffy_learns_from_a_code_by_gamma_x_over_x_plus_gamma_squared():
    bandit, gamma = Bandit(), 0.1
    found = weighed(bandit, spec_of(preset="luffy", luffy_shape=gamma), REWARDS - 0.4)
    logp_NL = bandit.logp_NL
    x_NL = logp_NL.detach().exp()
    weight_NL = gamma * x_NL / (x_NL + gamma) ** 2
    value = ((LOGGED * (REWARDS - 0.4))[:, None] * weight_NL * logp_NL).sum() / 2
    same(found, bandit.exact(value))
    assert cosine(found, bandit.gain(REWARDS)) == pytest.approx(0.1880, abs=1e-4)


def test_luffy_as_published_is_biased():
    bandit = Bandit()
    for expert, measured in ((2, 0.9949), (4, 0.9472), (3, 0.8843), (0, 0.8750)):
        found = bandit.injected(spec_of(preset="luffy", group=3), REWARDS, 2, (expert,))
        assert cosine(found, bandit.gain(REWARDS)) == pytest.approx(measured, abs=1e-4)


# Preferences


def preferred(bandit, reference, sharpness):
    """Expected step of DPO on all pairs, one preferred with a chance by Bradley and Terry."""
    pairs = torch.tensor([pair for pair in product(range(6), repeat=2) if pair[0] != pair[1]])
    ahead_B = sharpness * (REWARDS[pairs[:, 0]] - REWARDS[pairs[:, 1]])
    chance_B = reference.chance_N.detach()[pairs].prod(1) * ahead_B.sigmoid()
    return bandit.expected(
        spec_of(preset="dpo", dpo_beta=0.5),
        pairs,
        chance_B,
        torch.tensor([1.0, 0.0]).double().expand(len(pairs), 2),
        reference_BGL=reference.logp_NL.detach()[pairs],
    )


def test_preferences_come_to_rest_where_log_ratios_differ_as_rewards_do():
    """At reference times exp(reward / beta), if preferences are as uncertain as rewards say."""
    reference = Bandit(seed=1)
    best = Bandit.of((reference.chance_N.detach().log() + REWARDS / 0.5).softmax(0))
    same(preferred(best, reference, 1.0), torch.zeros_like(best.theta_T))
    start = Bandit.of(reference.chance_N.detach())
    assert preferred(start, reference, 1.0) @ start.gain(REWARDS) > 0


def test_certain_preferences_never_come_to_rest():
    """Beyond any margin there still is a step to a wider one."""
    reference = Bandit(seed=1)

    def at(margin):
        return Bandit.of((reference.chance_N.detach().log() + margin * REWARDS).softmax(0))

    for margin in (0.5, 5.0, 50.0):
        wider_T = (at(margin + 0.01).theta_T - at(margin).theta_T).detach()
        assert preferred(at(margin), reference, 1e3) @ wider_T > 1e-6
