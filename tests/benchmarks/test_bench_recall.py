"""Recall on one core: BM25 beside bm25s, exact dense search beside torch, and the merge.

Every test also checks that both sides found the same.
"""

from dataclasses import replace
from functools import cache
from time import process_time

import bm25s
import numpy as np
import pandas as pd
import pytest
import torch

from recall.classic.dense import DenseChannel
from recall.classic.itemcf import ItemCFChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.classic.settings import DenseSpec, LexicalSpec
from recall.merge import Merge
from recall.sampleshop import sample_catalog, sample_history, sample_requests
from recall.settings import MergeSpec
from recall.texts.words import words
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Requests

pytestmark = pytest.mark.benchmark(timer=process_time)

N_DOCUMENTS, N_QUERIES, DEPTH = 43_000, 512, 200
PLAIN = LexicalSpec(description=False, brand=False, category=False, plurals=False)
FIXED = 2**31 * 60 / 4  # recall.merge adds in this fixed point, four channels of equal weight
QUERIES_PER_SECOND = "queries/s of one core"
EXACT_AIM = 1_400  # queries a second at 384 dimensions, see docs/performance.md


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


def test_bm25(race):
    catalog, requests = shop(N_DOCUMENTS), queries(N_DOCUMENTS)
    channel, index = (
        LexicalChannel(PLAIN),
        bm25s.BM25(k1=PLAIN.k1, b=PLAIN.b, method="lucene", backend="numba"),
    )
    channel.fit(catalog, empty_log(catalog), rng=np.random.default_rng(0))
    documents = [words(title, plurals=False) for title in catalog.title_I]
    index.index(documents, create_empty_token=False, show_progress=False)
    texts = [requests.texts[text] for text in requests.text_B]

    def bm25s_alone():
        tokens = [words(text, plurals=False) for text in texts]
        return index.retrieve(tokens, k=DEPTH, show_progress=False, n_threads=0)

    bm25s_alone()  # compiles
    found = race(
        f"BM25, {N_DOCUMENTS:,} titles, top {DEPTH}",
        QUERIES_PER_SECOND,
        N_QUERIES,
        lambda: channel.recall(fresh(requests), DEPTH),
        {"bm25s with numba": bm25s_alone},
        aim_ratio=1.0,
    )
    np.testing.assert_allclose(found["bm25s with numba"][1], found["ours"].scores_BN, rtol=1e-6)
    for b in range(0, N_QUERIES, 50):
        scores_I = index.get_scores(words(texts[b], plurals=False))
        best = np.lexsort((np.arange(N_DOCUMENTS), -scores_I))[:DEPTH]
        best = best[scores_I[best] > 0]
        assert found["ours"].items_BN[b, : len(best)].tolist() == best.tolist()


@pytest.mark.parametrize(("dimensions", "aim"), [(64, None), (384, EXACT_AIM)])
def test_exact_dense_search(race, dimensions, aim):
    catalog, requests = shop(N_DOCUMENTS), queries(N_DOCUMENTS)
    channel = DenseChannel(DenseSpec(device="cpu", epochs=0, dimensions=dimensions))
    channel.fit(catalog, empty_log(catalog), rng=np.random.default_rng(0))
    items_DI = torch.from_numpy(channel.item_vectors).T
    texts = [requests.texts[text] for text in requests.text_B]

    def torch_alone():
        return (torch.from_numpy(channel.embed_texts(texts)) @ items_DI).topk(DEPTH, dim=1)

    found = race(
        f"dense, exact, {N_DOCUMENTS:,} x {dimensions}, top {DEPTH}",
        QUERIES_PER_SECOND,
        N_QUERIES,
        lambda: channel.recall(fresh(requests), DEPTH),
        {"torch, product and topk": torch_alone},
        aim_rate=aim,
    )
    theirs = found["torch, product and topk"].values.numpy()
    np.testing.assert_array_equal(theirs, found["ours"].scores_BN)


@cache
def four_channels() -> dict:
    """The four channels over 20k items, trained on 20k requests."""
    catalog = shop(20_000)
    history = replace(sample_history(catalog, 20_000), texts=queries(20_000).texts)
    channels = {
        "lexical": LexicalChannel(),
        "dense": DenseChannel(DenseSpec(device="cpu", epochs=0)),
        "itemcf": ItemCFChannel(),
        "popular": PopularChannel(),
    }
    for channel in channels.values():
        channel.fit(catalog, history, rng=np.random.default_rng(0))
    return channels


def repeated() -> Requests:
    """Requests whose texts repeat by a power law."""
    drawn = (np.random.default_rng(3).zipf(1.3, N_QUERIES) % N_QUERIES).astype(np.int32)
    return replace(queries(20_000), text_B=drawn)


def test_the_merge(race):
    requests, channels = repeated(), four_channels()
    found = [channel.recall(requests, DEPTH) for channel in channels.values()]
    merge, available_I = Merge(MergeSpec(), tuple(channels)), np.ones(20_000, np.bool_)

    def with_pandas():
        """Reciprocal rank fusion of long tables in the same fixed point, and who found what."""
        tables = []
        for bit, one in enumerate(found):
            row, rank = np.nonzero(one.items_BN >= 0)
            item = one.items_BN[row, rank]
            columns = {"row": row, "item": item, "gain": FIXED // (61 + rank), "source": 1 << bit}
            tables.append(pd.DataFrame(columns))
        table = pd.concat(tables).groupby(["row", "item"], as_index=False).sum()
        table = table.sort_values(["row", "gain", "item"], ascending=[True, False, True])
        return table.groupby("row").head(merge.limit)

    pools = race(
        f"merge of 4 channels, {DEPTH} each",
        "requests/s of one core",
        N_QUERIES,
        lambda: merge(found, N_QUERIES, available_I),
        {"pandas, group-by": with_pandas},
    )
    ours, theirs = pools["ours"], pools["pandas, group-by"]
    held_BN = ours.items_BN >= 0
    assert ours.items_BN[held_BN].tolist() == theirs["item"].tolist()
    assert ours.sources_BN[held_BN].tolist() == theirs["source"].tolist()


@pytest.mark.parametrize("texts", ["seen before", "new"])
def test_a_batch_through_all_channels_and_the_merge(race, texts):
    channels, requests = four_channels(), repeated()
    merge, available_I = Merge(MergeSpec(), tuple(channels)), np.ones(20_000, np.bool_)

    def serve():
        asked = requests if texts == "seen before" else fresh(requests)
        found = [channel.recall(asked, 100) for channel in channels.values()]
        return merge(found, len(asked), available_I)

    name = f"four channels and merge, 20k items, texts {texts}"
    pool = race(name, "requests/s of one core", N_QUERIES, serve)["ours"]
    assert (pool.items_BN[:, 0] >= 0).all()
