import numpy as np
from hypothesis import given, strategies as st

from cqsid.generator.related import RelatedCategories, related_clicks

ITEM_ID = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0], [0.6, 0.8]], np.float32)
CATEGORY_I = np.array([0, 0, 1, 3, -1], np.int32)  # category 2 has no items


def test_a_query_is_about_the_categories_whose_mean_item_is_nearest():
    related = RelatedCategories.of(ITEM_ID, CATEGORY_I, 4, k=1)
    keep_TC = related.keep(np.array([[1, 0.1], [0.1, 1], [-1, 0.2]], np.float32))
    assert keep_TC.tolist() == [
        [True, False, False, False, True],
        [False, True, False, False, True],
        [False, False, False, True, True],
    ]


def test_more_categories_are_the_nearest_of_a_brute_force_search():
    rng = np.random.default_rng(0)
    item_ID = rng.normal(size=(300, 8)).astype(np.float32)
    category_I = rng.integers(-1, 20, 300).astype(np.int32)
    query_TD = rng.normal(size=(30, 8)).astype(np.float32)
    keep_TC = RelatedCategories.of(item_ID, category_I, 20, k=5).keep(query_TD)
    assert (keep_TC[:, :-1].sum(axis=1) == 5).all()
    means_CD = np.stack([item_ID[category_I == c].mean(axis=0) for c in range(20)])
    cosine_TC = query_TD @ (means_CD / np.linalg.norm(means_CD, axis=1, keepdims=True)).T
    least_T = np.sort(cosine_TC, axis=1)[:, -5]
    near_T1 = 0.005 * np.linalg.norm(query_TD, axis=1, keepdims=True)  # the grid's rounding
    assert (cosine_TC > least_T[:, None] - near_T1)[keep_TC[:, :-1]].all()


def test_a_category_without_items_is_chosen_last_and_a_query_without_a_vector_is_about_all():
    related = RelatedCategories.of(ITEM_ID, CATEGORY_I, 4, k=3)
    keep_TC = related.keep(np.array([[0.3, 0.4], [0, 0]], np.float32))
    assert keep_TC.tolist() == [[True, True, False, True, True], [True] * 5]


def test_of_equally_near_categories_the_lower_number_is_kept():
    twice = RelatedCategories.of(np.ones((2, 3), np.float32), np.array([1, 0]), 2, k=1)
    assert twice.keep(np.ones((1, 3), np.float32)).tolist() == [[True, False, True]]


def test_a_query_is_judged_the_same_alone_and_in_company():
    rng = np.random.default_rng(1)
    item_ID = rng.normal(size=(200, 96)).astype(np.float32)
    related = RelatedCategories.of(item_ID, rng.integers(0, 50, 200).astype(np.int32), 50)
    query_TD = rng.normal(size=(70, 96)).astype(np.float32)
    together = related.keep(query_TD)
    for row in range(70):
        np.testing.assert_array_equal(related.keep(query_TD[row : row + 1])[0], together[row])


def test_a_catalogue_without_categories_keeps_every_click():
    related = RelatedCategories.of(ITEM_ID, np.full(5, -1, np.int32), 0)
    assert related.keep(ITEM_ID).tolist() == [[True]] * 5


def test_clicks_of_unrelated_categories_go_and_those_of_unknown_category_stay():
    keep_TC = np.array([[True, False, False, False, True], [False, False, False, True, True]])
    history_BH = np.array([[2, 4, 0, 3, -1], [3, 2, 0, 4, 3], [-1] * 5], np.int32)
    kept = related_clicks(keep_TC, np.array([0, 1, 1]), history_BH, CATEGORY_I)
    assert kept.tolist() == [[4, 0, -1, -1, -1], [3, 4, 3, -1, -1], [-1] * 5]
    assert kept.dtype == np.int32


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.lists(st.integers(-1, 4), min_size=3, max_size=3)),
        max_size=6,
    )
)
def test_kept_clicks_are_a_subsequence_of_the_history(rows):
    keep_TC = np.array([[True, False, True, True, True], [False, True, False, False, True]])
    text_B = np.array([text for text, _ in rows], np.int64)
    history_BH = np.array([items for _, items in rows], np.int32).reshape(len(rows), 3)
    kept_BH = related_clicks(keep_TC, text_B, history_BH, CATEGORY_I)
    for row, (text, items) in enumerate(rows):
        wanted = [item for item in items if item >= 0 and keep_TC[text, CATEGORY_I[item]]]
        assert kept_BH[row].tolist() == wanted + [-1] * (3 - len(wanted))


def test_an_empty_catalogue_has_no_clicks():
    none = related_clicks(
        np.ones((1, 1), bool), np.array([0]), np.array([[-1, -1]]), np.empty(0, np.int32)
    )
    assert none.tolist() == [[-1, -1]]
