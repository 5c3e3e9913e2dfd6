import math
from dataclasses import replace

import pytest
import torch

from cqsid.alignment.objective.losses import Tokens, matched_weight
from cqsid.alignment.objective.objective import Scored, advantages, loss
from cqsid.alignment.settings import AlgorithmSpec
from simulator.errors import ConfigError

GROUPS, IDS, LEVELS, EXPERTS = 5, 10, 3, 2


def drawn(seed=0):
    """Five groups of eight generated ids and two experts; the third group ties."""
    rng = torch.Generator().manual_seed(seed)

    def noise(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=rng)

    shape = (GROUPS, IDS, LEVELS)
    logp_BGL = -1.5 + 0.5 * noise(*shape)
    parts_CBG = torch.randint(0, 3, (2, GROUPS, IDS), generator=rng).double()
    parts_CBG[:, 2] = 1.0
    weight_C = torch.tensor([1.0, 0.3], dtype=torch.float64)
    total_BG = torch.einsum("cbg,c->bg", parts_CBG, weight_C)
    expert_BG = torch.arange(IDS).expand(GROUPS, IDS) >= IDS - EXPERTS
    valid_BG = torch.ones((GROUPS, IDS), dtype=torch.bool)
    valid_BG[1, -1] = False
    tokens = Tokens(
        logp_BGL=logp_BGL,
        old_BGL=logp_BGL + 0.3 * noise(*shape),
        reference_BGL=logp_BGL + 0.3 * noise(*shape),
        codes_BGL=torch.randint(0, 2, shape, generator=rng),
        expert_BG=expert_BG,
        valid_BG=valid_BG,
        free_BGL=torch.ones(shape, dtype=torch.bool),
        propensity_BG=torch.full((GROUPS, IDS), 0.01, dtype=torch.float64),
        rewards_BG=total_BG,
    )
    return Scored(total_BG, parts_CBG, weight_C, None), tokens


def right_of(tokens):
    """Codes equal to those of the last id."""
    return (tokens.codes_BGL == tokens.codes_BGL[:, -1:]).int().cumprod(-1).bool()


def run(spec, scored, tokens, right_BGL=None):
    """Advantages, loss, and the gradient of the log-probabilities."""
    logp_BGL = tokens.logp_BGL.detach().clone().requires_grad_()
    tokens = replace(tokens, logp_BGL=logp_BGL)
    right_BGL = right_of(tokens) if right_BGL is None else right_BGL
    own_BGL = advantages(spec, scored, tokens.codes_BGL, right_BGL, tokens.valid_BG)
    found = loss(spec, tokens, own_BGL)
    found.total.backward()
    return own_BGL, found, logp_BGL.grad


def without_experts(scored, tokens):
    """The generated ids alone, all places valid."""
    cut = slice(0, IDS - EXPERTS)
    columns = {name: getattr(tokens, name)[:, cut] for name in tokens.__dataclass_fields__}
    return Scored(
        scored.total_BG[:, cut], scored.parts_CBG[..., cut], scored.weight_C, None
    ), Tokens(**columns)


def printed(scored, tokens, *, low, high, beta, ratio, keep=None, std=True):
    """The equations of the papers for ids of one length, group by group, code by code."""
    losses = []
    for b in range(GROUPS):
        rewards_G = scored.total_BG[b]
        own_G = rewards_G - rewards_G.mean()
        if std:
            own_G = own_G / (rewards_G.std(correction=0) + 1e-6)
        terms = []
        for i in range(len(rewards_G)):
            log_L = tokens.logp_BGL[b, i] - tokens.old_BGL[b, i]
            for t in range(LEVELS):
                r = {"token": log_L[t], "sequence": log_L.sum(), "sequence_mean": log_L.mean()}
                r = math.exp(r[ratio])
                clipped = min(max(r, 1 - low), 1 + high)
                ahead = tokens.reference_BGL[b, i, t] - tokens.logp_BGL[b, i, t]
                k3 = math.exp(ahead) - ahead - 1
                terms.append(min(r * own_G[i], clipped * own_G[i]) - beta * k3)
        losses.append(-sum(terms) / len(terms))
    kept = [each for b, each in enumerate(losses) if keep is None or keep(scored.total_BG[b])]
    return float(sum(kept) / len(kept))


