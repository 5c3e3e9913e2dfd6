import numpy as np
import pytest

from cqsid.tokenizer.quantize.grid import Grid, finest
from simulator.errors import DataError

RNG = np.random.default_rng(0)


def test_rounding_keeps_all_but_a_thousandth_of_the_variance():
    x_ND = RNG.normal(3, 5, (2000, 64)).astype(np.float32)
    fitted = Grid.of(x_ND, x_ND.mean(axis=0))
    back_ND = fitted.round(x_ND) * fitted.step + fitted.mean_D
    assert ((back_ND - x_ND) ** 2).mean() < 1e-3 * x_ND.var()


def test_one_outlier_does_not_coarsen_the_grid():
    x_ND = RNG.normal(size=(2000, 8)).astype(np.float32)
    wild_ND = x_ND.copy()
    wild_ND[0] *= 1e6
    mean_D = np.zeros(8, np.float32)
    assert Grid.of(wild_ND, mean_D).step < 1.5 * Grid.of(x_ND, mean_D).step


def test_equal_vectors_round_without_a_step():
    x_ND = np.ones((5, 3), np.float32)
    assert not Grid.of(x_ND, x_ND[0]).round(x_ND).any()
    assert finest(np.zeros((2, 3), np.float32))[1] == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_component_that_is_no_number_is_named(bad):
    x_ND = np.zeros((4, 3), np.float32)
    x_ND[2, 1] = bad
    with pytest.raises(DataError, match=r"vectors\[2, 1\] == (nan|inf|-inf), must be a finite"):
        Grid(np.zeros(3, np.float32), 1.0, 127).round(x_ND, "vectors")
