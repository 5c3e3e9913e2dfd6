"""The reranked channel: what a scorer does to another channel's candidates."""

from dataclasses import replace

import numpy as np
import pytest

from ranking.judges.logistic import LogisticJudge
from recall.classic.dense import DenseChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.classic.settings import DenseSpec
from recall.composed.reranked import RerankedChannel
from recall.composed.settings import RerankedSpec
from recall.conformance import check_channel
from recall.latency import LatencySpec
from recall.sampleshop import sample_catalog, sample_history, sample_requests
from simulator.errors import ConfigError, ContractError
from simulator.protocols import Requests

CATALOG = sample_catalog(600)
HISTORY = sample_history(CATALOG, 300)
REQUESTS = sample_requests(CATALOG, 24)
TEXTS = len(REQUESTS.texts)


def spec_of(**settings):
    return RerankedSpec(**{"inner": "lexical", "scorer": "s", "limit": 10, **settings})


def fitted(channel):
    channel.fit(CATALOG, HISTORY, rng=np.random.default_rng(0))
    return channel


@pytest.fixture(scope="module")
def lexical():
    return fitted(LexicalChannel())


class Worth:
    """A scorer that knows what each item is worth for each text."""

    def __init__(self, worth_TI):
        self.worth_TI = worth_TI.astype(np.float32)

    def pair_scores(self, requests, items_BN):
        return self.worth_TI[requests.text_B[:, None], items_BN]


def worths(seed=0):
    """(T, I) truths, of which a few items of each text are worth anything."""
    rng = np.random.default_rng(seed)
    return rng.random((TEXTS, len(CATALOG))) ** 4


def reranked(inner, scorer, **settings):
    return RerankedChannel(spec_of(**settings), inner=inner, scorer=scorer)


def recall_of(found, worth_TI, best=60):
    """Share of each text's items of greatest worth that were found, in the mean."""
    cut_B1 = np.sort(worth_TI, axis=1)[REQUESTS.text_B, -best][:, None]
    held_BN = found.items_BN >= 0
    hit_BN = held_BN & (worth_TI[REQUESTS.text_B[:, None], found.items_BN] >= cut_B1)
    return hit_BN.sum() / (best * len(REQUESTS))


@pytest.mark.parametrize("made", [LexicalChannel, lambda: DenseChannel(DenseSpec(epochs=1))])
def test_a_channel_in_the_order_of_its_own_scores_is_the_channel_itself(made):
    inner = fitted(made())
    for width in (10, 50):
        own = inner.recall(REQUESTS, width)
        found = reranked(inner, inner, depth=width, limit=width).recall(REQUESTS, width)
        np.testing.assert_array_equal(found.items_BN, own.items_BN)
        np.testing.assert_array_equal(found.scores_BN, own.scores_BN)


def test_with_an_oracle_as_scorer_recall_never_falls_with_depth(lexical):
    worth_TI = worths()
    found = [
        recall_of(reranked(lexical, Worth(worth_TI), depth=depth).recall(REQUESTS, 10), worth_TI)
        for depth in (10, 20, 40, 80, 160)
    ]
    assert found == sorted(found)
    assert found[-1] > 2 * found[0] > 0


def test_a_random_scorer_is_no_better_than_the_order_of_the_channel(lexical):
    """The truth here is what the channel scores, with noise; luck gives the mean of the depth."""
    noise = np.random.default_rng(1).normal(0, 0.2, (len(REQUESTS.texts), len(CATALOG)))
    all_I = np.tile(np.arange(len(CATALOG), dtype=np.int32), (len(REQUESTS.texts), 1))
    asked = Requests.of_texts(REQUESTS.texts)
    worth_TI = lexical.pair_scores(asked, all_I) + noise
    own = recall_of(lexical.recall(REQUESTS, 10), worth_TI)
    for seed in range(5):
        luck = Worth(np.random.default_rng(seed).random(worth_TI.shape))
        found = reranked(lexical, luck, depth=100).recall(REQUESTS, 10)
        assert recall_of(found, worth_TI) < own
    oracle = reranked(lexical, Worth(worth_TI), depth=100).recall(REQUESTS, 10)
    assert recall_of(oracle, worth_TI) > own


def test_a_scorer_that_knows_nothing_keeps_the_order_of_the_channel(lexical):
    same = Worth(np.full((len(REQUESTS.texts), len(CATALOG)), 0.5))
    found = reranked(lexical, same, depth=40).recall(REQUESTS, 10)
    np.testing.assert_array_equal(found.items_BN, lexical.recall(REQUESTS, 10).items_BN)