def untied(rewards_G):
    return rewards_G.max() > rewards_G.min()


@pytest.mark.parametrize(
    ("preset", "equations"),
    [
        ("grpo", {"low": 0.2, "high": 0.2, "beta": 1.0, "ratio": "token"}),
        ("dr_grpo", {"low": 0.2, "high": 0.2, "beta": 0.0, "ratio": "token", "std": False}),
        ("dapo", {"low": 0.2, "high": 0.28, "beta": 0.0, "ratio": "token", "keep": untied}),
        ("gspo", {"low": 3e-4, "high": 4e-4, "beta": 1.0, "ratio": "sequence_mean"}),
    ],
)
def test_losses_equal_the_equations_of_the_papers(preset, equations):
    scored, tokens = without_experts(*drawn())
    _, found, _ = run(AlgorithmSpec(preset=preset), scored, tokens)
    assert found.total.item() == pytest.approx(printed(scored, tokens, **equations), abs=1e-9)
    assert 0 < found.clipped.item() < 1


def test_the_loss_of_eg_grpo_takes_experts_as_if_generated():
    scored, tokens = drawn()
    tokens = replace(tokens, valid_BG=torch.ones_like(tokens.valid_BG))
    spec = AlgorithmSpec(preset="eg_grpo", kl_weight=0.0)
    _, found, _ = run(spec, scored, tokens)
    expected = printed(scored, tokens, low=0.2, high=0.2, beta=0.0, ratio="sequence")
    assert found.total.item() == pytest.approx(expected, abs=1e-9)


def tied_but_for_experts(tokens):
    """All generated ids earn 0.1, all experts 1.0; the policy is still the one that sampled."""
    total_BG = torch.where(tokens.expert_BG, 1.0, 0.1).double()
    tokens = replace(
        tokens,
        valid_BG=torch.ones_like(tokens.valid_BG),
        old_BGL=tokens.logp_BGL,
        rewards_BG=total_BG,
    )
    return Scored(total_BG, total_BG[None], torch.ones(1, dtype=torch.float64), None), tokens


def test_supervised_learning_of_matched_weight_has_eg_grpos_gradient_on_experts():
    scored, tokens = tied_but_for_experts(drawn()[1])
    injected = AlgorithmSpec(preset="eg_grpo", kl_weight=0.0, epsilon=0.0)
    supervised = AlgorithmSpec(preset="sft")
    assert supervised.sft_weight == pytest.approx(matched_weight(8, 2))
    _, _, expected = run(injected, scored, tokens)
    _, _, found = run(supervised, scored, tokens)
    expert_BG = tokens.expert_BG
    torch.testing.assert_close(found[expert_BG], expected[expert_BG])
    assert (found[expert_BG] < 0).all()
    assert not found[~expert_BG].any()
    # What supervised learning lacks is the equal push on the rollouts.
    assert expected[~expert_BG].sum().item() == pytest.approx(-expected[expert_BG].sum().item())


def test_a_token_ratio_is_matched_by_the_likelihood_of_a_code():
    scored, tokens = tied_but_for_experts(drawn()[1])
    changes = {"ratio": "token", "kl_weight": 0.0, "epsilon": 0.0}
    _, _, expected = run(AlgorithmSpec(preset="eg_grpo", **changes), scored, tokens)
    _, _, found = run(AlgorithmSpec(preset="sft", **changes), scored, tokens)
    torch.testing.assert_close(found[tokens.expert_BG], expected[tokens.expert_BG])


