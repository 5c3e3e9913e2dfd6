import numpy as np

from cqsid.tokenizer.quantize.rqvae_training import LoggedPairs

ITEM = np.array([2, 0, 2, 3], np.int32)
QUERY = np.array([1, 0, 0, 1], np.int32)
WEIGHT = np.array([1.0, 5.0, 3.0, 2.0])


def pairs():
    return LoggedPairs(ITEM, QUERY, WEIGHT, sizes=(5, 2))


def test_every_item_draws_one_of_its_own_queries_and_none_without():
    rng = np.random.default_rng(0)
    logged = set(zip(ITEM.tolist(), QUERY.tolist(), strict=True))
    for _ in range(50):
        drawn = pairs().draw(rng)
        assert [query >= 0 for query in drawn] == [True, False, True, True, False]
        assert {(item, drawn[item]) for item in (0, 2, 3)} <= logged


def test_queries_are_drawn_by_how_often_they_met_the_item():
    logged, rng = pairs(), np.random.default_rng(1)
    share = np.mean([logged.draw(rng)[2] == 0 for _ in range(4000)])
    assert abs(share - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 4000)


def test_all_logged_pairs_of_a_batch_are_told():
    items, query = np.array([3, 1, 2]), np.array([1, -1, 0])
    assert pairs().among(items, query).tolist() == [
        [True, False, True],  # query 1 also led to item 2
        [False, False, False],
        [False, False, True],
    ]


def test_a_batch_leaves_no_trace_in_the_next():
    logged = pairs()
    logged.among(np.array([0, 2, 3]), np.array([0, 1, 1]))
    assert logged.among(np.array([4]), np.array([0])).tolist() == [[False]]


def test_no_log_is_no_special_case():
    none = np.zeros(0, np.int32)
    logged = LoggedPairs(none, none, np.zeros(0), sizes=(3, 0))
    drawn = logged.draw(np.random.default_rng(0))
    assert drawn.tolist() == [-1, -1, -1]
    assert not logged.among(np.arange(3), drawn).any()
