"""The conformance suite over every rewriter, and over rewriters that break it in one way each."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recall.rewriting.coclick import CoclickRewriter
from recall.rewriting.conformance import check_rewriter
from recall.rewriting.frequent import FrequentRewriter
from recall.rewriting.identity import IdentityRewriter
from recall.rewriting.rewriter import Rewrites
from recall.rewriting.settings import CoclickSpec
from recall.rewriting.wordings import Wordings
from recall.steps.owntexts import asked_texts

REWRITERS: dict[str, Callable] = {
    "coclick": CoclickRewriter,
    "permuted": lambda: CoclickRewriter(CoclickSpec(permuted=True)),
    "frequent": FrequentRewriter,
    "identity": IdentityRewriter,
}


@pytest.mark.parametrize("kind", REWRITERS)
def test_a_rewriter_keeps_its_contract(kind):
    assert [str(finding) for finding in check_rewriter(REWRITERS[kind])] == []


class Sound:
    """A small rewriter without a fault: the two commonest texts, whatever was asked."""

    name = "sound"

    def fit(self, catalog, history, tools, *, rng):
        texts, times, _ = asked_texts(history)
        first = np.argsort(-times, kind="stable")[:3]
        others = [[row for row in first if row != own][:2] for own in range(len(texts))]
        other_TR = np.array(others, np.int32).reshape(len(texts), 2)
        scores_TR = np.tile(np.array([0.5, 0.25], np.float32), (len(texts), 1))
        self.table = Wordings(texts, other_TR, scores_TR)

    def rewrite(self, requests, most):
        return self.table(requests, most)


class NeedsHistory(Sound):
    def fit(self, catalog, history, tools, *, rng):
        super().fit(catalog, history, tools, rng=rng)
        history.request_R[0]


class Numbered(Sound):
    """Keeps numbers of texts, which are others where other texts exist."""

    def fit(self, catalog, history, tools, *, rng):
        super().fit(catalog, history, tools, rng=rng)
        self.asked = np.unique(history.text_R)


class Nosy(Sound):
    """Also knows texts that nobody has asked."""

    def fit(self, catalog, history, tools, *, rng):
        super().fit(catalog, history, tools, rng=rng)
        self.known = sorted(history.texts)


class Changed(Sound):
    """Spoils a part of what it found."""

    def rewrite(self, requests, most):
        return self.spoiled(super().rewrite(requests, most), requests)


class Itself(Changed):
    def spoiled(self, found, requests):
        text_BR = found.text_BR.copy()
        text_BR[:, :1] = requests.text_B[:, None]
        return replace(found, text_BR=text_BR)


class Twice(Changed):
    def spoiled(self, found, requests):
        text_BR = found.text_BR.copy()
        text_BR[:, 1:] = text_BR[:, :1]
        return replace(found, text_BR=text_BR)


class Rising(Changed):
    def spoiled(self, found, requests):
        return replace(found, scores_BR=np.ascontiguousarray(found.scores_BR[:, ::-1]))


class Sure(Changed):
    def spoiled(self, found, requests):
        return replace(found, scores_BR=found.scores_BR * np.float32(4))


class Gapped(Changed):
    def spoiled(self, found, requests):
        text_BR, scores_BR = found.text_BR.copy(), found.scores_BR.copy()
        text_BR[:, :1], scores_BR[:, :1] = -1, 0
        return replace(found, text_BR=text_BR, scores_BR=scores_BR)


class Unknown(Changed):
    def spoiled(self, found, requests):
        return replace(found, text_BR=found.text_BR + len(found.texts))


class Doubles(Changed):
    def spoiled(self, found, requests):
        return replace(found, scores_BR=found.scores_BR.astype(np.float64))


class Fresh(Changed):
    def spoiled(self, found, requests):
        return replace(found, texts=(*found.texts, "new"))


class Foreign(Changed):
    def spoiled(self, found, requests):
        return replace(found, texts=tuple(reversed(found.texts)))


class Crowd(Changed):
    """Answers by how many ask."""

    def spoiled(self, found, requests):
        return found if len(requests) > 1 else Rewrites.none(requests)


class Counting(Changed):
    """Answers otherwise each time."""

    calls = 0

    def spoiled(self, found, requests):
        Counting.calls += 1
        return replace(found, scores_BR=found.scores_BR / np.float32(1 + Counting.calls))


class Writing(Changed):
    def spoiled(self, found, requests):
        requests.text_B[:] = 0
        return found


class Forgetful(Sound):
    def __getstate__(self):
        return {"table": Wordings((), np.zeros((0, 1), np.int32), np.zeros((0, 1), np.float32))}


BROKEN = {
    NeedsHistory: "fit() with an empty history",
    Numbered: "fit() with more texts that nobody has asked == another model",
    Nosy: "fit() with more texts that nobody has asked == another model",
    Itself: "must not be the text asked",
    Twice: "must be given once",
    Rising: "must not rise along a row",
    Sure: "must be above 0 and at most 1",
    Gapped: "must not stand behind padding",
    Unknown: "the number of texts",
    Doubles: "scores_BR.dtype == float64, must be float32",
    Fresh: "texts == made anew, must be one object for one world",
    Foreign: "texts == others, must begin with the texts of the requests",
    Crowd: "rewrite() asked singly == another answer",
    Counting: "rewrite() asked twice == another answer",
    Writing: "leave what it is given as it is",
    Forgetful: "saving == another answer",
}


def test_the_small_rewriter_is_sound():
    assert [str(finding) for finding in check_rewriter(Sound)] == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_each_breach_is_told(broken):
    said = "\n".join(str(finding) for finding in check_rewriter(broken))
    assert BROKEN[broken] in said


def test_what_is_no_rewriter_is_told():
    findings = check_rewriter(lambda: object())
    assert str(findings[0]) == "rewriter == object, must have name, fit and rewrite"
