"""The conformance suite over every channel, and over channels that break it in one way each."""

from collections.abc import Callable

import numpy as np
import pytest

from recall.arrays import best
from recall.candidates import Candidates
from recall.classic.dense import DenseChannel
from recall.classic.itemcf import ItemCFChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.classic.settings import DenseSpec
from recall.classic.uniform import UniformChannel
from recall.conformance import check_channel

CHANNELS: dict[str, Callable] = {
    "lexical": LexicalChannel,
    "dense": lambda: DenseChannel(DenseSpec(device="cpu", epochs=1, buckets=512)),
    "itemcf": ItemCFChannel,
    "popular": PopularChannel,
    "random": UniformChannel,
}


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_channel_keeps_its_contract(kind):
    assert [str(finding) for finding in check_channel(CHANNELS[kind])] == []


class Sound:
    """A small channel without a fault: items in an order given by the text's length."""

    name = "sound"

    def fit(self, catalog, history, *, rng):
        self.n_items = len(catalog)

    def recall(self, requests, limit):
        length_B = np.array([len(requests.texts[text]) for text in requests.text_B], np.int64)
        item_BI = np.tile(np.arange(self.n_items, dtype=np.int32), (len(requests), 1))
        scores_BI = ((item_BI * 37 + length_B[:, None]) % 61).astype(np.float32)
        return best(item_BI, scores_BI, limit)


class Nameless(Sound):
    name = ""


class NeedsHistory(Sound):
    def fit(self, catalog, history, *, rng):
        super().fit(catalog, history, rng=rng)
        history.request_R[0]


class NeedsText(Sound):
    def recall(self, requests, limit):
        if any(not requests.texts[text].strip() for text in requests.text_B):
            raise ValueError("no text")
        return super().recall(requests, limit)


class Ascending(Sound):
    def recall(self, requests, limit):
        found = super().recall(requests, limit)
        return Candidates(found.items_BN, -found.scores_BN)


class Unlimited(Sound):
    def recall(self, requests, limit):
        return super().recall(requests, self.n_items)


class BeyondCatalogue(Sound):
    def recall(self, requests, limit):
        found = super().recall(requests, limit)
        return Candidates(found.items_BN + np.int32(9), found.scores_BN)


class DependsOnBatch(Sound):
    def recall(self, requests, limit):
        found = super().recall(requests, limit)
        return Candidates(found.items_BN, found.scores_BN + np.float32(len(requests)))


class Counts(Sound):
    calls = 0

    def recall(self, requests, limit):
        self.calls += 1
        found = super().recall(requests, limit)
        return Candidates(found.items_BN, found.scores_BN + np.float32(self.calls))


class Unkept(Sound):
    def fit(self, catalog, history, *, rng):
        super().fit(catalog, history, rng=rng)
        self.helper = lambda: None


class BadRefresh(Sound):
    def refresh(self, index, arm):
        raise KeyError("no statistics")


def raises():
    raise RuntimeError("no channel today")


def test_a_sound_channel_of_a_user_passes():
    assert check_channel(Sound) == []


@pytest.mark.parametrize(
    ("factory", "found"),
    [
        (raises, "factory() == RuntimeError"),
        (object, "channel == object, must have name, fit and recall"),
        (Nameless, "channel.name == '', must be a text"),
        (NeedsHistory, "fit() with an empty history == IndexError"),
        (NeedsText, "raised, must answer"),
        (Ascending, "must not increase along a row"),
        (Unlimited, "recall().items_BN.shape == (24, 60), must be (24, at most 10)"),
        (BeyondCatalogue, "must be ids of the catalogue or -1"),
        (DependsOnBatch, "recall() asked singly == another answer"),
        (Counts, "recall() asked twice == another answer"),
        (Unkept, "saving == "),
        (BadRefresh, "refresh() == KeyError"),
    ],
)
def test_a_broken_channel_is_found_out(factory, found):
    findings = [str(finding) for finding in check_channel(factory)]
    assert any(found in finding for finding in findings), findings