@pytest.mark.parametrize("preset", ["grpo", "eg_grpo", "gspo", "gdpo", "luffy", "gated", "dpo"])
def test_empty_places_and_forced_codes_get_no_gradient_and_change_nothing(preset):
    scored, tokens = drawn()
    free_BGL = tokens.free_BGL.clone()
    free_BGL[:, : IDS - EXPERTS, 0] = False
    tokens = replace(tokens, free_BGL=free_BGL)
    spec = AlgorithmSpec(preset=preset)
    _, found, gradient = run(spec, scored, tokens)
    counted_BGL = free_BGL & tokens.valid_BG[..., None]
    assert gradient[counted_BGL].any()
    assert not gradient[~counted_BGL].any()
    other = replace(
        tokens,
        logp_BGL=torch.where(counted_BGL, tokens.logp_BGL, -7.0),
        old_BGL=torch.where(counted_BGL, tokens.old_BGL, -1.0),
        reference_BGL=torch.where(counted_BGL, tokens.reference_BGL, -2.0),
        rewards_BG=torch.where(tokens.valid_BG, tokens.rewards_BG, 1e9),
    )
    total_BG = torch.where(tokens.valid_BG, scored.total_BG, 1e9)
    parts_CBG = torch.where(tokens.valid_BG, scored.parts_CBG, -1e9)
    changed = Scored(total_BG, parts_CBG, scored.weight_C, None)
    _, same, _ = run(spec, changed, other, right_of(tokens))
    assert same.total.item() == pytest.approx(found.total.item(), abs=1e-12)


def test_an_id_whose_codes_were_all_forced_is_no_id_of_its_group():
    scored, tokens = without_experts(*drawn())
    free_BGL = tokens.free_BGL.clone()
    free_BGL[:, 0] = False
    spec = AlgorithmSpec(kl_weight=0.0)
    own_BGL, found, _ = run(spec, scored, replace(tokens, free_BGL=free_BGL))
    rest = {name: getattr(tokens, name)[:, 1:] for name in tokens.__dataclass_fields__}
    expected = loss(spec, Tokens(**rest), own_BGL[:, 1:])
    assert found.total.item() == pytest.approx(expected.total.item())


def test_the_divergence_is_that_of_generated_ids():
    scored, tokens = drawn()
    expert_BG1 = tokens.expert_BG[..., None]
    far = replace(tokens, reference_BGL=torch.where(expert_BG1, -9.0, tokens.reference_BGL))
    _, near, _ = run(AlgorithmSpec(preset="eg_grpo"), scored, tokens)
    _, same, _ = run(AlgorithmSpec(preset="eg_grpo"), scored, far)
    assert near.kl.item() == same.kl.item() > 0
    log_r = (tokens.reference_BGL - tokens.logp_BGL)[:, : IDS - EXPERTS]
    assert near.kl.item() == pytest.approx((log_r.exp() - 1 - log_r).mean().item())


def test_a_total_is_the_sum_of_its_weighted_terms():
    scored, tokens = drawn()
    spec = AlgorithmSpec(preset="eg_grpo", kl_weight=0.7, sft_weight=0.2)
    _, found, _ = run(spec, scored, tokens)
    expected = found.policy + 0.7 * found.kl + 0.2 * found.sft
    assert found.total.item() == pytest.approx(expected.item())
    likelihood_BG = tokens.logp_BGL.sum(-1)[:, -EXPERTS:]
    likelihood_BG[1, -1] = likelihood_BG[1, 0]  # the only one it has
    assert found.sft.item() == pytest.approx(-likelihood_BG.mean().item())


def test_a_term_without_weight_cannot_spoil_a_loss():
    scored, tokens = drawn()
    tokens = replace(tokens, reference_BGL=torch.full_like(tokens.reference_BGL, torch.inf))
    _, found, gradient = run(AlgorithmSpec(preset="eg_grpo", kl_weight=0.0), scored, tokens)
    assert found.total.isfinite()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("preset", ["dapo", "dpo", "sft"])
