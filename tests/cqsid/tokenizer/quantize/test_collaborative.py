import numpy as np
import pytest

from cqsid.tokenizer.quantize.rqvae import collaborative_vectors


def two_tastes(seed=0):
    """Sessions that click items 0..9 or items 10..19, never both; 20 is never clicked."""
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(400), 4)
    item = rng.integers(10, size=1600) + np.where(session % 2, 10, 0)
    return session, item.astype(np.int32)


def test_items_of_one_taste_are_near_and_of_two_tastes_are_not():
    vectors = collaborative_vectors(*two_tastes(), 21, 2)
    cosine = vectors @ vectors.T
    assert cosine[:10, :10].min() > 0.9
    assert cosine[10:20, 10:20].min() > 0.9
    assert np.abs(cosine[:10, 10:20]).max() < 0.1


def test_vectors_have_unit_length_or_are_zero():
    vectors = collaborative_vectors(*two_tastes(), 21, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors[:20], axis=1), 1.0, rtol=1e-5)
    assert not vectors[20].any()


def test_the_same_log_gives_the_same_bits():
    np.testing.assert_array_equal(
        collaborative_vectors(*two_tastes(), 21, 8), collaborative_vectors(*two_tastes(), 21, 8)
    )


@pytest.mark.parametrize(
    ("session", "item"),
    [([], []), ([0], [1]), ([0, 1], [1, 2]), ([0, 0], [1, 1]), ([0, 0], [1, 2])],
)
def test_a_log_that_tells_little_is_no_special_case(session, item):
    vectors = collaborative_vectors(np.array(session, np.int64), np.array(item, np.int32), 3, 4)
    assert vectors.shape == (3, 4)
    assert np.isfinite(vectors).all()
