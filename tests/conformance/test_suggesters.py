"""The conformance suite over every suggester, and over some that break it in one way each."""

from dataclasses import replace

import numpy as np
import pytest

from recall.suggesting.affinity import AffinitySuggester
from recall.suggesting.conformance import check_suggester
from recall.suggesting.popular import PopularSuggester

SUGGESTERS = {"popular": PopularSuggester, "affinity": AffinitySuggester}


@pytest.mark.parametrize("kind", SUGGESTERS)
def test_a_suggester_keeps_its_contract(kind):
    assert [str(finding) for finding in check_suggester(SUGGESTERS[kind])] == []


class Spoiled(PopularSuggester):
    def suggest(self, requests, most):
        return self.spoiled(super().suggest(requests, most), requests)


class NeedsHistory(PopularSuggester):
    def fit(self, catalog, history, tools, *, rng):
        super().fit(catalog, history, tools, rng=rng)
        history.request_R[0]


class Nosy(PopularSuggester):
    def fit(self, catalog, history, tools, *, rng):
        super().fit(catalog, history, tools, rng=rng)
        self.known = sorted(history.texts)


class Same(Spoiled):
    def spoiled(self, found, requests):
        text_BK = found.text_BK.copy()
        text_BK[:, :1] = np.maximum(requests.text_B, 0)[:, None]
        return replace(found, text_BK=text_BK)


class Twice(Spoiled):
    def spoiled(self, found, requests):
        return replace(found, text_BK=np.repeat(found.text_BK[:, :1], found.text_BK.shape[1], 1))


class Endless(Spoiled):
    def spoiled(self, found, requests):
        return replace(found, scores_BK=np.where(found.text_BK >= 0, np.inf, 0).astype("f4"))


class Wide(Spoiled):
    def spoiled(self, found, requests):
        return replace(found, text_BK=found.text_BK.astype(np.int64))


class NeedsText(Spoiled):
    def spoiled(self, found, requests):
        if (requests.text_B < 0).any():
            raise ValueError("no text")
        return found


class Crowd(Spoiled):
    def spoiled(self, found, requests):
        turned = np.ascontiguousarray(found.text_BK[:, ::-1])
        full = (found.text_BK >= 0).all()
        return found if len(requests) > 1 or not full else replace(found, text_BK=turned)


BROKEN = {
    NeedsHistory: "suggester with an empty history",
    Nosy: "fit() with more texts that nobody has asked == another model",
    Same: "must not be the text asked",
    Twice: "must be given once",
    Endless: "== inf, must be finite",
    Wide: "text_BK.dtype == int64, must be int32",
    NeedsText: "ValueError('no text')",
    Crowd: "suggest() asked singly == another answer",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_each_breach_is_told(broken):
    assert BROKEN[broken] in "\n".join(str(finding) for finding in check_suggester(broken))


def test_what_is_no_suggester_is_told():
    (finding,) = check_suggester(lambda: object())
    assert str(finding) == "suggester == object, must have name, fit and suggest"
