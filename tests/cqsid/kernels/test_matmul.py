import pytest
import torch
from torch.nn import functional as F

from cqsid.kernels.matmul import Product, product, whole
from recall.device import one_thread
from recall.storage import saved_copy
from tests.cqsid.kernels.sets import every_way, go


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


X, WEIGHT = (
    torch.randn(200, 24, generator=torch.Generator().manual_seed(0)),
    torch.randn(10, 24, generator=torch.Generator().manual_seed(1)),
)
OTHER, BIAS = X[:, :10] + 1, torch.arange(10.0)
NARROW = torch.randn(9, 24, generator=torch.Generator().manual_seed(2))


@every_way
@pytest.mark.parametrize("bias", [None, BIAS])
@torch.inference_mode()
def test_a_product_computes_what_torch_computes(instructions, bias, monkeypatch):
    go(monkeypatch, instructions)
    product, plain = Product(WEIGHT, bias), F.linear(X, WEIGHT, bias)
    for found, expected in (
        (product(X), plain),
        (product(X, silu=True), F.silu(plain)),
        (product.plus(X, OTHER), plain + OTHER),
        (product.times(X, OTHER), plain * OTHER),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@every_way
@torch.inference_mode()
@pytest.mark.parametrize("weight", [WEIGHT, NARROW])
def test_a_row_has_the_same_bits_in_any_company(instructions, weight, monkeypatch):
    go(monkeypatch, instructions)
    product = Product(weight)
    for silu in (False, True):
        together = product(X, silu=silu)
        for first in (0, 13):
            for rows in (1, 2, 3, 4, 5, 7, 16, 31, 100):
                some = slice(first, first + rows)
                assert torch.equal(product(X[some], silu=silu), together[some])


@torch.inference_mode()
def test_the_rows_of_a_search_come_in_few_numbers_and_few_are_of_zeros(monkeypatch):
    go(monkeypatch, "avx512_vnni")
    met = {rows: len(whole(X.new_ones(rows, 24))) for rows in range(2, 2049)}
    assert len(set(met.values())) <= 48
    assert all(rows <= found <= max(rows + 15, 1.125 * rows) for rows, found in met.items())
    padded = whole(X[:27])
    assert torch.equal(padded[:27], X[:27])
    assert not padded[27:].any()


@every_way
@torch.inference_mode()
def test_a_product_keeps_its_matrix_and_survives_pickling(instructions, monkeypatch):
    go(monkeypatch, instructions)
    weight = WEIGHT.clone()
    product = Product(weight, BIAS)
    before = product(X)
    weight.zero_()
    assert torch.equal(product(X), before)
    assert torch.equal(saved_copy(product)(X), before)


@every_way
@pytest.mark.parametrize("bias", [None, BIAS])
@torch.inference_mode()
def test_a_product_with_any_matrix_computes_what_torch_computes(instructions, bias, monkeypatch):
    go(monkeypatch, instructions)
    for x in (X, X[:60].view(3, 20, 24), X.view(24, 200).T):
        torch.testing.assert_close(product(x, WEIGHT, bias), F.linear(x, WEIGHT, bias))
    half = product(X.bfloat16(), WEIGHT.bfloat16())
    assert half.dtype == torch.bfloat16
