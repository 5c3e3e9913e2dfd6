import numpy as np
import pytest
from scipy.stats import chisquare

from cqsid.tokenizer.scheme import Quantizer
from cqsid.tokenizer.schemes.random_ids import RandomCodes

SIZES = (12, 8, 4)  # one divides the other, so that levels could repeat each other
ITEMS = np.arange(20_000, dtype=np.int32)


def fitted(seed=0):
    quantizer = RandomCodes(SIZES)
    quantizer.fit(None, rng=np.random.default_rng(seed))
    return quantizer


def test_random_codes_are_a_quantizer():
    assert isinstance(fitted(), Quantizer)


@pytest.mark.parametrize("seed", [0, 1])
def test_codes_are_uniform_and_independent_between_levels(seed):
    codes_NL = fitted(seed).codes(None, ITEMS)
    cell_N = (codes_NL[:, 0] * 8 + codes_NL[:, 1]) * 4 + codes_NL[:, 2]
    assert chisquare(np.bincount(cell_N, minlength=384)).pvalue > 1e-3


def test_neighbouring_items_do_not_follow_each_other():
    first_N = fitted().codes(None, ITEMS)[:, 0].astype(int)
    cell_N = first_N[1:] * 12 + first_N[:-1]
    assert chisquare(np.bincount(cell_N, minlength=144)).pvalue > 1e-3


def test_a_code_depends_on_item_and_seed_alone():
    quantizer = fitted()
    codes_NL = quantizer.codes(None, ITEMS)
    np.testing.assert_array_equal(quantizer.codes(None, ITEMS[[77, 3]]), codes_NL[[77, 3]])
    assert (fitted(1).codes(None, ITEMS) != codes_NL).any()
