import math

import pytest
import torch
from hypothesis import given, strategies as st

from cqsid.alignment.objective.advantages import group_advantages
from cqsid.alignment.objective.losses import (
    Tokens,
    averaged,
    divergence,
    dpo,
    matched_weight,
    surrogate,
)
from cqsid.alignment.settings import AlgorithmSpec


def tensor(values, **options):
    return torch.tensor(values, dtype=torch.float64, **options)


def test_averages_are_of_codes_then_ids_then_groups():
    values_BGL = tensor([[[1, 3], [5, 100]], [[7, 7], [100, 100]], [[100, 100], [100, 100]]])
    counted_BGL = torch.tensor(
        [[[1, 1], [1, 0]], [[1, 1], [0, 0]], [[0, 0], [0, 0]]], dtype=torch.bool
    )
    kept_B = torch.tensor([True, True, True])
    assert averaged(values_BGL, counted_BGL, kept_B).item() == pytest.approx((3.5 + 7 + 0) / 3)
    kept_B = torch.tensor([True, False, False])
    assert averaged(values_BGL, counted_BGL, kept_B).item() == pytest.approx(3.5)
    assert averaged(values_BGL, counted_BGL, torch.zeros(3, dtype=torch.bool)).item() == 0


def test_what_is_not_counted_may_be_anything():
    values_BGL = tensor([[[1, math.nan], [math.inf, math.nan]]])
    counted_BGL = torch.tensor([[[True, False], [False, False]]])
    assert averaged(values_BGL, counted_BGL, torch.tensor([True])).item() == 1


def test_the_clip_holds_back_only_what_would_go_further():
    ratio_BGL = tensor([[[1.5, 0.5, 1.1, 1.5, 0.5]]], requires_grad=True)
    advantages_BGL = tensor([[[1, 1, 1, -1, -1]]])
    loss_BGL, clipped_BGL = surrogate(ratio_BGL, advantages_BGL, 0.2, 0.28)
    assert loss_BGL[0, 0].tolist() == pytest.approx([-1.28, -0.5, -1.1, 1.5, 0.8])
    assert clipped_BGL[0, 0].tolist() == [True, False, False, False, True]
    gradient = torch.autograd.grad(loss_BGL.sum(), ratio_BGL)[0][0, 0]
    assert gradient.tolist() == [0, -1, -1, 1, 0]


def test_estimators_of_the_divergence_equal_hand_checked_values():
    logp_BGL, reference_BGL = tensor([[[-1.0, -2.0]]]), tensor([[[-1.5, -1.0]]])
    found = {k: divergence(logp_BGL, reference_BGL, k)[0, 0].tolist() for k in ("k1", "k2", "k3")}
    assert found["k1"] == pytest.approx([0.5, -1.0])
    assert found["k2"] == pytest.approx([0.125, 0.5])
    assert found["k3"] == pytest.approx([math.exp(-0.5) + 0.5 - 1, math.e - 1 - 1])


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_k1_and_k3_are_the_divergence_in_expectation_and_k1_has_no_expected_gradient(sizes, random):
    logits_K = torch.tensor(sizes, dtype=torch.float64).log().requires_grad_()
    logp_K = logits_K.log_softmax(0)
    other = [random.random() for _ in sizes]
    reference_K = torch.tensor(other, dtype=torch.float64).log_softmax(0)
    exact = (logp_K.exp() * (logp_K - reference_K)).sum()
    sampled_K = logp_K.exp().detach()
    for kind in ("k1", "k3"):
        estimate = (sampled_K * divergence(logp_K, reference_K, kind)).sum()
        assert estimate.item() == pytest.approx(exact.item(), abs=1e-9)
    k1 = (sampled_K * divergence(logp_K, reference_K, "k1")).sum()
    gradient = torch.autograd.grad(k1, logits_K)[0]
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-9, rtol=0)


def pair(rewards, valid=(True, True, True), free=True, **changes):
    logp_BGL = tensor([[[-1.0, -2.0], [-1.0, -1.0], [-3.0, -1.0]]], requires_grad=True)
    reference_BGL = tensor([[[-1.5, -2.5], [-1.0, -1.0], [-2.0, -1.5]]])
    free_BGL = torch.full((1, 3, 2), True)
    free_BGL[0, 0, 0] = free
    tokens = Tokens(
        logp_BGL=logp_BGL,
        old_BGL=logp_BGL.detach(),
        reference_BGL=reference_BGL,
        codes_BGL=torch.zeros(1, 3, 2),
        expert_BG=torch.full((1, 3), False),
        valid_BG=torch.tensor([valid]),
        free_BGL=free_BGL,
        propensity_BG=torch.ones(1, 3),
        rewards_BG=tensor([rewards]),
    )
    loss_B = dpo(tokens, **({"beta": 0.1, "tie": 0.0} | changes))
    return loss_B, torch.autograd.grad(loss_B.sum(), logp_BGL)[0][0]


def test_dpo_prefers_the_best_id_of_a_group_to_its_worst():
    loss_B, gradient_GL = pair([1.0, 0.5, 0.0])
    margin = 0.1 * (1.0 - -0.5)  # gains over the reference: 1.0 and -0.5
    assert loss_B.item() == pytest.approx(math.log(1 + math.exp(-margin)))
    pull = 0.1 / (1 + math.exp(margin))
    torch.testing.assert_close(gradient_GL, tensor([[-pull] * 2, [0, 0], [pull] * 2]))


def test_dpo_learns_nothing_from_a_tie_and_nothing_of_empty_places():
    loss_B, gradient_GL = pair([1.0, 1.0, 1.0])
    assert loss_B.item() == 0
    assert not gradient_GL.any()
    _, gradient_GL = pair([1.0, 0.5, math.nan], valid=(True, True, False))
    assert gradient_GL.any(-1).tolist() == [True, True, False]


def test_dpo_takes_forced_codes_for_nobodys_merit():
    free, _ = pair([1.0, 0.5, 0.0], free=False)
    assert free.item() == pytest.approx(math.log(1 + math.exp(-0.1 * (0.5 - -0.5))))


@pytest.mark.parametrize(("group", "experts"), [(8, 2), (8, 4), (3, 1)])
def test_supervised_learning_of_matched_weight_pushes_experts_as_hard_as_injection(group, experts):
    rewards_BG = tensor([[0.1] * group + [1.0] * experts])
    valid_BG = torch.ones((1, group + experts), dtype=torch.bool)
    own_BG = group_advantages(rewards_BG, valid_BG, AlgorithmSpec(epsilon=0.0, tie=0.0))
    push = own_BG[0, group:].sum() / (group + experts)  # of ids of which each has gradient 1
    assert matched_weight(group, experts) == pytest.approx(push.item())
    assert matched_weight(8, 2) == pytest.approx(0.40)
