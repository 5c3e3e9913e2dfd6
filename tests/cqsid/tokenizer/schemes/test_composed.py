from functools import partial

import numpy as np
import pytest

from cqsid.tokenizer.scheme import Scheme
from cqsid.tokenizer.schemes.composed import ComposedScheme, auto_codes
from cqsid.tokenizer.schemes.finish import Plain
from cqsid.tokenizer.schemes.splitting import AtRandom, Splitting
from recall.storage import saved_copy
from simulator.errors import ContractError, DataError
from tests.cqsid.shop import later_items, tiny_signals
from tests.cqsid.tokenizer.schemes.fakes import FixedCodes, FixedSizes, clustered

SIGNALS = tiny_signals()
CODES = clustered(20, 30, 10)


def make(sizes, draws=0, codes_IL=CODES, found=(1, 3)):
    return FixedCodes(codes_IL, found, draws)


def scheme_of(**changes):
    return ComposedScheme(partial(make, **changes), Splitting(AtRandom(), 5, 4, 0.25))


@pytest.mark.parametrize(
    ("categories", "known", "codes"),
    [
        (6, 54, (6, 8, 8)),
        (108, 10_000, (108, 16, 16)),
        (165, 19_406, (165, 16, 16)),
        (0, 100, (1, 16, 16)),
        (1, 32, (1, 8, 8)),  # sqrt(64) is a power of two itself
        (50, 1, (50, 2, 2)),
        (1, 10**9, (1, 1024, 1024)),
    ],
)
def test_level_sizes_follow_categories_and_items(categories, known, codes):
    assert auto_codes(categories, known) == codes


def test_a_composed_scheme_is_a_scheme_and_gives_known_items_ids():
    scheme = scheme_of()
    ids = scheme.fit(SIGNALS, rng=np.random.default_rng(0))
    assert isinstance(scheme, Scheme)
    np.testing.assert_array_equal(ids.key_I >= 0, SIGNALS.known_I)


def test_the_quantizer_gets_the_sizes_asked_for():
    asked = []
    for codes, levels in [(None, None), ((9, 8, 7), None), ((9, 8, 7), 2)]:
        scheme = ComposedScheme(FixedSizes, Plain(), codes, levels)
        asked.append(scheme.fit(SIGNALS, rng=np.random.default_rng(0)).sizes)
    assert asked == [(6, 8, 8), (9, 8, 7), (9, 8)]


def test_what_the_quantizer_draws_does_not_change_the_split():
    one, other = (
        scheme_of(draws=draws).fit(SIGNALS, rng=np.random.default_rng(0)) for draws in (0, 17)
    )
    np.testing.assert_array_equal(one.codes_IL, other.codes_IL)


def test_assigning_is_pure_and_ignores_items_that_have_an_id():
    scheme = scheme_of()
    ids = scheme.fit(SIGNALS, rng=np.random.default_rng(0))
    before_IL, new_N = ids.codes_IL.copy(), later_items(SIGNALS)
    full = scheme.assign(SIGNALS, new_N, ids)
    crowd_N = np.concatenate([[3, 4], new_N, new_N[:2]]).astype(np.int32)
    again = scheme.assign(SIGNALS, crowd_N, ids)
    np.testing.assert_array_equal(ids.codes_IL, before_IL)
    np.testing.assert_array_equal(full.codes_IL, again.codes_IL)
    assert (full.key_I >= 0).all()
    assert scheme.assign(SIGNALS, new_N, full) is full


def test_a_kept_scheme_gives_the_same_ids_and_is_not_fitted_again():
    scheme = scheme_of()
    ids = scheme.fit(SIGNALS, rng=np.random.default_rng(0))
    copy, new_N = saved_copy(scheme, ["tests"]), later_items(SIGNALS)
    np.testing.assert_array_equal(
        copy.assign(SIGNALS, new_N, ids).codes_IL, scheme.assign(SIGNALS, new_N, ids).codes_IL
    )
    with pytest.raises(ContractError, match="must be made anew to be fitted"):
        copy.fit(SIGNALS, rng=np.random.default_rng(0))


def test_a_shop_without_known_items_is_refused():
    signals = tiny_signals(known_I=np.zeros(60, bool))
    with pytest.raises(DataError, match=r"known_I.sum\(\) == 0, must be >= 1"):
        scheme_of().fit(signals, rng=np.random.default_rng(0))


def test_assigning_before_fitting_is_refused():
    ids = scheme_of().fit(SIGNALS, rng=np.random.default_rng(0))
    with pytest.raises(ContractError, match="must be fitted first"):
        scheme_of().assign(SIGNALS, later_items(SIGNALS), ids)


@pytest.mark.parametrize("item", [-1, 60])
def test_items_outside_the_catalogue_are_refused(item):
    scheme = scheme_of()
    ids = scheme.fit(SIGNALS, rng=np.random.default_rng(0))
    with pytest.raises(DataError, match=f"items_N holds {item}, must be 0 to 59"):
        scheme.assign(SIGNALS, np.array([item], np.int32), ids)


def test_a_table_of_another_catalogue_is_refused():
    scheme = scheme_of()
    ids = scheme.fit(SIGNALS, rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="60 items, must be 50"):
        scheme.assign(tiny_signals(50), np.array([3], np.int32), ids)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes_IL": CODES + 1}, r"quantizer.codes\(\)\[0, 0\] == 1, must be 0 to 0"),
        ({"codes_IL": -CODES}, r"== -\d, must be 0 to 2"),
        ({"found": (1, 3, 1)}, r"shape == \(54, 2\), must be \(54, 3\)"),
    ],
)
def test_a_quantizer_that_breaks_its_contract_is_named(changes, message):
    with pytest.raises(ContractError, match=message):
        scheme_of(**changes).fit(SIGNALS, rng=np.random.default_rng(0))