def test_a_threshold_keeps_those_above_it_up_to_the_limit(lexical):
    worth_TI = worths()
    worth_TI[REQUESTS.text_B[0]] = 0.0
    channel = reranked(lexical, Worth(worth_TI), depth=50, threshold=0.3)
    found, inner = channel.recall(REQUESTS, 10), lexical.recall(REQUESTS, 50)
    assert (found.items_BN[0] == -1).all()  # nothing of it is worth anything
    for b, text in enumerate(REQUESTS.text_B):
        held = inner.items_BN[b][inner.items_BN[b] >= 0]
        good = held[worth_TI[text, held].astype(np.float32) > 0.3]
        wanted = good[np.argsort(-worth_TI[text, good], kind="stable")][:10]
        assert found.items_BN[b][found.items_BN[b] >= 0].tolist() == wanted.tolist()
    counts_B = (found.items_BN >= 0).sum(axis=1)
    assert len(set(counts_B)) > 3


def test_a_judge_may_score(lexical):
    judge = LogisticJudge()
    channel = fitted(reranked(lexical, judge, depth=50, threshold=0.2))
    found = channel.recall(REQUESTS, 10)
    held_BN = found.items_BN >= 0
    assert held_BN.any()
    wanted = np.where(held_BN, judge.pair_scores(REQUESTS, found.items_BN), 0)
    np.testing.assert_allclose(found.scores_BN, wanted, atol=1e-4)
    assert (found.scores_BN[held_BN] > 0.2).all()


@pytest.mark.parametrize(
    "parts",
    [
        lambda: (LexicalChannel(), LogisticJudge()),
        lambda: (PopularChannel(), LexicalChannel()),
    ],
)
@pytest.mark.parametrize("threshold", [None, 0.4])
def test_a_reranked_channel_keeps_the_contract(parts, threshold):
    def made():
        inner, scorer = parts()
        spec = spec_of(depth=20, threshold=threshold)
        return RerankedChannel(spec, inner=inner, scorer=scorer)

    assert [str(finding) for finding in check_channel(made)] == []


class Spoiled(Worth):
    def __init__(self, spoil):
        super().__init__(worths())
        self.spoil = spoil

    def pair_scores(self, requests, items_BN):
        return self.spoil(super().pair_scores(requests, items_BN))


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda scores: scores[:, :-1], r"s.pair_scores\(\).shape == .*, must be \(24, 20\)"),
        (lambda scores: scores * np.nan, r"s.pair_scores\(\) == nan or inf, must be finite"),
    ],
)
def test_scores_that_are_none_are_refused(lexical, spoil, wanted):
    with pytest.raises(ContractError, match=wanted):
        reranked(lexical, Spoiled(spoil), depth=20).recall(REQUESTS, 10)


def test_what_cannot_score_given_items_is_refused(lexical):
    with pytest.raises(ConfigError, match=r"scorer == 's', must be a part that has pair_scores"):
        reranked(lexical, PopularChannel())


def test_late_requests_of_the_inner_channel_stay_late(lexical):
    class Late(LexicalChannel):
        def recall(self, requests, limit):
            found = super().recall(requests, limit)
            return replace(found, late_B=np.arange(len(requests)) % 2 == 0)

    found = reranked(fitted(Late()), lexical, depth=20).recall(REQUESTS, 10)
    np.testing.assert_array_equal(found.late_B, np.arange(24) % 2 == 0)


def test_its_time_is_that_of_the_inner_channel_and_its_own():
    inner = LatencySpec(base_s=0.01, per_item_s=1e-4, sigma=0.3)
    own = LatencySpec(base_s=0.004, per_item_s=1e-5, sigma=0.3)
    spec = spec_of(depth=100, latency=own)
    whole = spec.over({"inner": spec_of(latency=inner)}).service_time()
    for luck in (-1.0, 0.0, 2.0):
        wanted = inner.seconds(luck, 100) + own.seconds(luck, 100)
        assert whole.seconds(luck, 10) == pytest.approx(wanted)


def test_it_tells_how_it_changes_the_candidates(lexical):
    report = fitted(reranked(lexical, LogisticJudge(), depth=50, threshold=0.2)).report()
    assert report["inner"] == "lexical"
    assert report["requests_tried"] == 256
    assert report["candidates_scored"] > report["candidates_kept"] > 0
    assert 0 < report["first_10_that_were_not"] < 1
    same = fitted(reranked(lexical, lexical, depth=50)).report()
    assert same["first_10_that_were_not"] == 0