def test_a_batch_of_ties_alone_gives_a_loss_of_0_if_ties_are_dropped(preset):
    scored, tokens = drawn()
    level = torch.ones_like(scored.total_BG)
    tied = Scored(level, level[None], torch.ones(1, dtype=torch.float64), None)
    spec = AlgorithmSpec(preset=preset, drop_tied=True)
    own_BGL, found, gradient = run(spec, tied, replace(tokens, rewards_BG=level))
    assert not own_BGL.any()
    assert found.total.item() == 0
    assert not gradient.any()


def test_level_credit_uses_rewards_of_codes_where_there_are_any():
    scored, tokens = without_experts(*drawn())
    spec = AlgorithmSpec(preset="level_credit", epsilon=0.0)
    levels_BGL = torch.zeros_like(tokens.logp_BGL)
    levels_BGL[:, 0, 1] = 1.0
    own_BGL, _, _ = run(spec, replace(scored, levels_BGL=levels_BGL), tokens)
    assert own_BGL[0, 0].tolist() == pytest.approx([0.0, math.sqrt(7), 0.0])
    inferred_BGL, _, _ = run(spec, scored, tokens)
    assert inferred_BGL[0, 0, 0] != 0


def test_gated_credit_gives_a_code_after_a_wrong_first_code_nothing():
    scored, tokens = without_experts(*drawn())
    spec = AlgorithmSpec(preset="gated")
    wrong_BGL = torch.zeros_like(tokens.free_BGL)
    own_BGL, _, _ = run(spec, scored, tokens, wrong_BGL)
    assert own_BGL[..., 0].any()
    assert not own_BGL[..., 1:].any()
    open_BGL, _, _ = run(spec, scored, tokens, ~wrong_BGL)
    level_BGL, _, _ = run(AlgorithmSpec(preset="level_credit"), scored, tokens)
    torch.testing.assert_close(open_BGL, level_BGL)


def test_the_last_level_weight_goes_for_all_further_levels():
    scored, tokens = without_experts(*drawn())
    plain_BGL, _, _ = run(AlgorithmSpec(), scored, tokens)
    spec = AlgorithmSpec(preset="prefix_grpo")
    own_BGL, _, _ = run(spec, scored, tokens)
    torch.testing.assert_close(own_BGL, plain_BGL * torch.tensor([1.0, 0.5, 0.5]))
    with pytest.raises(ConfigError, match=r"level_weights == \(1.0, 1.0, 1.0, 1.0\), must be at"):
        run(AlgorithmSpec(credit="prefix", level_weights=(1.0,) * 4), scored, tokens)


def test_separate_advantages_cannot_be_split_over_levels_or_lists():
    for credit in ("level", "gated", "list"):
        with pytest.raises(ValueError, match=r"must be sequence or prefix for separate"):
            AlgorithmSpec(advantage="separate", credit=credit)


def test_ids_that_do_not_exist_cannot_be_sampled_where_they_have_no_probability():
    with pytest.raises(ValueError, match=r"constrained == False, must be True for policy legal"):
        AlgorithmSpec(policy="legal", constrained=False)


@pytest.mark.parametrize("preset", ["eg_grpo", "luffy", "propensity", "sft"])
def test_a_batch_without_experts_still_has_a_gradient(preset):
    scored, tokens = drawn()
    tokens = replace(
        tokens,
        expert_BG=torch.zeros_like(tokens.expert_BG),
        valid_BG=tokens.valid_BG & ~tokens.expert_BG,
    )
    _, found, gradient = run(AlgorithmSpec(preset=preset), scored, tokens)
    assert gradient.isfinite().all()
    assert gradient.any().item() == (preset != "sft")
    assert found.sft.item() == 0


@pytest.mark.parametrize("off_policy", ["luffy", "propensity"])
def test_off_policy_experts_are_never_clipped(off_policy):
    scored, tokens = drawn()
    generated_BGL = torch.where(tokens.expert_BG[..., None], -9.0, tokens.logp_BGL)
    tokens = replace(tokens, old_BGL=generated_BGL)  # all that is off its ratio are experts
    _, as_generated, _ = run(AlgorithmSpec(preset="eg_grpo"), scored, tokens)
    spec = AlgorithmSpec(preset="eg_grpo", off_policy=off_policy)
    _, found, gradient = run(spec, scored, tokens)
    assert as_generated.clipped.item() > 0
    assert found.clipped.item() == 0
    assert gradient[tokens.expert_BG & tokens.valid_BG].any()


