"""Expected gradients where experts join the group: what injection does, and its bias."""

import pytest
import torch

from cqsid.alignment.objective.losses import matched_weight
from tests.cqsid.alignment.bandit import (
    RATIOS,
    REWARDS,
    Bandit,
    centred,
    cosine,
    same,
    share_of,
    spec_of,
)


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
