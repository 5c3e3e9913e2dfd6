from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import chisquare

from recall.classic.uniform import UniformChannel
from recall.sampleshop import sample_catalog, sample_history, sample_index, sample_requests
from simulator.protocols import request_ids, session_ids

CATALOG = sample_catalog(40)
INDEX = sample_index(CATALOG)


def fitted(catalog=CATALOG, seed=0):
    channel = UniformChannel()
    channel.fit(catalog, sample_history(catalog, 0), rng=np.random.default_rng(seed))
    return channel


def in_stock(channel, items):
    available_I = np.isin(np.arange(len(CATALOG)), items)
    channel.refresh(replace(INDEX, available_I=available_I), 0)
    return channel


def queries(n, shopper=None, visit=0, page=0, text=0):
    """First requests of sessions: of shoppers 0, 1, 2, ..., or of one shopper."""
    made, row_B = sample_requests(CATALOG, n), np.arange(n)
    shopper_B = row_B if shopper is None else np.full(n, shopper)
    return replace(
        made,
        id_B=request_ids(session_ids(shopper_B, shopper_B * 0 + visit), shopper_B * 0 + page),
        shopper_B=shopper_B,
        text_B=np.full(n, text, np.int32),
        page_B=np.full(n, page, np.int16),
    )


def test_every_item_in_stock_is_equally_likely_at_every_rank():
    stock = [1, 5, 8, 13, 21, 39]
    items_BN = in_stock(fitted(), stock).recall(queries(6_000), 6).items_BN
    for rank in range(6):
        found, counts = np.unique(items_BN[:, rank], return_counts=True)
        assert found.tolist() == stock
        assert chisquare(counts).pvalue > 1e-4


def test_every_sequence_of_items_is_equally_likely():
    items_BN = in_stock(fitted(), [3, 4, 30, 31]).recall(queries(4_800), 2).items_BN
    found, counts = np.unique(items_BN, axis=0, return_counts=True)
    assert sorted(map(tuple, found.tolist())) == sorted(permutations([3, 4, 30, 31], 2))
    assert chisquare(counts).pvalue > 1e-4


def test_all_pages_of_a_query_in_a_session_show_one_draw():
    channel = fitted()
    first, second = (channel.recall(queries(9, page=page), 10).items_BN for page in (0, 1))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("other", [{"shopper": 8}, {"visit": 1}, {"text": 1}])
def test_another_shopper_session_or_text_has_a_draw_of_its_own(other):
    channel = fitted()
    one = channel.recall(queries(1, **{"shopper": 7}), 10).items_BN
    another = channel.recall(queries(1, **{"shopper": 7, **other}), 10).items_BN
    assert one.tolist() != another.tolist()


def test_channels_of_different_luck_differ_and_of_equal_luck_agree():
    draws = [fitted(seed=seed).recall(queries(5), 10).items_BN.tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


@given(gone=st.sets(st.integers(0, 39)), limit=st.integers(1, 50))
def test_what_sells_out_leaves_the_others_in_their_order(gone, limit):
    channel = fitted()
    whole = channel.recall(queries(4), 40).items_BN
    left = in_stock(channel, sorted(set(range(40)) - gone)).recall(queries(4), limit)
    for before, after, scores in zip(whole, left.items_BN, left.scores_BN, strict=True):
        expected = [item for item in before.tolist() if item not in gone][:limit]
        assert after.tolist() == expected + [-1] * (limit - len(expected))
        assert (np.diff(scores) < 0).all()


def test_a_snapshot_that_changes_later_does_not_change_the_channel():
    channel, available_I = fitted(), np.ones(40, np.bool_)
    channel.refresh(replace(INDEX, available_I=available_I), 0)
    before = channel.recall(queries(3), 40).items_BN
    available_I[:] = False
    np.testing.assert_array_equal(channel.recall(queries(3), 40).items_BN, before)
