"""Texts that share clicks, from the rarer to the commoner."""

from dataclasses import replace

import numpy as np
import pytest

from recall.rewriting.coclick import CoclickRewriter
from recall.rewriting.settings import CoclickSpec
from recall.steps.tools import Tools
from simulator.protocols import Requests
from tests.recall.rewriting.shop import CATALOG, clicked

TEXTS = ("sofa", "couch", "settee", "lamp", "never")
CLICKS = [
    (0, [1, 2, 3]),
    (0, [1]),
    (0, [5]),
    (1, [1, 2]),
    (1, []),
    (2, [3, 9]),
    (3, [20]),
    (3, []),
]


def told(log, most=5, texts=TEXTS, **settings):
    """The wordings of each text, and their scores."""
    rewriter = CoclickRewriter(CoclickSpec(**settings))
    rewriter.fit(CATALOG, log, Tools(), rng=np.random.default_rng(0))
    found = rewriter.rewrite(Requests.of_texts(texts), most)
    return {
        text: [
            (found.texts[other], round(float(score), 3))
            for other, score in zip(others, scores, strict=True)
            if other >= 0
        ]
        for text, others, scores in zip(
            texts, found.text_BR.tolist(), found.scores_BR.tolist(), strict=True
        )
    }


def test_a_rarer_text_gets_the_commoner_ones_by_the_cosine_of_their_clicks():
    sofa, couch, settee = {1: 2, 2: 1, 3: 1, 5: 1}, {1: 1, 2: 1}, {3: 1, 9: 1}

    def cosine(one, other):
        dot = sum(one[item] * other.get(item, 0) for item in one)
        return dot / np.sqrt(sum(v * v for v in one.values()) * sum(v * v for v in other.values()))

    found = told(clicked(TEXTS, CLICKS))
    assert found["couch"] == [("sofa", round(cosine(sofa, couch), 3))]
    assert found["sofa"] == []  # nobody is commoner
    assert cosine(sofa, settee) < 0.3
    assert found["settee"] == []
    assert told(clicked(TEXTS, CLICKS), least_cosine=0.2)["settee"] == [
        ("sofa", round(cosine(sofa, settee), 3))
    ]
    assert found["lamp"] == found["never"] == []


def test_of_two_texts_asked_as_often_the_first_of_the_alphabet_stands_for_the_other():
    found = told(clicked(("b", "a"), [(0, [1]), (1, [1])]), texts=("b", "a"))
    assert found == {"b": [("a", 1.0)], "a": []}


def test_the_most_similar_come_first_and_only_so_many_are_kept():
    texts = ("x", "near", "far", "also")
    clicks = [(0, [1, 2]), *[(1, [1, 2])] * 2, *[(2, [1, 9])] * 3, *[(3, [1, 2])] * 4]
    log = clicked(texts, clicks)
    assert [name for name, _ in told(log, texts=texts)["x"]] == ["also", "near", "far"]
    assert [name for name, _ in told(log, texts=texts, kept=2)["x"]] == ["also", "near"]
    assert [name for name, _ in told(log, most=1, texts=texts)["x"]] == ["also"]


def test_texts_of_another_world_are_found_by_their_words():
    log = clicked(TEXTS, CLICKS)
    assert [name for name, _ in told(log, texts=("couch", "?"))["couch"]] == ["sofa"]
    assert [name for name, _ in told(log, texts=("?", "sofa", "couch"))["couch"]] == ["sofa"]


def test_the_twin_gives_as_many_wordings_of_other_texts():
    rng = np.random.default_rng(2)
    texts = tuple(f"text {n:02d}" for n in range(40))
    log = clicked(texts, [(int(rng.integers(40)), rng.integers(0, 12, 3)) for _ in range(400)])
    plain, twin = told(log, texts=texts), told(log, texts=texts, permuted=True)
    counts = [sum(map(len, found.values())) for found in (plain, twin)]
    assert counts[0] >= counts[1] > 0.9 * counts[0] > 0
    same = sum(plain[text] == twin[text] for text in texts if plain[text])
    assert same < 0.3 * len(texts)
    assert not any(text in dict(twin[text]) for text in texts)


def test_it_tells_how_many_texts_it_can_reword():
    rewriter = CoclickRewriter()
    rewriter.fit(CATALOG, clicked(TEXTS, CLICKS), Tools(), rng=np.random.default_rng(0))
    wanted = {"texts": 4, "texts_with_a_wording": 1, "wordings_of_such_a_text": 1.0}
    assert rewriter.report() == wanted


@pytest.mark.parametrize("shift", [0, 3])
def test_numbers_of_texts_decide_nothing(shift):
    log = clicked(TEXTS, CLICKS)
    names = tuple(f"unasked {n}" for n in range(shift))
    more = replace(log, texts=names + log.texts, text_R=(log.text_R + shift).astype(np.int32))
    assert told(more) == told(log)
