"""What a user might plug in: channels, rankers and click models, good ones and broken ones."""

import os
import sys
import time
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ranking.rankers.ranker import MergeOrderRanker
from recall.candidates import Candidates
from recall.judge import expected_grade
from recall.rewriting.wordings import Wordings
from recall.understanding.filled import Guesses, structured_of, with_guesses
from simulator.protocols import Requests


class Shelf:
    """A sound channel: the items from some place of the catalogue on, chosen by the text."""

    name = "shelf"

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def fit(self, catalog, history, *, rng):
        self.n_items = len(catalog)

    def recall(self, requests, limit):
        length_B = np.array([len(requests.texts[text]) for text in requests.text_B], np.int64)
        column_N = np.arange(min(limit, self.n_items))
        items_BN = (self.start + 37 * length_B[:, None] + column_N) % self.n_items
        scores_BN = np.broadcast_to(-column_N.astype(np.float32), items_BN.shape)
        return Candidates(items_BN.astype(np.int32), scores_BN.copy())


class Raises(Shelf):
    def recall(self, requests, limit):
        raise RuntimeError("no <service> today")


class WritesRequests(Shelf):
    def recall(self, requests, limit):
        requests.text_B[:] = 0
        return super().recall(requests, limit)


class EndsTheProgram(Shelf):
    def recall(self, requests, limit):
        sys.exit()


class MovesAway(Shelf):
    def recall(self, requests, limit):
        os.chdir("/")


class Hangs(Shelf):
    def recall(self, requests, limit):
        time.sleep(60)


class Picky(Shelf):
    """Knows its items beforehand, as an index does that was made elsewhere."""

    def __init__(self, items: int = 50) -> None:
        super().__init__()
        self.items = items

    def fit(self, catalog, history, *, rng):
        if len(catalog) != self.items:
            raise ValueError(f"{len(catalog)} items, must be {self.items}")
        super().fit(catalog, history, rng=rng)


class UnknownItems(Shelf):
    def recall(self, requests, limit):
        found = super().recall(requests, limit)
        return Candidates(found.items_BN + np.int32(self.n_items), found.scores_BN)


class WrongShape(Shelf):
    def recall(self, requests, limit):
        found = super().recall(requests, limit)
        return Candidates(found.items_BN[:-1], found.scores_BN[:-1])


class CannotRefresh(Shelf):
    def refresh(self, index, arm):
        raise KeyError("statistics")


class CannotFit(Shelf):
    def fit(self, catalog, history, *, rng):
        raise KeyError("colour")


class Telling(Shelf):
    """Tells of its training in words of its own, and is watched."""

    def watch(self, tell):
        self.tell = tell

    def fit(self, catalog, history, *, rng):
        super().fit(catalog, history, rng=rng)
        for share in (0.5, 0.2, 1.7):  # none of which may harm the bar
            self.tell(share)
        del self.tell

    def report(self):
        return {
            "trees": np.int64(12),
            "depth": np.array([3, 4]),
            "loss": float("nan"),
            "training": "quick",
        }


class TellingTooMuch(Shelf):
    def report(self):
        return {"catalogue": object()}


class CannotBeKept(Shelf):
    def fit(self, catalog, history, *, rng):
        super().fit(catalog, history, rng=rng)
        self.helper = lambda: None


class Witness(Shelf):
    """Keeps all that it is ever given, for tests in this process to look at."""

    seen: ClassVar[list[Any]] = []

    def fit(self, catalog, history, *, rng):
        self.seen.append((catalog, history))
        super().fit(catalog, history, rng=rng)

    def refresh(self, index, arm):
        self.seen.append(index)

    def recall(self, requests, limit):
        self.seen.append(requests)
        return super().recall(requests, limit)


class WitnessReward:
    """A reward of zeros that keeps all that it is ever given."""

    seen: ClassVar[list[Any]] = []

    def __call__(self, logged, samples, shop):
        self.seen.append((logged, samples, shop))
        return np.zeros(samples.shape, np.float32)


class Cheapest:
    """A sound ranker."""

    name = "cheapest"

    def __init__(self, features, weight: float = 1.0) -> None:
        self.features = features
        self.weight = weight

    def fit(self, examples, *, rng):
        self.price_I = examples.index.price_I

    def refresh(self, index, arm):
        self.price_I = index.price_I

    def score(self, requests, pool):
        scores_BN = -self.weight * np.log(self.price_I)[pool.items_BN]
        return np.where(pool.items_BN >= 0, scores_BN, -np.inf).astype(np.float32)


class WitnessRanker(Cheapest):
    seen: ClassVar[list[Any]] = []

    def fit(self, examples, *, rng):
        self.seen.append((self.features, examples))
        super().fit(examples, rng=rng)

    def score(self, requests, pool):
        self.seen.append((requests, pool))
        return super().score(requests, pool)


