from dataclasses import fields, replace

import bm25s
import numpy as np
import pytest

from recall.classic.lexical import LexicalChannel, _weights_of_lengths
from recall.classic.settings import LexicalSpec
from recall.sampleshop import sample_catalog, sample_history, sample_requests
from recall.texts.words import WordNumbers, item_texts, words
from recall.understanding.filledcatalog import FilledCatalog
from simulator.catalogue.catalog import Catalog

CATALOG = sample_catalog(200)
REQUESTS = sample_requests(CATALOG, 40)


def fitted(**options):
    channel = LexicalChannel(LexicalSpec(**options))
    channel.fit(CATALOG, sample_history(CATALOG, 0), rng=np.random.default_rng(0))
    return channel


@pytest.fixture(scope="module")
def channel():
    return fitted()


def test_scores_equal_those_of_bm25s(channel):
    documents = [
        words(text) for text in item_texts(CATALOG, description=True, brand=True, category=True)
    ]
    peer = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    peer.index(documents, show_progress=False)
    found = channel.recall(REQUESTS, len(CATALOG))
    for b, text in enumerate(REQUESTS.texts[t] for t in REQUESTS.text_B):
        ids = peer.get_tokens_ids(words(text))
        scores_I = peer.get_scores_from_ids(ids) if ids else np.zeros(len(CATALOG))
        matched = np.flatnonzero(scores_I > 0)
        items = found.items_BN[b][found.items_BN[b] >= 0]
        assert sorted(items) == matched.tolist()
        np.testing.assert_array_equal(found.scores_BN[b, : len(items)], scores_I[items])


def test_pair_scores_equal_the_scores_of_retrieval_bit_for_bit(channel):
    found = channel.recall(REQUESTS, 50)
    scores_BN = channel.pair_scores(REQUESTS, found.items_BN)
    np.testing.assert_array_equal(scores_BN, np.where(found.items_BN >= 0, found.scores_BN, 0))


def test_pairs_without_a_common_word_score_zero(channel):
    everything = np.tile(np.arange(len(CATALOG), dtype=np.int32), (len(REQUESTS), 1))
    scores_BI = channel.pair_scores(REQUESTS, everything)
    found = channel.recall(REQUESTS, len(CATALOG))
    assert ((scores_BI > 0).sum(axis=1) == (found.items_BN >= 0).sum(axis=1)).all()


def test_equal_scores_are_ordered_by_item_id(channel):
    same = replace(CATALOG, title_I=np.full(200, "green lamp", dtype=object))
    plain = LexicalChannel(LexicalSpec(description=False, brand=False, category=False))
    plain.fit(same, sample_history(same, 0), rng=np.random.default_rng(0))
    found = plain.recall(sample_requests(same, 1, texts=("lamp",)), 30)
    assert found.items_BN[0].tolist() == list(range(30))


@pytest.mark.parametrize("text", ["lamp", "red lamp acme", "103"])
@pytest.mark.parametrize("limit", [1, 7, 500])
def test_rare_and_frequent_words_take_the_same_best_items(channel, text, limit):
    asked = sample_requests(CATALOG, 1, texts=(text,))
    everything = np.arange(len(CATALOG), dtype=np.int32)[None, :]
    scores_I = channel.pair_scores(asked, everything)[0]
    order = np.lexsort((everything[0], -scores_I))[:limit]
    order = order[scores_I[order] > 0]
    found = channel.recall(asked, limit).items_BN[0]
    assert found[found >= 0].tolist() == order.tolist()


def test_an_item_without_a_word_of_the_query_is_never_returned(channel):
    found = channel.recall(sample_requests(CATALOG, 3, texts=("laptop", "zzzz", "")), 200)
    assert (found.items_BN[1:] == -1).all()
    items = found.items_BN[0][found.items_BN[0] >= 0]
    assert all("laptop" in CATALOG.title_I[item] for item in items)


def test_a_plural_finds_the_singular_only_where_asked_for():
    plural = sample_requests(CATALOG, 1, texts=("laptops",))
    assert (fitted().recall(plural, 5).items_BN >= 0).all()
    assert (fitted(plurals=False).recall(plural, 5).items_BN == -1).all()


def test_brands_are_searched_only_where_asked_for():
    nameless = replace(CATALOG, title_I=np.full(200, "thing", dtype=object))
    asked = sample_requests(nameless, 1, texts=("kestrel",))
    for brand in (True, False):
        channel = LexicalChannel(LexicalSpec(brand=brand))
        channel.fit(nameless, sample_history(nameless, 0), rng=np.random.default_rng(0))
        assert (channel.recall(asked, 1).items_BN[0, 0] >= 0) == brand


def test_a_catalogue_without_a_single_word_finds_nothing():
    blank = replace(CATALOG, title_I=np.full(200, "?!", dtype=object))
    bare = LexicalChannel(LexicalSpec(description=False, brand=False, category=False))
    bare.fit(blank, sample_history(blank, 0), rng=np.random.default_rng(0))
    assert (bare.recall(REQUESTS, 5).items_BN == -1).all()


def filled(added: dict[int, str]) -> FilledCatalog:
    """The catalogue with words added to some items."""
    columns = {each.name: getattr(CATALOG, each.name) for each in fields(Catalog)}
    words_I = np.array([added.get(item, "") for item in range(len(CATALOG))], object)
    return FilledCatalog(**columns, added_I=words_I)


def fitted_on(catalog, **options):
    channel = LexicalChannel(LexicalSpec(**options))
    channel.fit(catalog, sample_history(catalog, 0), rng=np.random.default_rng(0))
    return channel


def test_added_words_are_found_and_leave_the_weights_of_other_words_alone():
    asked = sample_requests(CATALOG, 2, texts=("velvet", "chair"))
    plain = fitted_on(CATALOG).pair_scores(asked, np.array([[0, 6], [0, 6]], np.int32))
    more = fitted_on(filled({0: "velvet plush sofa bed"}))
    scores = more.pair_scores(asked, np.array([[0, 6], [0, 6]], np.int32))
    assert scores[0, 0] > 0 == scores[0, 1]
    np.testing.assert_allclose(scores[1], plain[1], rtol=1e-6)


def test_added_words_weigh_others_down_where_they_count_in_the_length():
    asked = sample_requests(CATALOG, 1, texts=("chair",))
    catalog, item = filled({0: "velvet plush sofa bed"}), np.array([[0]], np.int32)
    scores = [
        fitted_on(catalog, added_length=counted).pair_scores(asked, item)[0, 0]
        for counted in (False, True)
    ]
    assert scores[1] < 0.95 * scores[0]


def test_weights_with_given_lengths_equal_those_of_bm25s():
    catalog = filled({0: "velvet", 7: "lamp lamp"})
    whole = fitted_on(catalog, added_length=True)
    texts = item_texts(catalog, description=True, brand=True, category=True)
    _, words_I = WordNumbers.learn(texts)
    shape, spec = (len(CATALOG), whole._by_word.shape[1]), LexicalSpec()
    again = _weights_of_lengths(words_I, shape, spec, words_I.lengths)
    np.testing.assert_allclose(again.toarray(), whole._by_word.toarray(), rtol=1e-6)


def test_a_catalogue_in_which_nothing_was_filled_is_searched_as_the_public_one(channel):
    found = fitted_on(filled({})).recall(REQUESTS, 50)
    np.testing.assert_array_equal(found.scores_BN, channel.recall(REQUESTS, 50).scores_BN)
