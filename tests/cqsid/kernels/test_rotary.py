import pytest
import torch

from cqsid.kernels.rotary import _plainly, turned_heads


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("heads", [(4, 2), (3, 3), (2, 1)])
def test_heads_and_gradients_have_the_bits_of_torch(rows, heads):
    make = torch.Generator().manual_seed(0)
    packed = torch.randn(3, 7, (heads[0] + 2 * heads[1]) * 12, generator=make)
    angle = torch.randn(rows, 7, 12, generator=make)
    found = []
    for turn in (turned_heads, _plainly):
        packed_BTQ = packed.clone().requires_grad_()
        parts = turn(packed_BTQ, angle.cos(), angle.sin(), heads)
        assert [part.shape for part in parts] == [(3, n, 7, 12) for n in (*heads, heads[1])]
        sum((part * (2 + part)).sum() for part in parts).backward()
        found.append((*parts, packed_BTQ.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)
