import numpy as np
import pytest

from ranking.preranker import Preranker, take
from ranking.settings import PrerankerSpec


@pytest.fixture
def preranker(catalog, index):
    made = Preranker(PrerankerSpec(), len(catalog))
    made.refresh(index, 0)
    return made


def test_the_kept_items_score_at_least_as_well_as_the_cut_ones(preranker, pool):
    scores = preranker.score(pool)
    columns = preranker.cut(pool, 5)
    kept = np.take_along_axis(scores, columns, axis=1)
    for row in range(len(scores)):
        cut = np.delete(scores[row], columns[row])
        assert kept[row].min() >= cut.max() - 1e-4


def test_the_kept_items_stay_in_merge_order_with_their_provenance(preranker, pool):
    columns = preranker.cut(pool, 5)
    assert (np.diff(columns, axis=1) > 0).all()
    kept = take(pool, columns)
    for row in range(len(columns)):
        for place, column in enumerate(columns[row]):
            assert kept.items_BN[row, place] == pool.items_BN[row, column]
            assert kept.sources_BN[row, place] == pool.sources_BN[row, column]
            np.testing.assert_array_equal(kept.ranks_BNC[row, place], pool.ranks_BNC[row, column])
            np.testing.assert_array_equal(kept.scores_BNC[row, place], pool.scores_BNC[row, column])


def test_a_pool_within_the_limit_is_kept_whole(preranker, pool):
    columns = preranker.cut(pool, 20)
    np.testing.assert_array_equal(take(pool, columns).items_BN, pool.items_BN)


def test_scores_equal_the_formula_and_ignore_the_order_of_candidates(
    preranker, pool, index, permuted
):
    scores = preranker.score(pool)
    orders = index.statistics[0].orders_I
    ranks, values = pool.ranks_BNC[0], pool.scores_BNC[0].astype(np.float64)
    expected = 0.1 * np.log1p(orders / orders.mean())[pool.items_BN[0]]
    for c in range(3):
        found = ranks[:, c] >= 0
        low, high = values[found, c].min(), values[found, c].max()
        expected[found] += 10 / (10 + ranks[found, c]) + 0.5 * (values[found, c] - low) / (
            high - low
        )
    np.testing.assert_allclose(scores[0], expected, rtol=1e-5)
    columns = np.random.default_rng(0).permutation(pool.items_BN.shape[1])
    full = slice(0, 1)  # the padding of the other rows must stay on the right
    shuffled = permuted(take(pool, np.arange(20)[None].repeat(len(scores), 0)), columns)
    np.testing.assert_array_equal(preranker.score(shuffled)[full], scores[full][:, columns])
