import pytest
import torch
from torch.nn import functional as F

from cqsid.kernels.norms import normed


@pytest.mark.parametrize("size", [4, 16, 24, 128])
@pytest.mark.parametrize("spread", [1e-4, 1.0, 1e4])
def test_it_computes_what_torch_computes(size, spread):
    make = torch.Generator().manual_seed(0)
    hidden_AD, scale_D = torch.randn(9, size, generator=make), torch.randn(size, generator=make)
    found_AD = normed(hidden_AD * spread, scale_D, 1e-6)
    expected_AD = F.rms_norm(hidden_AD * spread, (size,), scale_D, 1e-6)
    torch.testing.assert_close(found_AD, expected_AD, rtol=1e-5, atol=1e-6)
    assert torch.equal(normed(hidden_AD[3:4] * spread, scale_D, 1e-6), found_AD[3:4])
