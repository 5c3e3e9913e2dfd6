import numpy as np
import torch

from cqsid.tokenizer.quantize.codebook import (
    Codebook,
    cluster_partners,
    squared_distances,
    starting_codes,
    straight_through,
    sums_by_code,
)
from cqsid.tokenizer.quantize.contrast import diversity


def book(codes, **rules):
    return Codebook(torch.tensor(codes), batch=4, decay=0.5, **rules)


def generator():
    return torch.Generator().manual_seed(0)


def test_straight_through_has_the_quantised_value_and_the_gradient_of_identity():
    latent = torch.randn(5, 3, generator=generator(), requires_grad=True)
    quantised, weight = torch.zeros(5, 3), torch.randn(5, 3, generator=generator())
    passed = straight_through(latent, quantised)
    (passed * weight).sum().backward()
    torch.testing.assert_close(passed.detach(), quantised)
    torch.testing.assert_close(latent.grad, weight)


def test_moving_averages_by_hand():
    codes = book([[1.0, 0.0], [0.0, 4.0]])  # each starts with a count of 4 / 2 = 2
    codes.update(torch.tensor([[3.0, 2.0], [5.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 0, 0]))
    # count 0.5 * 2 + 0.5 * 3 = 2.5, sum 0.5 * (2, 0) + 0.5 * (9, 3) = (5.5, 1.5)
    torch.testing.assert_close(codes.count_K, torch.tensor([2.5, 1.0]))
    torch.testing.assert_close(codes.code_KD, torch.tensor([[2.2, 0.6], [0.0, 4.0]]))
    codes.update(torch.tensor([[2.0, 2.0]]), torch.tensor([1]))
    # count 0.5 * 1 + 0.5 = 1, sum 0.5 * (0, 4) + 0.5 * (2, 2) = (1, 3)
    torch.testing.assert_close(codes.count_K, torch.tensor([1.25, 1.0]))
    torch.testing.assert_close(codes.code_KD, torch.tensor([[2.2, 0.6], [1.0, 3.0]]))


def test_a_code_that_is_not_hit_for_very_long_stays_where_it_is():
    codes = book([[1.0, 2.0], [0.0, 0.0]])
    for _ in range(400):
        codes.update(torch.zeros(1, 2), torch.tensor([1]))
    assert codes.code_KD[0].tolist() == [1.0, 2.0]


def test_the_nearest_code_counts_prices_and_takes_the_first_of_equals():
    points = torch.tensor([[0.0, 0.0], [2.9, 0.0]])
    codes = [[3.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]
    assert book(codes).nearest(points).tolist() == [1, 0]
    priced = book(codes, price_K=torch.tensor([torch.inf, 9.0, 0.0]))
    assert priced.nearest(points).tolist() == [2, 1]  # 1 and 15.21, against 10 and 12.61


def test_a_dead_code_is_revived_on_a_vector_of_the_batch():
    codes = book([[0.0, 0.0], [99.0, 99.0]])
    batch = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    for _ in range(8):
        codes.update(batch, codes.nearest(batch))
        codes.restart(batch, generator())
    assert codes.code_KD[1].tolist() in batch.tolist()
    assert set(codes.nearest(batch).tolist()) == {0, 1}


def test_a_code_that_belongs_to_somebody_is_never_restarted():
    codes = book([[0.0, 0.0], [99.0, 99.0]], free_K=torch.tensor([True, False]))
    for _ in range(20):
        codes.update(torch.ones(3, 2), torch.zeros(3, dtype=torch.int64))
        codes.restart(torch.ones(3, 2), generator())
    assert codes.code_KD[1].tolist() == [99.0, 99.0]


def test_more_dead_codes_than_vectors_are_restarted_in_turn():
    codes = book([[9.0]] * 6)
    codes.count_K.zero_()
    codes.restart(torch.tensor([[1.0], [2.0]]), generator())
    assert sorted(codes.code_KD[:, 0].tolist()) == [1.0, 2.0, 9.0, 9.0, 9.0, 9.0]


def test_codes_start_near_all_the_points():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    points = centres.repeat(50, 1) + 0.1 * torch.randn(200, 2, generator=generator())
    codes = starting_codes(points, 16, generator())
    assert squared_distances(points, codes).argmin(dim=1).unique().numel() == 16
    left = points - codes[squared_distances(points, codes).argmin(dim=1)]
    assert left.square().sum(dim=1).max() < 0.2


def test_fewer_points_than_codes_start_several_codes_at_one_point():
    points = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    codes = starting_codes(points, 5, generator())
    assert {tuple(code) for code in codes.tolist()} == {(1.0, 2.0), (3.0, 4.0)}


def test_partners_are_other_codes_of_the_own_cluster_and_everyone_has_one_suitor():
    centres = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    codes = centres.repeat_interleave(8, dim=0) + torch.randn(24, 2, generator=generator())
    partner = cluster_partners(codes, 8, generator())
    assert sorted(partner.tolist()) == list(range(24))
    assert (partner != torch.arange(24)).all()
    assert (codes - codes[partner]).square().sum(dim=1).max() < 200
    assert cluster_partners(codes[:1], 8, generator()).tolist() == [0]


def test_sums_by_code_equal_a_loop():
    rng = np.random.default_rng(0)
    vectors, codes = rng.normal(size=(40, 3)).astype(np.float32), rng.integers(5, size=40)
    sums, counts = sums_by_code(torch.from_numpy(vectors), torch.from_numpy(codes), 6)
    for code in range(6):
        np.testing.assert_allclose(sums[code], vectors[codes == code].sum(axis=0), atol=1e-5)
        assert counts[code] == (codes == code).sum()


def test_descending_takes_a_step_as_long_as_that_of_the_averages():
    codes, batch = book([[1.0, 0.0], [0.0, 4.0]]), torch.tensor([[3.0, 2.0], [1.0, 2.0]])
    averaged = book([[1.0, 0.0], [0.0, 4.0]])
    # gradient of the mean over a batch of 4 of the squared distances to two vectors of code 0
    gradient = torch.zeros(2, 2)
    gradient[0] = 2.0 * (codes.code_KD[0] - batch).sum(dim=0) / 4.0
    codes.descend(gradient)
    averaged.update(batch, torch.tensor([0, 0]))
    torch.testing.assert_close(codes.code_KD, averaged.code_KD)
    torch.testing.assert_close(codes.sum_KD, codes.code_KD * codes.count_K[:, None])


def test_descending_leaves_codes_that_belong_to_somebody():
    codes = book([[1.0, 0.0], [0.0, 4.0]], free_K=torch.tensor([False, True]))
    codes.descend(torch.ones(2, 2))
    assert codes.code_KD[0].tolist() == [1.0, 0.0]
    assert codes.code_KD[1].tolist() != [0.0, 4.0]


def test_descending_lowers_the_diversity_loss():
    codes = Codebook(torch.randn(12, 4, generator=generator()), batch=12, decay=0.9)
    partner, used = cluster_partners(codes.code_KD, 4, generator()), torch.arange(12)
    losses = []
    for _ in range(30):
        leaf = codes.code_KD.clone().requires_grad_()
        loss = diversity(leaf, used, partner, temperature=0.5)
        codes.descend(torch.autograd.grad(loss, leaf)[0])
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