class RankerCannotFit(MergeOrderRanker):
    def fit(self, examples, *, rng):
        raise IndexError("too few examples")


class RankerRaises(MergeOrderRanker):
    def score(self, requests, pool):
        raise RuntimeError("no scores today")


class RankerOfAnotherShape(MergeOrderRanker):
    def score(self, requests, pool):
        return super().score(requests, pool)[:, :3]


class RankerOfNumbersThatAreNone(MergeOrderRanker):
    def score(self, requests, pool):
        return super().score(requests, pool) * np.float32(np.nan)


class FirstResults:
    """A sound click model: looks at the first results only, and clicks what attracts."""

    def __init__(self, results: int = 3) -> None:
        self.results = results

    def __call__(self, attraction_BK, phone_B, look_BK, click_BK):
        examined_BK = np.zeros(attraction_BK.shape, bool)
        examined_BK[:, : self.results] = True
        return examined_BK, examined_BK & (click_BK < attraction_BK)


class ClicksByChance:
    """Draws luck of its own."""

    def __call__(self, attraction_BK, phone_B, look_BK, click_BK):
        examined_BK = np.random.default_rng().random(attraction_BK.shape) < 0.5
        return examined_BK, examined_BK & (click_BK < attraction_BK)


def clicks_unseen():
    def model(attraction_BK, phone_B, look_BK, click_BK):
        return np.zeros(attraction_BK.shape, bool), click_BK < attraction_BK

    return model


def clicks_of_one_column():
    def model(attraction_BK, phone_B, look_BK, click_BK):
        return attraction_BK[:, :1] > 0, attraction_BK[:, :1] > 0

    return model


class FirstWord:
    """A rewriter that gives a text of several words its first one, if anybody has asked that.

    It keeps what the channels that it may ask find for it.
    """

    name = "first_word"

    def fit(self, catalog, history, tools, *, rng):
        asked = sorted({history.texts[text] for text in history.text_R.tolist()})
        row_of = {text: row for row, text in enumerate(asked)}
        first = [row_of.get(text.partition(" ")[0], -1) for text in asked]
        other_TR = np.array([[r] if r != own else [-1] for own, r in enumerate(first)], np.int32)
        other_TR = other_TR.reshape(len(asked), 1)
        self.table = Wordings(asked, other_TR, np.where(other_TR >= 0, 0.5, 0).astype("f4"))
        some = Requests.of_texts(tuple(asked[:5]))
        self.found = {
            name: channel.recall(some, 3).items_BN for name, channel in tools.channels.items()
        }

    def rewrite(self, requests, most):
        return self.table(requests, most)


class FirstValue:
    """A catalogue step that gives the first value of all to items without any."""

    sure = 0.5

    def fit(self, catalog, history, *, rng):
        structured_of(catalog)

    def fill(self, catalog):
        item_F = np.flatnonzero((catalog.structured.values_IV < 0).all(axis=1))
        guesses = Guesses(item_F, 0 * item_F, np.full(len(item_F), self.sure))
        nothing_I = np.zeros(len(catalog), np.float32)
        return with_guesses(catalog, guesses, catalog.category_I, nothing_I)


class Overwrites(FirstValue):
    def fill(self, catalog):
        filled = super().fill(catalog)
        filled.catalog.structured.values_IV[:, 0] = 0
        return filled


class Looks(FirstValue):
    def fill(self, catalog):
        filled = super().fill(catalog)
        filled.catalog.category_I[catalog.category_I < 0] = catalog.category_I[0]
        sure_I = np.where(filled.catalog.category_I >= 0, 1, 0).astype(np.float32)
        return replace(filled, category_confidence_I=sure_I)


class TooSure(FirstValue):
    sure = 1.5


class NeedsValues(FirstValue):
    def fit(self, catalog, history, *, rng):
        catalog.structured.values_IV.any()


class LongTitles:
    """A judge that likes what has many words in its title."""

    name = "long_titles"

    def fit(self, catalog, history, annotations, *, rng):
        counts = [len(title.split()) for title in catalog.title_I]
        self.share_I = (np.array(counts) / max(counts)).astype(np.float32)

    def grades(self, requests, items_BN):
        good_BN = self.share_I[np.maximum(items_BN, 0)]
        none_BN = np.zeros_like(good_BN)
        grades_BNG = np.stack([1 - good_BN, none_BN, none_BN, good_BN], axis=2)
        return np.where(items_BN[..., None] >= 0, grades_BNG, 0).astype(np.float32)

    def pair_scores(self, requests, items_BN):
        return expected_grade(self.grades(requests, items_BN))


class JudgeOfAnotherShape(LongTitles):
    def grades(self, requests, items_BN):
        return super().grades(requests, items_BN)[..., 0]
