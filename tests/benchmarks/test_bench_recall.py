"""Recall: BM25 beside bm25s and a plain NumPy BM25, exact dense search, and a whole batch.

Every test also checks that both sides found the same.
"""

from dataclasses import replace
from functools import cache

import bm25s
import numpy as np
import pytest
import torch

from recall.dense import DenseChannel
from recall.itemcf import ItemCFChannel
from recall.lexical import LexicalChannel, LexicalSpec
from recall.merge import Merge, MergeSpec
from recall.popular import PopularChannel
from recall.sample import sample_catalog, sample_history, sample_requests
from recall.tokens import words
from recall.towers import DenseSpec
from simulator.catalog import Catalog
from simulator.eventlog import History
from simulator.protocols import Requests

pytestmark = pytest.mark.benchmark

N_DOCUMENTS, N_QUERIES, DEPTH = 43_000, 512, 200
PLAIN = LexicalSpec(description=False, brand=False, category=False, plurals=False)


@cache
def shop(n_items: int) -> Catalog:
    """Titles of 12 words whose frequencies follow Zipf's law."""
    rng = np.random.default_rng(1)
    chosen = rng.zipf(1.2, (n_items, 12)) % 30_000
    titles = [" ".join(f"w{word}" for word in row) for row in chosen]
    return replace(sample_catalog(n_items), title_I=np.array(titles, dtype=object))


@cache
def queries(n_items: int) -> Requests:
    """Distinct queries of three words of a title each."""
    rng = np.random.default_rng(2)
    titles = rng.choice(shop(n_items).title_I, N_QUERIES, replace=False)
    texts = tuple(" ".join(rng.choice(title.split(), 3, replace=False)) for title in titles)
    return sample_requests(shop(n_items), N_QUERIES, texts=texts)


def empty_log(catalog: Catalog) -> History:
    return sample_history(catalog, 0)


def fresh(requests: Requests) -> Requests:
    """The same requests in a new world, so that no text was answered before."""
    return replace(requests, texts=(*requests.texts, ""))


@cache
def lexical() -> LexicalChannel:
    channel = LexicalChannel(PLAIN)
    catalog = shop(N_DOCUMENTS)
    channel.fit(catalog, empty_log(catalog), rng=np.random.default_rng(0))
    return channel


@cache
def peer() -> bm25s.BM25:
    index = bm25s.BM25(k1=PLAIN.k1, b=PLAIN.b, method="lucene", backend="numba")
    documents = [words(title, plurals=False) for title in shop(N_DOCUMENTS).title_I]
    index.index(documents, create_empty_token=False, show_progress=False)
    return index


@pytest.mark.benchmark(group="BM25, 43k documents, top 200, 512 queries")
def test_bm25_of_the_lexical_channel(benchmark):
    requests = queries(N_DOCUMENTS)
    found = benchmark(lambda: lexical().recall(fresh(requests), DEPTH))
    for b in range(0, N_QUERIES, 50):
        text = requests.texts[requests.text_B[b]]
        scores_I = peer().get_scores(words(text, plurals=False))
        best = np.lexsort((np.arange(N_DOCUMENTS), -scores_I))[:DEPTH]
        best = best[scores_I[best] > 0]
        assert found.items_BN[b, : len(best)].tolist() == best.tolist()


@pytest.mark.benchmark(group="BM25, 43k documents, top 200, 512 queries")
def test_bm25_of_bm25s_with_numba(benchmark):
    requests, index = queries(N_DOCUMENTS), peer()
    texts = [requests.texts[text] for text in requests.text_B]

    def search():
        tokens = [words(text, plurals=False) for text in texts]
        return index.retrieve(tokens, k=DEPTH, show_progress=False, n_threads=0)

    search()  # compiles
    _, scores = benchmark(search)
    mine = lexical().recall(requests, DEPTH)
    np.testing.assert_allclose(scores, mine.scores_BN, rtol=1e-6)


@pytest.mark.benchmark(group="BM25, 43k documents, top 200, 512 queries")
def test_bm25_of_bm25s_scores_and_a_numpy_sort(benchmark):
    requests, index = queries(N_DOCUMENTS), peer()
    tokens = [words(requests.texts[text], plurals=False) for text in requests.text_B]

    def search():
        return [-np.sort(-index.get_scores(one))[:DEPTH] for one in tokens]

    scores = benchmark.pedantic(search, rounds=3)
    mine = lexical().recall(requests, DEPTH)
    np.testing.assert_allclose(scores, mine.scores_BN, rtol=1e-6)


@cache
def dense(n_items: int) -> DenseChannel:
    channel = DenseChannel(DenseSpec(device="cpu", epochs=0))
    catalog = shop(n_items)
    channel.fit(catalog, empty_log(catalog), rng=np.random.default_rng(0))
    return channel


@pytest.mark.benchmark(group="dense, 43k x 64, top 200, 512 queries")
def test_exact_search_of_the_dense_channel(benchmark):
    requests = queries(N_DOCUMENTS)
    found = benchmark(lambda: dense(N_DOCUMENTS).recall(fresh(requests), DEPTH))
    assert (found.items_BN >= 0).all()


@pytest.mark.benchmark(group="dense, 43k x 64, top 200, 512 queries")
def test_exact_search_of_torch_topk(benchmark):
    requests, channel = queries(N_DOCUMENTS), dense(N_DOCUMENTS)
    items_DI = torch.from_numpy(channel.item_vectors).T
    texts = [requests.texts[text] for text in requests.text_B]

    def search():
        return (torch.from_numpy(channel.embed_texts(texts)) @ items_DI).topk(DEPTH, dim=1)

    scores_BN = benchmark(search).values.numpy()
    np.testing.assert_array_equal(scores_BN, channel.recall(requests, DEPTH).scores_BN)


@cache
def four_channels() -> list:
    """The four channels over 20k items, trained on 20k requests."""
    catalog = shop(20_000)
    history = replace(sample_history(catalog, 20_000), texts=queries(20_000).texts)
    channels = [
        LexicalChannel(),
        DenseChannel(DenseSpec(device="cpu", epochs=0)),
        ItemCFChannel(),
        PopularChannel(),
    ]
    for channel in channels:
        channel.fit(catalog, history, rng=np.random.default_rng(0))
    return channels


@pytest.mark.benchmark(group="four channels and merge, 20k items, 512 requests, limit 100")
@pytest.mark.parametrize("texts", ["seen before", "new"])
def test_a_batch_through_all_channels_and_the_merge(benchmark, texts):
    channels, requests = four_channels(), queries(20_000)
    rng = np.random.default_rng(3)
    drawn = (rng.zipf(1.3, N_QUERIES) % N_QUERIES).astype(np.int32)
    requests = replace(requests, text_B=drawn)
    merge = Merge(MergeSpec(), tuple(channel.name for channel in channels))
    available_I = np.ones(20_000, np.bool_)

    def serve():
        asked = requests if texts == "seen before" else fresh(requests)
        found = [channel.recall(asked, 100) for channel in channels]
        return merge(found, len(asked), available_I)

    serve()
    pool = benchmark(serve)
    benchmark.extra_info["distinct texts"] = len(np.unique(drawn))
    assert (pool.items_BN[:, 0] >= 0).all()
