import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from cqsid.tokenizer.quality import perplexity_L
from cqsid.tokenizer.quantize.residual import ResidualQuantizer
from recall.storage import saved_copy
from simulator.errors import DataError
from tests.cqsid.tokenizer.quantize.restored import restored

SIZES = (16, 16, 16)


def topics(n=1500, d=24, seed=0):
    """Unit vectors around directions whose popularity follows a power law."""
    rng = np.random.default_rng(seed)
    share_T = 1 / np.arange(1, 41)
    topic_N = rng.choice(40, n, p=share_T / share_T.sum())
    x_ND = rng.normal(size=(40, d))[topic_N] + 0.7 * rng.normal(size=(n, d))
    return (x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True)).astype(np.float32)


def fitted(x_ND, sizes=SIZES, seed=0, **options):
    quantizer = ResidualQuantizer()
    quantizer.fit(x_ND, sizes, rng=np.random.default_rng(seed), **options)
    return quantizer


X_ND = topics()
QUANTIZER = fitted(X_ND)
CODES_NL = QUANTIZER.encode(X_ND)


def test_what_is_left_over_shrinks_with_every_level():
    for quantizer in (QUANTIZER, fitted(X_ND, balance=False)):
        codes_NL = quantizer.encode(X_ND)
        left = [((X_ND - restored(quantizer, codes_NL[:, :n])) ** 2).mean() for n in range(4)]
        assert (np.diff(left) < -0.1 * np.array(left[1:])).all()


@given(st.lists(st.integers(0, len(X_ND) - 1), min_size=1, max_size=40))
@settings(max_examples=40)
def test_any_rows_in_any_order_get_the_codes_that_they_get_in_the_batch(rows):
    np.testing.assert_array_equal(QUANTIZER.encode(X_ND[rows]), CODES_NL[rows])


def test_codes_equal_a_search_for_the_least_distance_and_price():
    books = QUANTIZER.books
    left_ND = books.grid.round(X_ND).astype(np.float64)
    codes_KD = books.codes_KD * books.step_K[:, None].astype(np.float64)
    for level in range(3):
        rows = slice(books.start_L[level], books.start_L[level + 1])
        d_NK = ((left_ND[:, None] - codes_KD[rows]) ** 2).sum(axis=2) + books.price_K[rows]
        chosen_N = CODES_NL[:, level]
        gap_N = d_NK[np.arange(len(X_ND)), chosen_N] - d_NK.min(axis=1)
        assert gap_N.max() < 0.1  # float32 of squares near 1e5
        left_ND -= codes_KD[rows][chosen_N]


def test_prices_make_every_level_evenly_used():
    plain_L = perplexity_L(fitted(X_ND, balance=False).encode(X_ND), SIZES)
    balanced_L = perplexity_L(CODES_NL, SIZES)
    assert (balanced_L >= 0.85 * 16).all()
    assert balanced_L.mean() > plain_L.mean()


def test_balance_holds_for_vectors_that_were_not_learned_from():
    x_ND = topics(4000)
    new_L = perplexity_L(fitted(x_ND[:1500]).encode(x_ND[1500:]), SIZES)
    assert (new_L >= 0.8 * 16).all()


def test_the_same_random_numbers_give_the_same_codebooks():
    for name in ("codes_KD", "price_K", "step_L"):
        again = getattr(fitted(X_ND).books, name)
        np.testing.assert_array_equal(again, getattr(QUANTIZER.books, name))
    assert (fitted(X_ND, seed=1).books.codes_KD != QUANTIZER.books.codes_KD).any()


def test_the_unit_of_the_vectors_and_their_origin_do_not_matter():
    moved_ND = X_ND * np.float32(2**20) + np.float32(2**18)
    same = (fitted(moved_ND).encode(moved_ND)[:, 0] == CODES_NL[:, 0]).mean()
    assert same > 0.98


def test_a_fitted_quantizer_survives_pickling_without_its_tables():
    QUANTIZER.encode(X_ND[:1])
    copy = saved_copy(QUANTIZER)
    assert "twice_KK" not in vars(copy.books)
    np.testing.assert_array_equal(copy.encode(X_ND), CODES_NL)


def test_given_first_codes_are_kept_and_others_sought_among_their_means():
    given_N = np.where(np.arange(len(X_ND)) % 5 == 0, -1, CODES_NL[:, 0] % 7).astype(np.int32)
    quantizer = fitted(X_ND, (9, 8, 8), given_N=given_N)
    codes_NL = quantizer.encode(X_ND, given_N)
    told_N = given_N >= 0
    assert (codes_NL[told_N, 0] == given_N[told_N]).all()
    assert codes_NL[:, 0].max() < 7  # two codes have no vector
    mean_D = X_ND[given_N == 3].mean(axis=0)
    decoded_D = restored(quantizer, np.array([[3]], np.int32))[0]
    np.testing.assert_allclose(decoded_D, mean_D, atol=0.01)


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_fewer_vectors_than_codes_get_a_code_each(n):
    few_ND = X_ND[:n]
    quantizer = fitted(few_ND)
    codes_NL = quantizer.encode(few_ND)
    assert len(np.unique(codes_NL[:, 0])) == n
    np.testing.assert_allclose(restored(quantizer, codes_NL), few_ND, atol=0.01)
    assert quantizer.encode(X_ND).max() < n


def test_equal_vectors_share_the_first_id():
    equal_ND = np.tile(X_ND[:1], (50, 1))
    quantizer = fitted(equal_ND)
    assert not quantizer.encode(equal_ND).any()
    np.testing.assert_allclose(restored(quantizer, quantizer.encode(equal_ND)), equal_ND, atol=1e-5)


def test_many_copies_of_one_vector_do_not_push_the_others_away():
    copied_ND = np.concatenate([X_ND, np.tile(X_ND[:1], (1500, 1))])
    quantizer = fitted(copied_ND)
    codes_NL = quantizer.encode(copied_ND)
    assert (codes_NL[1500:] == codes_NL[0]).all()
    error = ((X_ND - restored(quantizer, codes_NL[:1500])) ** 2).mean()
    assert error < 1.5 * ((X_ND - restored(QUANTIZER, CODES_NL)) ** 2).mean()


def test_no_vectors_have_no_codes():
    assert QUANTIZER.encode(X_ND[:0]).shape == (0, 3)


def test_float64_and_strided_vectors_are_taken():
    strided_ND = np.repeat(X_ND.astype(np.float64), 2, axis=0)[::2]
    np.testing.assert_array_equal(QUANTIZER.encode(strided_ND), CODES_NL)


def test_hostile_input_is_refused_with_its_place():
    bad_ND = X_ND.copy()
    bad_ND[7, 3] = np.nan
    for call in (QUANTIZER.encode, fitted):
        with pytest.raises(DataError, match=r"x_ND\[7, 3\] == nan, must be a finite number"):
            call(bad_ND)
    with pytest.raises(DataError, match=r"shape == \(0, 24\)"):
        fitted(X_ND[:0])
    with pytest.raises(DataError, match=r"shape == \(1500, 23\), must be \(vectors, 24\)"):
        QUANTIZER.encode(X_ND[:, :23])
    with pytest.raises(DataError, match=r"sizes == \(4, 0\)"):
        fitted(X_ND, (4, 0))
    with pytest.raises(DataError, match=r"given_N\[0\] == 16, must be -1 to 15"):
        QUANTIZER.encode(X_ND[:1], np.array([16], np.int32))
