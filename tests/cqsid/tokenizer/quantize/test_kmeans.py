from dataclasses import replace

import numpy as np
import pytest

from cqsid.tokenizer.quantize.kmeans import ResidualKMeans
from cqsid.tokenizer.quantize.settings import KMeansSpec
from cqsid.tokenizer.scheme import Quantizer
from simulator.errors import ConfigError, DataError
from tests.cqsid.shop import later_items, tiny_signals

SIGNALS = tiny_signals(120)
ALL = np.arange(len(SIGNALS), dtype=np.int32)


def fitted(signals=SIGNALS, sizes=(8, 8, 8), **options):
    quantizer = ResidualKMeans(KMeansSpec(), sizes, **options)
    quantizer.fit(signals, rng=np.random.default_rng(0))
    return quantizer


def test_it_is_a_quantizer():
    assert isinstance(fitted(), Quantizer)


def test_only_known_items_are_learned_from():
    other_ID = SIGNALS.item_ID.copy()
    other_ID[~SIGNALS.known_I] = -1.0
    known_N = ALL[SIGNALS.known_I]
    np.testing.assert_array_equal(
        fitted(replace(SIGNALS, item_ID=other_ID)).codes(SIGNALS, known_N),
        fitted().codes(SIGNALS, known_N),
    )


@pytest.mark.parametrize("within_category", [False, True])
def test_new_items_get_codes_one_by_one_or_together(within_category):
    sizes = (SIGNALS.categories, 8, 8)
    quantizer, new_N = fitted(sizes=sizes, within_category=within_category), later_items(SIGNALS)
    together_NL = quantizer.codes(SIGNALS, new_N)
    alone_NL = [quantizer.codes(SIGNALS, new_N[n : n + 1])[0] for n in range(len(new_N))]
    np.testing.assert_array_equal(together_NL, alone_NL)
    assert together_NL.dtype == np.int32


def test_inside_a_category_the_first_code_is_the_category():
    quantizer = fitted(sizes=(SIGNALS.categories + 2, 8), within_category=True)
    first_I, told_I = quantizer.codes(SIGNALS, ALL)[:, 0], SIGNALS.category_I >= 0
    np.testing.assert_array_equal(first_I[told_I], SIGNALS.category_I[told_I])
    assert (~told_I).sum() > 0


def test_an_item_without_category_goes_to_the_nearest_category_mean():
    first_I = fitted(sizes=(SIGNALS.categories, 8), within_category=True).codes(SIGNALS, ALL)[:, 0]
    learned_I = SIGNALS.known_I & (SIGNALS.category_I >= 0)
    used = np.unique(SIGNALS.category_I[learned_I])
    means = np.array([SIGNALS.item_ID[learned_I & (SIGNALS.category_I == c)].mean(0) for c in used])
    for item in ALL[SIGNALS.category_I < 0]:
        d = ((SIGNALS.item_ID[item] - means) ** 2).sum(axis=1)
        assert d[used == first_I[item]] <= d.min() + 0.01  # the grid's rounding


def test_a_new_item_of_a_category_without_known_items_keeps_its_category():
    category_I = np.where(SIGNALS.known_I, 0, SIGNALS.categories - 1).astype(np.int32)
    signals = replace(SIGNALS, category_I=category_I)
    quantizer = fitted(signals, (SIGNALS.categories, 4), within_category=True)
    new_N = later_items(signals)
    assert (quantizer.codes(signals, new_N)[:, 0] == SIGNALS.categories - 1).all()


def test_too_few_first_codes_for_the_categories_are_refused():
    with pytest.raises(ConfigError, match=rf"sizes\[0\] == 2, must be >= {SIGNALS.categories}"):
        fitted(sizes=(2, 4), within_category=True)


def test_a_vector_that_is_no_number_is_named_by_its_item():
    item_ID = SIGNALS.item_ID.copy()
    item_ID[9, 2] = np.nan
    with pytest.raises(DataError, match=r"item_ID\[9, 2\] == nan"):
        fitted(replace(SIGNALS, item_ID=item_ID))
    with pytest.raises(DataError, match=r"item_ID\[9, 2\] == nan"):
        fitted().codes(replace(SIGNALS, item_ID=item_ID), np.array([3, 9], np.int32))


def test_a_shop_without_any_known_item_is_refused():
    with pytest.raises(DataError, match="must be"):
        fitted(replace(SIGNALS, known_I=np.zeros(len(SIGNALS), np.bool_)))
