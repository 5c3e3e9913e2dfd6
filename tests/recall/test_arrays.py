import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from recall.arrays import Ragged, best

SCORES = st.sampled_from([-np.inf, -1.5, -1.0, -0.0, 0.0, 1e-30, 0.25, 1.0, 3.0, np.inf])


@given(
    scores=hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=SCORES),
    limit=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_best_equals_a_full_sort_by_score_then_item_id(scores, limit, seed):
    rng = np.random.default_rng(seed)
    items = np.stack([rng.permutation(3 * scores.shape[1]) for _ in scores])
    items = items[:, : scores.shape[1]].astype(np.int32)
    items[rng.random(items.shape) < 0.2] = -1
    found = best(items, scores, limit)
    for b in range(len(items)):
        kept = np.flatnonzero(items[b] >= 0)
        order = kept[np.lexsort((items[b, kept], -scores[b, kept]))][:limit]
        assert found.items_BN[b, : len(order)].tolist() == items[b, order].tolist()
        assert found.scores_BN[b, : len(order)].tolist() == scores[b, order].tolist()
        assert (found.items_BN[b, len(order) :] == -1).all()


def test_lists_among_empty_ones_are_themselves():
    found = Ragged.of([[5, 6], [], [7]]).among(np.array([1, 2, 4]), 6)
    lists = [found.take(np.array([row])).values.tolist() for row in range(len(found))]
    assert lists == [[], [5, 6], [], [], [7], []]
