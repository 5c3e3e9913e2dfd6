import numpy as np
import pytest
import torch

from cqsid.tokenizer.quantize.contrast import (
    alignment,
    bidirectional_info_nce,
    class_constraint,
    cluster_scale,
    dispersion,
    diversity,
)

QUERY = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
ITEM = torch.tensor([[1.0, 0.0], [0.0, 5.0], [4.0, 3.0]])
COSINE = np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.6], [0.6, 0.8, 0.96]])
ALL_OWN = torch.eye(3, dtype=torch.bool)


def cross_entropy(logits):
    return np.log(np.exp(logits).sum(axis=1)) - logits.diagonal()


def pairs(*others, own=(0, 1, 2)):
    pair = torch.zeros(3, 3, dtype=torch.bool)
    for row, column in [*others, *((one, one) for one in own)]:
        pair[row, column] = True
    return pair


def test_info_nce_is_the_mean_of_both_directions_by_hand():
    logits = COSINE / 0.5
    expected = (cross_entropy(logits).mean() + cross_entropy(logits.T).mean()) / 2
    found = bidirectional_info_nce(QUERY, ITEM, ALL_OWN, temperature=0.5)
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_another_logged_pair_of_the_batch_is_no_negative():
    logits = COSINE / 0.5
    logits[0, 2] = -np.inf
    expected = (cross_entropy(logits).mean() + cross_entropy(logits.T).mean()) / 2
    found = bidirectional_info_nce(QUERY, ITEM, pairs((0, 2)), temperature=0.5)
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_an_item_without_a_query_takes_no_part():
    logits = COSINE[:2, :2] / 0.5
    expected = (cross_entropy(logits).mean() + cross_entropy(logits.T).mean()) / 2
    query, item = (vectors.clone().requires_grad_() for vectors in (QUERY, ITEM))
    found = bidirectional_info_nce(query, item, pairs((1, 2), own=(0, 1)), temperature=0.5)
    found.backward()
    assert found.item() == pytest.approx(expected, rel=1e-6)
    assert not query.grad[2].any()
    assert not item.grad[2].any()
    assert item.grad[:2].any()


def test_a_batch_without_any_query_costs_nothing_and_teaches_nothing():
    item = ITEM.clone().requires_grad_()
    loss = bidirectional_info_nce(QUERY, item, pairs(own=()), temperature=0.1)
    loss.backward()
    assert loss.item() == 0.0
    assert not item.grad.any()


def test_alignment_goes_from_items_to_their_known_partners_only():
    known = torch.tensor([True, False, True])
    expected = cross_entropy(COSINE[np.ix_([0, 2], [0, 2])] / 0.5).mean()
    assert alignment(QUERY, ITEM, known, temperature=0.5).item() == pytest.approx(expected)
    assert alignment(QUERY, ITEM, known & False, temperature=0.5).item() == 0.0


def test_diversity_prefers_the_partner_to_all_codes_but_the_own():
    codes = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
    partner = torch.tensor([2, 1, 0])
    own = torch.tensor([0, 1])  # code 1 is alone in its cluster
    expected = 9.0 * (np.log(np.exp(0.0) + np.exp(0.6 / 0.5)) - 0.6 / 0.5)  # 9: mean square
    found = diversity(codes, own, partner, temperature=0.5)
    assert found.item() == pytest.approx(expected, rel=1e-6)
    assert diversity(codes, own[1:], partner, temperature=0.5).item() == 0.0


def test_diversity_of_codes_that_are_nothing_has_a_finite_gradient():
    for scale in (0.0, 1e-12, 1.0):
        codes = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * scale
        codes.requires_grad_()
        used, partner = torch.arange(3), torch.tensor([1, 2, 0])
        diversity(codes, used, partner, temperature=0.1).backward()
        assert codes.grad.abs().max() <= 100 * scale


def test_class_constraint_draws_items_of_one_category_together():
    vectors = torch.tensor([[1.0, 0.0], [3.0, 4.0], [0.0, 1.0], [1.0, 1.0]])
    category = torch.tensor([7, 7, 2, -1])
    pulls = [
        np.log(np.exp(0.6 / 0.5) + np.exp(0.0)) - 0.6 / 0.5,
        np.log(np.exp(0.6 / 0.5) + np.exp(0.8 / 0.5)) - 0.6 / 0.5,
    ]
    found = class_constraint(vectors, category, temperature=0.5)
    assert found.item() == pytest.approx(np.mean(pulls), rel=1e-6)


def test_class_constraint_of_strangers_is_nothing():
    vectors = torch.eye(3).requires_grad_()
    loss = class_constraint(vectors, torch.tensor([-1, 0, 1]), temperature=0.1)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.isfinite(vectors.grad).all()


def test_cluster_scale_is_zero_when_codes_are_used_evenly_and_grows_with_crowding():
    even = torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    crowded = torch.tensor([[0.0, 2.0], [0.0, 2.0]])
    share = 1.0 / (1.0 + np.exp(-2.0))
    expected = np.log(2) + share * np.log(share) + (1 - share) * np.log(1 - share)
    assert cluster_scale(even).item() == pytest.approx(0.0, abs=1e-6)
    assert cluster_scale(crowded).item() == pytest.approx(expected, rel=1e-5)


def test_dispersion_is_the_log_mean_exp_cosine_between_different_items():
    others = np.array([0.0, 0.6, 0.8])
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
    expected = np.log(np.exp(others / 0.5).mean())
    assert dispersion(vectors, temperature=0.5).item() == pytest.approx(expected, rel=1e-6)
    assert dispersion(vectors[:1], temperature=0.5).item() == 0.0
