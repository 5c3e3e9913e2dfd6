"""Expected values and gradients of the estimators of the divergence."""

import pytest
import torch

from cqsid.alignment.objective.losses import divergence
from cqsid.alignment.settings import AlgorithmSpec
from tests.cqsid.alignment.bandit import (
    Bandit,
    cosine,
    same,
)


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
