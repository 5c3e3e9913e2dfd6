import pytest
import torch

from cqsid.kernels import logsumexp as partition
from cqsid.kernels.logsumexp import log_partition


def results(partition_of, rows, tokens, push=True, big=1.0):
    make = torch.Generator().manual_seed(0)
    hidden_ND = torch.randn(rows, 24, generator=make) * big
    head_VD = torch.randn(tokens, 24, generator=make)
    leaves = [hidden_ND.requires_grad_(), head_VD.requires_grad_()]
    found_N = partition_of(*leaves)
    return (found_N, *torch.autograd.grad((found_N * found_N.detach().cos()).sum(), leaves))


def of_torch(hidden_ND, head_VD):
    return torch.logsumexp(hidden_ND @ head_VD.T, dim=1)


@pytest.mark.parametrize(("rows", "tokens"), [(1, 1), (5, 16), (300, 77), (513, 130), (3, 4_001)])
@pytest.mark.parametrize("kept", [True, False])
def test_values_and_gradients_are_those_of_torch(rows, tokens, kept, monkeypatch):
    if not kept:
        monkeypatch.setattr(partition, "_KEPT", 0)
    for one, other in zip(
        *(results(f, rows, tokens) for f in (log_partition, of_torch)), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_large_logits_do_not_overflow():
    for one, other in zip(
        *(results(f, 9, 50, big=1e3) for f in (log_partition, of_torch)), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-2, rtol=1e-4)


def test_a_gradient_of_one_factor_alone():
    hidden_ND, head_VD = torch.ones(3, 4), torch.ones(5, 4)
    log_partition(hidden_ND.requires_grad_(), head_VD).sum().backward()
    assert head_VD.grad is None
    torch.testing.assert_close(hidden_ND.grad, torch.ones(3, 4))
    log_partition(hidden_ND.detach(), head_VD.requires_grad_()).sum().backward()
    torch.testing.assert_close(head_VD.grad, torch.full((5, 4), 3 / 5))


def test_half_precision_is_left_to_torch():
    one = torch.ones(2, 4, dtype=torch.bfloat16)
    assert log_partition(one, one).dtype == torch.float32


def test_without_gradients_nothing_is_kept():
    leaf = torch.ones(2, 4, requires_grad=True)
    with torch.no_grad():
        assert not log_partition(leaf, leaf).requires_grad
