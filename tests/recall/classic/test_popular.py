from dataclasses import replace

import numpy as np
import pytest

from recall.classic.popular import PopularChannel
from recall.classic.settings import PopularSpec
from recall.sampleshop import sample_catalog, sample_history, sample_index, sample_requests

CATALOG = sample_catalog(120)
NONE = sample_history(CATALOG, 0)


def fitted(history=NONE, **options):
    channel = PopularChannel(PopularSpec(**options))
    channel.fit(CATALOG, history, rng=np.random.default_rng(0))
    return channel


def recall(channel, text, limit=10):
    return channel.recall(sample_requests(CATALOG, 1, texts=(text,)), limit)


def categories(found):
    return CATALOG.category_I[found.items_BN[0][found.items_BN[0] >= 0]]


def test_a_query_gets_the_best_sellers_of_its_category():
    channel, index = fitted(), sample_index(CATALOG)
    channel.refresh(index, 0)
    found = recall(channel, "lamp", 5)
    assert (categories(found) == 2).all()
    statistics = index.statistics[0]
    sales_I = statistics.clicks_I + 5 * statistics.orders_I
    in_stock = np.flatnonzero((CATALOG.category_I == 2) & index.available_I)
    assert sales_I[found.items_BN[0]].tolist() == sorted(sales_I[in_stock])[::-1][:5]


def test_sold_out_items_are_left_out_after_a_refresh():
    channel, index = fitted(), sample_index(CATALOG)
    channel.refresh(index, 0)
    found = recall(channel, "red lamp", 120).items_BN[0]
    assert index.available_I[found[found >= 0]].all()
    everything_gone = replace(index, available_I=np.zeros(120, np.bool_))
    channel.refresh(everything_gone, 0)
    assert (recall(channel, "red lamp").items_BN == -1).all()


def test_each_arm_reads_its_own_statistics():
    index = sample_index(CATALOG)
    other = replace(index.statistics[0], orders_I=index.statistics[0].orders_I[::-1].copy())
    channel, index = fitted(), replace(index, statistics=(index.statistics[0], other))
    found = []
    for arm in (0, 1, 0):
        channel.refresh(index, arm)
        found.append(recall(channel, "lamp").items_BN[0].tolist())
    assert found[0] == found[2] != found[1]


def test_clicks_teach_the_category_of_words_that_no_title_has():
    history = sample_history(CATALOG)
    laptops = np.flatnonzero(CATALOG.category_I == 3).astype(np.int32)
    taught = replace(
        history,
        texts=("for the home office",),
        text_R=np.zeros_like(history.text_R),
        item_X=laptops[history.item_X % len(laptops)],
        order_item_O=laptops[history.order_item_O % len(laptops)],
    )
    assert (categories(recall(fitted(taught), "home office", 5)) == 3).all()
    assert (recall(fitted(), "home office").items_BN == -1).all()


def test_scores_are_shares_that_never_sum_to_more_than_one():
    found = recall(fitted(sample_history(CATALOG), categories=7), "red", 120)
    total = found.scores_BN[0][found.items_BN[0] >= 0].sum()
    assert total == pytest.approx(1.0, abs=1e-5)
    some = recall(fitted(sample_history(CATALOG), categories=1), "red", 120)
    assert 0 < some.scores_BN[0].sum() < total


def test_a_catalogue_without_categories_gives_its_best_sellers():
    bare = replace(
        CATALOG,
        categories=(),
        category_I=np.full(120, -1, np.int32),
        department_C=np.empty(0, np.int32),
    )
    channel = PopularChannel()
    channel.fit(bare, sample_history(bare), rng=np.random.default_rng(0))
    assert (recall(channel, "lamp").items_BN >= 0).all()
    assert (recall(channel, "never asked").items_BN == -1).all()
