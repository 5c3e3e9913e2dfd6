from dataclasses import replace

import numpy as np
import pytest
import torch

from recall.classic.dense import DenseChannel
from recall.classic.settings import DenseSpec
from recall.classic.towers import info_nce
from recall.sampleshop import sample_catalog, sample_history, sample_requests
from recall.storage import saved_copy

CATALOG = sample_catalog(150)
REQUESTS = sample_requests(CATALOG, 40)
SPEC = DenseSpec(device="cpu", epochs=4, buckets=2**11, batch_size=64)


def fitted(history, spec=SPEC):
    channel = DenseChannel(spec)
    channel.fit(CATALOG, history, rng=np.random.default_rng(0))
    return channel


@pytest.fixture(scope="module")
def channel():
    return fitted(sample_history(CATALOG))


def test_recall_is_an_exact_search_over_all_items(channel):
    found = channel.recall(REQUESTS, 20)
    texts = [REQUESTS.texts[text] for text in REQUESTS.text_B]
    scores_BI = channel.embed_texts(texts).astype(np.float64) @ channel.item_vectors.T
    for b in np.flatnonzero(found.items_BN[:, 0] >= 0):
        order = np.lexsort((np.arange(len(CATALOG)), -scores_BI[b]))[:20]
        assert found.items_BN[b].tolist() == order.tolist()
        np.testing.assert_array_equal(found.scores_BN[b], scores_BI[b, order])


def test_pair_scores_equal_the_scores_of_retrieval_bit_for_bit(channel):
    found = channel.recall(REQUESTS, 50)
    scores_BN = channel.pair_scores(REQUESTS, found.items_BN)
    np.testing.assert_array_equal(scores_BN, np.where(found.items_BN >= 0, found.scores_BN, 0))


def test_texts_embed_the_same_alone_and_in_company(channel):
    texts = [f"{text} {n}" for n in range(40) for text in REQUESTS.texts]
    together = channel.embed_texts(texts)
    for row in (0, 63, 64, 700, len(texts) - 1):
        np.testing.assert_array_equal(channel.embed_texts([texts[row]])[0], together[row])


def test_any_order_of_summation_gives_the_same_score(channel):
    query_D, item_D = channel.embed_texts(["red lamp"])[0], channel.item_vectors[5]
    products = query_D * item_D
    sums = {
        float(np.cumsum(np.random.default_rng(seed).permutation(products), dtype=np.float32)[-1])
        for seed in range(50)
    }
    assert len(sums) == 1


def test_training_does_not_depend_on_the_number_of_threads(channel):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if before > 1 else 2)
        again = fitted(sample_history(CATALOG))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(again.item_vectors, channel.item_vectors)


def test_an_empty_history_still_places_items_by_their_own_words():
    channel = fitted(sample_history(CATALOG, 0))
    found = channel.recall(sample_requests(CATALOG, 1, texts=("camera",)), 10)
    assert sum("camera" in CATALOG.title_I[item] for item in found.items_BN[0]) >= 8


def test_a_misspelled_word_still_finds_its_items():
    channel = fitted(sample_history(CATALOG, 0), SPEC.model_copy(update={"epochs": 20}))
    found = channel.recall(sample_requests(CATALOG, 1, texts=("camerra",)), 10)
    assert sum("camera" in CATALOG.title_I[item] for item in found.items_BN[0]) >= 8


def test_clicks_teach_words_that_no_title_has():
    history = sample_history(CATALOG)
    cameras = np.flatnonzero(CATALOG.category_I == 5)
    item_X = cameras[np.arange(len(history.item_X)) % len(cameras)].astype(np.int32)
    taught = replace(
        history,
        texts=("xqw vjk zzyzx",),
        text_R=np.zeros_like(history.text_R),
        item_X=item_X,
        order_item_O=item_X[: len(history.order_item_O)],
    )
    asked = sample_requests(CATALOG, 1, texts=("xqw vjk zzyzx",))
    spec = SPEC.model_copy(update={"epochs": 20})
    cameras_found = [
        np.isin(fitted(log, spec).recall(asked, 10).items_BN[0], cameras).sum()
        for log in (sample_history(CATALOG, 0), taught)
    ]
    assert cameras_found[1] == 10 > cameras_found[0]


def test_a_text_without_letters_or_digits_finds_nothing(channel):
    found = channel.recall(sample_requests(CATALOG, 2, texts=("?!", "")), 5)
    assert (found.items_BN == -1).all()


def test_a_trained_channel_survives_pickling(channel):
    copy = saved_copy(channel)
    np.testing.assert_array_equal(
        copy.recall(REQUESTS, 9).items_BN, channel.recall(REQUESTS, 9).items_BN
    )


def test_info_nce_equals_the_formula_and_masks_false_negatives():
    query = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    item = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    distinct = info_nce(query, item, torch.tensor([0, 1, 2]), torch.tensor([0, 1, -1]), 0.5)
    logits = np.array([[2.0, 0.0, 1.2], [0.0, 2.0, 1.6], [2.0, 0.0, 1.2]])
    expected = np.log(np.exp(logits).sum(axis=1)) - logits.diagonal()
    assert distinct.item() == pytest.approx(expected.mean(), rel=1e-6)
    masked = info_nce(query, item, torch.tensor([0, 1, 0]), torch.tensor([0, 1, -1]), 0.5)
    logits[0, 2] = logits[2, 0] = -np.inf
    expected = np.log(np.exp(logits).sum(axis=1)) - logits.diagonal()
    assert masked.item() == pytest.approx(expected.mean(), rel=1e-6)
