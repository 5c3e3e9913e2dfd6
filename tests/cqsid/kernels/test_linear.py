import pytest
import torch
from torch.nn import functional as F

from cqsid.kernels import matmul
from cqsid.kernels.matmul import linear
from tests.cqsid.kernels.sets import HERE, go


@pytest.mark.parametrize("shape", [(5,), (3, 7), (1, 1), (2, 130)])
@pytest.mark.parametrize(("wide", "narrow"), [(40, 12), (12, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_torch(shape, wide, narrow, bias):
    make = torch.Generator().manual_seed(0)
    x = torch.randn(*shape, wide, generator=make, requires_grad=True)
    table = torch.randn(narrow + 9, wide, generator=make, requires_grad=True)
    offset = torch.randn(narrow, generator=make, requires_grad=True) if bias else None
    leaves = [x, table, *([offset] if bias else [])]
    results = []
    for product in (linear, F.linear):
        out = product(x, table[9:], offset)
        results.append((out, *torch.autograd.grad((out.sin() * out).sum(), leaves)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_gradients_of_what_needs_none_are_not_computed():
    x, weight = torch.ones(3, 4), torch.ones(2, 4, requires_grad=True)
    linear(x, weight).sum().backward()
    assert x.grad is None
    assert weight.grad.tolist() == [[3.0] * 4] * 2


def test_a_strided_input_is_read_as_it_stands():
    x, weight = torch.arange(24.0).view(4, 6).T, torch.arange(8.0).view(2, 4)
    torch.testing.assert_close(linear(x, weight), F.linear(x, weight))


def test_half_precision_is_left_to_torch():
    x, weight = torch.ones(5, 4, dtype=torch.bfloat16), torch.ones(2, 4, dtype=torch.bfloat16)
    assert linear(x, weight).dtype == torch.bfloat16


@pytest.mark.skipif("avx512_vnni" not in HERE, reason="oneDNN does not multiply here")
def test_onednn_is_handed_no_matrix_with_gaps(monkeypatch):
    """It would take its reference code: 16 ms in place of 0.02 for a head of 32 codes."""
    go(monkeypatch, "avx512_vnni")
    handed, onednn = [], torch.ops.mkldnn

    class Spy:
        def _linear_pointwise(self, x, weight_OD, *rest):
            handed.extend([x, weight_OD.T if weight_OD.T.is_contiguous() else weight_OD])
            return onednn._linear_pointwise(x, weight_OD, *rest)

    monkeypatch.setattr(matmul, "_onednn", Spy)
    one_level = torch.randn(50, 3, 12)[:, 1].requires_grad_()
    for head in (torch.randn(8, 12), torch.randn(30, 12), torch.randn(8, 20)[:, :12]):
        linear(one_level, head.requires_grad_()).sum().backward()
    assert len(handed) == 2 * 3 * 3  # forward, and for either gradient
    assert all(each.is_contiguous() for each in handed)
