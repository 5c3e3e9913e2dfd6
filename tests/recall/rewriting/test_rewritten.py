"""The channel that asks with other wordings."""

from dataclasses import replace

import numpy as np
import pytest

from recall.arrays import blank
from recall.candidates import Candidates
from recall.classic.dense import DenseChannel
from recall.classic.itemcf import ItemCFChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.classic.settings import DenseSpec
from recall.classic.uniform import UniformChannel
from recall.conformance import check_channel
from recall.rewriting.coclick import CoclickRewriter
from recall.rewriting.frequent import FrequentRewriter
from recall.rewriting.identity import IdentityRewriter
from recall.rewriting.rewriter import Rewrites
from recall.rewriting.rewritten import RewrittenChannel
from recall.rewriting.settings import RewrittenSpec
from recall.sampleshop import sample_history, sample_index, sample_requests
from simulator.errors import ContractError
from simulator.protocols import Requests
from tests.recall.rewriting.shop import CATALOG, rewritten

INNER = {
    "lexical": LexicalChannel,
    "dense": lambda: DenseChannel(DenseSpec(device="cpu", epochs=1, buckets=512)),
    "itemcf": ItemCFChannel,
    "popular": PopularChannel,
    "random": UniformChannel,
}
TEXTS = ("a", "b", "c", "d")


class Lists:
    """A channel that finds a list of items for each text, some of them too late."""

    name = "lists"

    def __init__(self, lists, late=()):
        self.lists, self.late = lists, set(late)
        self.calls = 0

    def fit(self, catalog, history, *, rng):
        pass

    def recall(self, requests, limit):
        self.calls += 1
        texts = [requests.texts[text] for text in requests.text_B]
        found = blank(len(texts), limit)
        for b, text in enumerate(texts):
            items = self.lists.get(text, [])[:limit]
            found.items_BN[b, : len(items)] = items
            found.scores_BN[b, : len(items)] = -np.arange(len(items))
        late_B = np.array([text in self.late for text in texts])
        return Candidates(found.items_BN, found.scores_BN, late_B if self.late else None)


class Told:
    """A rewriter that says what it is told."""

    name = "told"

    def __init__(self, wordings):
        self.wordings = wordings

    def fit(self, catalog, history, tools, *, rng):
        pass

    def rewrite(self, requests, most):
        text_BR = np.full((len(requests), most), -1, np.int32)
        scores_BR = np.zeros((len(requests), most), np.float32)
        for b, text in enumerate(requests.text_B):
            for r, (other, score) in enumerate(self.wordings.get(requests.texts[text], [])[:most]):
                text_BR[b, r], scores_BR[b, r] = requests.texts.index(other), score
        return Rewrites(text_BR, scores_BR, requests.texts)


def channel(lists, wordings, *, late=(), **settings):
    spec = RewrittenSpec(rewriter="told", inner="lists", **settings)
    return RewrittenChannel(spec, rewriter=Told(wordings), inner=Lists(lists, late))


def found(made, limit=10):
    """The items of each text."""
    answer = made.recall(Requests.of_texts(TEXTS), limit)
    return [[item for item in row if item >= 0] for row in answer.items_BN.tolist()]


@pytest.mark.parametrize("inner", INNER)
def test_without_wordings_it_is_the_inner_channel_to_the_bit(inner):
    plain, wrapped = INNER[inner](), rewritten(IdentityRewriter(), INNER[inner]())
    log, requests = sample_history(CATALOG), sample_requests(CATALOG)
    plain.fit(CATALOG, log, rng=np.random.default_rng(4).spawn(2)[1])
    wrapped.fit(CATALOG, log, rng=np.random.default_rng(4))
    for each in (plain, wrapped):
        if hasattr(each, "refresh"):
            each.refresh(sample_index(CATALOG), 0)
    one, other = plain.recall(requests, 12), wrapped.recall(requests, 12)
    np.testing.assert_array_equal(one.items_BN, other.items_BN)
    np.testing.assert_array_equal(one.scores_BN, other.scores_BN)
    assert other.late_B is None


@pytest.mark.parametrize("rewriter", [CoclickRewriter, FrequentRewriter, IdentityRewriter])
def test_it_keeps_the_contract_of_a_channel(rewriter):
    assert [str(each) for each in check_channel(lambda: rewritten(rewriter()))] == []