def test_the_likelihood_of_an_id_is_that_of_its_free_codes():
    scored, tokens = drawn()
    tokens = replace(tokens, valid_BG=torch.ones_like(tokens.valid_BG))
    free_BGL = tokens.free_BGL.clone()
    free_BGL[..., 0] = False
    _, found, _ = run(AlgorithmSpec(preset="sft"), scored, replace(tokens, free_BGL=free_BGL))
    expected = -tokens.logp_BGL[:, -EXPERTS:, 1:].sum(-1).mean()
    assert found.sft.item() == pytest.approx(expected.item())


BASES = {
    "objective": ({"preset": "eg_grpo", "sft_weight": 0.3}, {"objective": "sft"}),
    "dpo": ({"preset": "eg_grpo"}, {"objective": "dpo"}),
    "centred": ({}, {"advantage": "centred"}),
    "separate": ({}, {"advantage": "separate"}),
    "level": ({}, {"credit": "level"}),
    "prefix": ({"level_weights": (1.0, 0.5)}, {"credit": "prefix"}),
    "gated": ({"credit": "level"}, {"credit": "gated"}),
    "list": ({"group": 8}, {"credit": "list"}),
    "level_weights of prefixes": ({"credit": "prefix"}, {"level_weights": (1.0, 0.5)}),
    "level_weights of gates": ({"credit": "gated"}, {"level_weights": (1.0, 0.5)}),
    "list_size": ({"credit": "list"}, {"list_size": 2}),
    "centred lists": ({"credit": "list"}, {"advantage": "centred"}),
    "centred levels": ({"credit": "level"}, {"advantage": "centred"}),
    "sequence": ({}, {"ratio": "sequence"}),
    "sequence_mean": ({}, {"ratio": "sequence_mean"}),
    "clip_low": ({}, {"clip_low": 0.1}),
    "clip_high": ({}, {"clip_high": 0.1}),
    "drop_tied": ({}, {"drop_tied": True}),
    "luffy": ({"preset": "eg_grpo"}, {"off_policy": "luffy"}),
    "propensity": ({"preset": "eg_grpo"}, {"off_policy": "propensity"}),
    "luffy_shape": ({"preset": "luffy"}, {"luffy_shape": 0.5}),
    "propensity_cap": ({"preset": "propensity"}, {"propensity_cap": 0.5}),
    "mask_shared_prefix": ({}, {"mask_shared_prefix": True}),
    "kl_weight": ({}, {"kl_weight": 0.5}),
    "k1": ({}, {"kl_estimator": "k1"}),
    "k2": ({}, {"kl_estimator": "k2"}),
    "sft_weight": ({"preset": "eg_grpo"}, {"sft_weight": 0.1}),
    "dpo_beta": ({"preset": "dpo"}, {"dpo_beta": 0.5}),
    "tie": ({}, {"tie": 10.0}),
    "tie of pairs": ({"preset": "dpo"}, {"tie": 10.0}),
    "epsilon": ({}, {"epsilon": 0.5}),
    "epsilon of batches": ({"advantage": "separate"}, {"epsilon": 0.5}),
    "std": ({}, {"std": "sample"}),
    "std of batches": ({"advantage": "separate"}, {"std": "sample"}),
}


@pytest.mark.parametrize("option", BASES)
def test_every_option_changes_the_loss(option):
    base, change = BASES[option]
    lists = "list" in (base | change).values()
    scored, tokens = without_experts(*drawn()) if lists else drawn()
    _, before, _ = run(AlgorithmSpec(**base), scored, tokens)
    _, after, _ = run(AlgorithmSpec(**(base | change)), scored, tokens)
    assert after.total.item() != pytest.approx(before.total.item(), rel=1e-6)
