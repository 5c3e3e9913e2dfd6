"""Made pairs: what the controls make, and what a dense channel learns of them."""

import numpy as np
import pytest

from recall.augmenting.augmentation import Synthetic
from recall.augmenting.hits import HitsAugmentation
from recall.augmenting.joining import joined
from recall.augmenting.repeat import RepeatAugmentation
from recall.augmenting.settings import LexicalHitsSpec, SelfHitsSpec
from recall.classic.dense import DenseChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.settings import DenseSpec
from recall.sampleshop import sample_history
from recall.steps.tools import Tools
from simulator.protocols import Requests
from tests.recall.rewriting.shop import CATALOG, clicked

TEXTS = ("red chair", "blue lamp", "unasked")
LOG = clicked(TEXTS, [(0, [0, 6, 0, 12]), (1, [2])])


def pairs(augmentation, tools=None, log=LOG):
    found = augmentation.pairs(CATALOG, log, tools or Tools(), rng=np.random.default_rng(0))
    names = [found.texts[text] for text in found.text_P.tolist()]
    return dict(
        zip(zip(names, found.item_P.tolist(), strict=True), found.weight_P.tolist(), strict=True)
    )


def test_repeating_gives_the_clicks_of_the_log_by_how_often() -> None:
    wanted = {("red chair", 0): 2, ("red chair", 6): 1, ("red chair", 12): 1, ("blue lamp", 2): 1}
    assert pairs(RepeatAugmentation()) == wanted


def test_hits_are_of_the_texts_with_few_clicks_alone() -> None:
    lexical = LexicalChannel()
    lexical.fit(CATALOG, LOG, rng=np.random.default_rng(0))
    wanted = lexical.recall(Requests.of_texts(("blue lamp",)), 3).items_BN[0].tolist()
    found = pairs(HitsAugmentation(LexicalHitsSpec(items=3)))
    assert found == {("blue lamp", item): pytest.approx(1 / n) for n, item in enumerate(wanted, 1)}
    asked = {text for text, _ in pairs(HitsAugmentation(LexicalHitsSpec(fewest_clicks=9)))}
    assert asked == {"red chair", "blue lamp"}  # and none that nobody has asked


def test_hits_may_be_those_of_a_channel_of_the_run() -> None:
    class Fixed(LexicalChannel):
        def recall(self, requests, limit):
            found = super().recall(requests, limit)
            found.items_BN[:] = -1
            found.items_BN[:, 0] = 7
            return found

    fixed = Fixed()
    fixed.fit(CATALOG, LOG, rng=np.random.default_rng(0))
    spec = SelfHitsSpec(channel="mine")
    assert [each.name for each in spec.references()] == ["mine"]
    assert pairs(HitsAugmentation(spec), Tools(channels={"mine": fixed})) == {("blue lamp", 7): 1}


def test_the_twin_gives_each_text_the_items_of_another() -> None:
    texts = ("red chair", "blue lamp", "green mouse", "black laptop")
    log = clicked(texts, [(n, []) for n in range(4)])
    plain, twin = (
        pairs(HitsAugmentation(LexicalHitsSpec(items=2, permuted=permuted)), log=log)
        for permuted in (False, True)
    )
    assert sorted(item for _, item in plain) == sorted(item for _, item in twin)
    assert plain.keys() != twin.keys()


def synthetic(texts, text_P, item_P):
    weight_P = np.ones(len(text_P), np.float32)
    return Synthetic(texts, np.array(text_P, np.int32), np.array(item_P, np.int32), weight_P)


def test_made_pairs_are_the_share_that_is_set_and_texts_are_joined_by_their_words() -> None:
    made = [synthetic(("b", "c"), [0, 1], [8, 9]), synthetic(("d",), [0], [7])]
    text_P, item_P = np.array([0, 1] * 35, np.int32), np.zeros(70, np.int32)
    rng = np.random.default_rng(0)
    texts, text_Q, item_Q = joined(["a", "b"], text_P, item_P, made, 0.3, rng)
    assert len(text_Q) == len(item_Q) == 100  # 30 of 100, as many of each
    np.testing.assert_array_equal(text_Q[:70], text_P)
    named = [(texts[text], item) for text, item in zip(text_Q[70:], item_Q[70:], strict=True)]
    assert set(named) == {("b", 8), ("c", 9), ("d", 7)}
    assert sum(name == "d" for name, _ in named) == 15


def test_nothing_is_added_to_no_pair_and_by_no_pair() -> None:
    none = np.zeros(0, np.int32)
    made, rng = [synthetic(("b",), [0], [8])], np.random.default_rng(0)
    assert len(joined([], none, none, made, 0.3, rng)[1]) == 0
    some = np.zeros(5, np.int32)
    empty = [synthetic((), [], [])]
    assert len(joined(["a"], some, some, empty, 0.3, rng)[1]) == 5


def dense(made=None):
    channel = DenseChannel(DenseSpec(device="cpu", epochs=8, buckets=512, dimensions=16))
    if made is not None:
        channel.learn_with(made)
    channel.fit(CATALOG, sample_history(CATALOG, 120), rng=np.random.default_rng(3))
    return channel


def test_without_pairs_a_dense_channel_is_as_it_was_to_the_bit() -> None:
    plain, same = dense(), dense([])
    np.testing.assert_array_equal(plain.item_vectors, same.item_vectors)


def test_a_dense_channel_learns_what_pairs_say_and_hurts_where_they_are_of_other_texts() -> None:
    words = ("qwertz", "asdfgh", "yxcvbn")  # which no item has
    asked = Requests.of_texts(words)
    items = np.array([[4], [21], [38]], np.int32)
    true = synthetic(words, [0, 1, 2], items[:, 0])
    false = synthetic(words, [0, 1, 2], np.roll(items[:, 0], 1))
    told, mixed = (dense([made]).pair_scores(asked, items).mean() for made in (true, false))
    nothing = dense().pair_scores(asked, items).mean()
    assert told > nothing + 0.1
    assert mixed < told - 0.1


def test_pairs_are_forgotten_once_they_are_learned() -> None:
    assert dense([synthetic(("a",), [0], [1])])._made == ()