def test_ranks_are_added_up_with_the_weights_of_the_texts():
    made = channel({"a": [1, 2], "b": [2, 3]}, {"a": [("b", 0.5)]})
    answer = made.recall(Requests.of_texts(TEXTS), 4)
    assert answer.items_BN[0].tolist() == [2, 1, 3, -1]
    wanted = [1 / 62 + 0.5 / 61, 1 / 61, 0.5 / 62]
    np.testing.assert_allclose(answer.scores_BN[0, :3], wanted, rtol=1e-6)
    assert answer.items_BN[1].tolist() == [2, 3, -1, -1]  # no wording: the inner answer
    assert answer.scores_BN[1].tolist() == [0, -1, 0, 0]


def test_an_arm_with_rewriting_finds_no_more_than_one_without():
    made = channel({"a": [1, 2], "b": [3, 4]}, {"a": [("b", 1.0)]})
    assert found(made, 2)[0] == [1, 3]  # of equal scores, the lower id


def test_wordings_may_weigh_alike_and_the_text_itself_nothing():
    lists, wordings = {"a": [1], "b": [2], "c": [3]}, {"a": [("b", 0.9), ("c", 0.2)]}
    assert found(channel(lists, wordings))[0] == [1, 2, 3]
    assert found(channel(lists, wordings, original=0.0))[0] == [2, 3]
    assert found(channel(lists, wordings, original=0.5))[0] == [2, 1, 3]
    assert found(channel(lists, wordings, original=0.5, weight="equal"))[0] == [2, 3, 1]


def test_it_asks_for_as_many_wordings_as_it_is_set_to():
    lists, wordings = {"a": [1], "b": [2], "c": [3]}, {"a": [("b", 0.9), ("c", 0.2)]}
    assert found(channel(lists, wordings, rewrites=1))[0] == [1, 2]


def test_the_inner_channel_is_asked_once_for_all_texts():
    made = channel({"a": [1]}, {"a": [("b", 0.9), ("c", 0.2)], "d": [("a", 0.1)]})
    found(made)
    assert made._inner.calls == 1


def test_a_request_is_late_where_any_of_its_texts_is():
    made = channel({"a": [1], "b": [2]}, {"a": [("b", 1.0)], "c": [("d", 1.0)]}, late=["b"])
    answer = made.recall(Requests.of_texts(TEXTS), 4)
    assert answer.late_B.tolist() == [True, True, False, False]


def test_written_wordings_are_asked_too():
    class Writer(Told):
        def rewrite(self, requests, most):
            text_BR = np.full((len(requests), 1), len(requests.texts), np.int32)
            return Rewrites(text_BR, np.ones((len(requests), 1), "f4"), (*requests.texts, "new"))

    made = rewritten(Writer({}), Lists({"new": [7]}))
    assert found(made) == [[7]] * 4


def test_a_rewriter_that_breaks_its_contract_is_told():
    made = channel({}, {"a": [("a", 1.0)]})
    with pytest.raises(ContractError, match=r"text_BR\[0, 0\] == 0, must not be the text asked"):
        found(made)
    made = channel({}, {"a": [("b", 1.5)]})
    with pytest.raises(ContractError, match=r"scores_BR\[0, 0\] == 1.5, must be above 0"):
        found(made)


def test_nobody_is_answered():
    made = channel({"a": [1]}, {"a": [("b", 1.0)]})
    answer = made.recall(Requests.of_texts(TEXTS).rows(slice(0, 0)), 4)
    assert answer.items_BN.shape == (0, 4)


def test_both_parts_read_a_snapshot():
    seen = []

    class Reads(Told):
        def refresh(self, index, arm):
            seen.append((index.at, arm))

    class ReadsToo(Lists):
        def refresh(self, index, arm):
            seen.append((index.at, arm))

    made = rewritten(Reads({}), ReadsToo({}))
    index = sample_index(CATALOG)
    made.refresh(replace(index, at=5.0), 2)
    assert seen == [(5.0, 2), (5.0, 2)]


def test_it_tells_what_it_does_to_the_last_pages_of_a_log():
    log = replace(sample_history(CATALOG, 40, texts=TEXTS), text_R=np.arange(40, dtype="i4") % 4)
    lists = {"a": [1, 2], "b": [2, 3], "c": [5], "d": [6]}
    made = channel(lists, {"a": [("b", 0.5)], "c": [("d", 0.5), ("a", 0.5)]})
    made.try_on(log)
    told = made.report()
    assert (told["rewriter"], told["inner"]) == ("told", "lists")
    assert told["requests_reworded"] == 0.5
    assert told["wordings"] == 0.75
    # of 3 + 2 + 4 + 1 items of the four texts, b brings one to a, and d and a bring three to c
    assert told["items_that_the_text_did_not_find"] == pytest.approx(4 / 10)
    made.try_on(sample_history(CATALOG, 0, texts=TEXTS))
    assert "requests_tried" not in made.report()
