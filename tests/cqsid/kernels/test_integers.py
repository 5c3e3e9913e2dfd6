import numpy as np
import pytest

from cqsid.kernels.integers import IntegerProduct, products
from tests.cqsid.kernels.sets import every_way, go

RNG = np.random.default_rng(0)
SHAPES = [(1, 1, 1), (3, 5, 384), (70, 33, 384), (9, 16, 25), (9, 4, 3000), (256, 256, 64)]


def extremes(rows, dimensions):
    return RNG.choice([-128, 127], (rows, dimensions)).astype(np.int8)


@every_way
@pytest.mark.parametrize("shape", SHAPES)
def test_products_of_any_bytes_are_exact(shape, instructions, monkeypatch):
    go(monkeypatch, instructions)
    n, k, d = shape
    x_ND, y_KD = extremes(n, d), extremes(k, d)
    y_KD[0] = x_ND[0]  # nothing cancels
    found_NK = products(x_ND, y_KD)
    np.testing.assert_array_equal(found_NK, x_ND.astype(np.int64) @ y_KD.astype(np.int64).T)
    assert found_NK.dtype == np.int32
    assert found_NK.flags.c_contiguous


@every_way
def test_the_largest_sums_there_are_stay_exact(instructions, monkeypatch):
    go(monkeypatch, instructions)
    low_ND = np.full((7, 3000), -128, np.int8)
    assert (products(low_ND, low_ND) == 3000 * 128**2).all()


@every_way
def test_a_product_takes_rows_in_blocks(instructions, monkeypatch):
    go(monkeypatch, instructions)
    times_y, x_ND = IntegerProduct(extremes(20, 48)), extremes(100, 48)
    parts = [times_y(x_ND[at : at + 13]) for at in range(0, 100, 13)]
    np.testing.assert_array_equal(np.concatenate(parts), times_y(x_ND))
