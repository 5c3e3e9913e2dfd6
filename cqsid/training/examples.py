"""What the generator learns from: prompts with the ids that answer them, for each stage.

Nothing is tokenised ahead: an example is a row number, and a batch's prompts are put together
from the parts when its turn comes. So memory grows by a few bytes an event.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.prompts import PromptBuilder, Prompts
from cqsid.generator.related import related_clicks
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from recall.feedback import Feedback
from simulator.catalogue.catalog import Ints
from simulator.errors import DataError
from simulator.log.history import History
from simulator.protocols import Requests

_SORTED_TOGETHER = 32  # batches among which like lengths are put together
Rows = NDArray[np.int64]


class PromptSource(Protocol):
    """N prompts that are put together when asked for."""

    @property
    def size_N(self) -> Rows:
        """(N,) about how many tokens each prompt has, to batch like with like."""

    def rows(self, rows: Rows) -> Prompts:
        """Some of the prompts."""


@dataclass(frozen=True)
class Texts:
    """Prompts of texts alone: of items' titles, or of queries.

    Attributes:
        made: puts subword lists into prompts.
        texts: the texts.
        row_N: which of them each prompt has.
    """

    made: Callable[[Ragged], Prompts]
    texts: Ragged
    row_N: Ints

    @property
    def size_N(self) -> Rows:
        """(N,) tokens of each text."""
        return self.texts.lengths[self.row_N]

    def rows(self, rows: Rows) -> Prompts:
        """Some of the prompts."""
        return self.made(self.texts.take(self.row_N[rows]))


@dataclass(frozen=True)
class Shoppers:
    """Prompts of requests: shopper and query.

    Attributes:
        request_N: row of each prompt's request among those that follow.
        requests: with the clicks that speak for the shopper as history.
        codes_IL: codes of the items, for the clicked ones.
    """

    builder: PromptBuilder
    texts: Ragged
    codes_IL: Ints
    request_N: Rows
    requests: Requests

    @staticmethod
    def of(data: "TrainingData", history: History, row_N: Rows) -> "Shoppers":
        """Prompts of a history's requests, one for each of `row_N`, repeats allowed."""
        row_M, request_N = np.unique(row_N, return_inverse=True)
        asked = history.requests(row_M)
        told = replace(asked, history_BH=data.told(asked.text_B, asked.history_BH))
        return Shoppers(data.prompts, data.texts, data.ids.codes_IL, request_N, told)

    @property
    def size_N(self) -> Rows:
        """(N,) tokens of each text and codes of its clicked items."""
        asked, levels = self.requests, self.codes_IL.shape[1]
        clicks_M = (asked.history_BH >= 0).sum(axis=1)
        size_M = self.texts.lengths[asked.text_B] + levels * clicks_M
        return np.asarray(size_M[self.request_N], np.int64)

    def rows(self, rows: Rows) -> Prompts:
        """Some of the prompts."""
        asked, at_B = self.requests, self.request_N[rows]
        return self.builder.shoppers(
            self.texts.take(asked.text_B[at_B]),
            asked.gender_B[at_B],
            asked.age_B[at_B],
            asked.history_BH[at_B],
            self.codes_IL,
        )


@dataclass(frozen=True)
class MadePairs:
    """Pairs of a text and an item that no log holds (`recall.augmenting`).

    Attributes:
        texts: subword tokens of the texts.
        text_P, item_P: the pairs.
        weight_P: how much each counts beside the others of its kind.
    """

    texts: Ragged
    text_P: Ints
    item_P: Ints
    weight_P: NDArray[np.float64]


@dataclass(frozen=True)
class TrainingData:
    """What a generator is trained on.

    Raises:
        DataError: parts that belong to another catalogue or log.

    Attributes:
        history: a past log; its last requests are held out for validation.
        ids: ids of the catalogue's I items; an item without one is not learned from.
        titles: (I,) subword tokens of the items' texts.
        texts: subword tokens of `history.texts`.
        prompts: puts prompts together.
        related_TC: whether items clicked before speak for a shopper who asks with each text, see
            `RelatedCategories.keep`; None: they always do.
        category_I: categories of the items, read only where `related` is given.
        made: of each augmentation, for the query stage.
        made_share: share of made pairs among all that the query stage draws.
    """

    history: History
    ids: SemanticIds
    titles: Ragged
    texts: Ragged
    prompts: PromptBuilder
    related_TC: NDArray[np.bool_] | None = None
    category_I: Ints | None = None
    made: tuple[MadePairs, ...] = ()
    made_share: float = 0.3

    def __post_init__(self) -> None:
        self.ids.check(len(self.titles), "titles")
        if len(self.texts) != len(self.history.texts):
            found, wanted = len(self.texts), len(self.history.texts)
            raise DataError(f"texts == {found} lists, must be {wanted} as the history's texts")
        if self.related_TC is not None and self.category_I is None:
            raise DataError("category_I == None, must be given with related_TC")

    def told(self, text_B: Ints, clicked_BH: Ints) -> Ints:
        """The clicks that speak for shoppers who ask with these texts."""
        if self.related_TC is None or self.category_I is None:
            return clicked_BH
        return related_clicks(self.related_TC, text_B, clicked_BH, self.category_I)


@dataclass(frozen=True)
class Examples:
    """N prompts, the codes that answer them and how often each is drawn.

    Attributes:
        prompts: the prompts.
        answer_N: what answers each: for ids, the item.
        codes_IL: codes of all answers.
        weight_N: how often an example is drawn, relative to the others; positive.
    """

    prompts: PromptSource
    answer_N: Ints
    codes_IL: Ints
    weight_N: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.answer_N)

    def codes(self, rows: Rows) -> Ints:
        """(B, L) the codes that answer some of the prompts."""
        return self.codes_IL[self.answer_N[rows]]

    def draw(self, number: int, rng: np.random.Generator) -> Rows:
        """Examples by their weights, in random order.

        Systematic sampling: an example of which the weights want w copies is drawn floor(w) or
        ceil(w) times, so equal weights and `number == N` give each example once.
        """
        share_N = np.cumsum(self.weight_N) / self.weight_N.sum()
        at = (np.arange(number) + rng.random()) / number
        drawn = np.minimum(np.searchsorted(share_N, at, side="right"), len(self) - 1)
        return rng.permutation(drawn)

    def batches(self, number: int, size: int, rng: np.random.Generator) -> list[Rows]:
        """Draw examples and cut them into ceil(number / size) batches of like lengths.

        Lengths are sorted only among the examples of a few dozen batches, so that a batch is
        still a mixture.
        """
        drawn = self.draw(number, rng)
        size_N, ends = self.prompts.size_N, np.linspace(0, number, -(-number // size) + 1)
        ends_K = ends.astype(np.int64)
        for first in range(0, len(ends_K) - 1, _SORTED_TOGETHER):
            few = slice(ends_K[first], ends_K[min(first + _SORTED_TOGETHER, len(ends_K) - 1)])
            drawn[few] = drawn[few][np.argsort(size_N[drawn[few]], kind="stable")]
        return np.split(drawn, ends_K[1:-1])


def item_examples(data: TrainingData) -> Examples:
    """Stage 1: the text of every item with an id -> its id."""
    item_N = np.flatnonzero(data.ids.sid_I >= 0).astype(np.int32)
    prompts = Texts(data.prompts.items, data.titles, item_N)
    return Examples(prompts, item_N, data.ids.codes_IL, np.ones(len(item_N)))


def query_examples(data: TrainingData, history: History, order_weight: float) -> Examples:
    """Stage 2: every distinct pair of a query text and an item that was clicked or bought.

    Pairs are drawn as often as they occurred in `history`, an order counting `order_weight`. Made
    pairs come behind them, all augmentations counting alike, so that they are their share of what
    is drawn; without a pair of the log there are none.
    """
    feedback = Feedback.of(history, order_weight)
    kept_F = data.ids.sid_I[feedback.item_F] >= 0
    keys_F = feedback.text_F[kept_F].astype(np.int64) * len(data.ids) + feedback.item_F[kept_F]
    keys, pair_F = np.unique(keys_F, return_inverse=True)
    weight_N = np.zeros(len(keys))
    np.add.at(weight_N, pair_F, feedback.weight_F[kept_F])
    text_N, item_N = (part.astype(np.int32) for part in np.divmod(keys, len(data.ids)))
    texts = data.texts
    held = [made for made in data.made if (data.ids.sid_I[made.item_P] >= 0).any()]
    total = weight_N.sum() * data.made_share / (1 - data.made_share)
    for made in held if len(weight_N) else ():
        kept_P = data.ids.sid_I[made.item_P] >= 0
        text_N = np.concatenate([text_N, made.text_P[kept_P] + np.int32(len(texts))])
        item_N = np.concatenate([item_N, made.item_P[kept_P]])
        weight_P = made.weight_P[kept_P]
        weight_N = np.concatenate([weight_N, weight_P / weight_P.sum() * total / len(held)])
        texts = texts.followed_by(made.texts)
    prompts = Texts(data.prompts.queries, texts, text_N)
    return Examples(prompts, item_N, data.ids.codes_IL, weight_N)


def shopper_examples(data: TrainingData, history: History, order_weight: float) -> Examples:
    """Stage 3: every click and order, with what was known of the shopper at that request."""
    feedback = Feedback.of(history, order_weight)
    kept_F = data.ids.sid_I[feedback.item_F] >= 0
    row_F, item_F = acted_on(history)
    prompts = Shoppers.of(data, history, row_F[kept_F])
    return Examples(prompts, item_F[kept_F], data.ids.codes_IL, feedback.weight_F[kept_F])


def acted_on(history: History) -> tuple[Rows, Ints]:
    """Request row and item of every click, then of every order, in the order of `Feedback`."""
    clicked_X = history.clicked_X.astype(bool)
    row_F = np.concatenate([history.row_X[clicked_X], history.order_row_O]).astype(np.int64)
    return row_F, np.concatenate([history.item_X[clicked_X], history.order_item_O])
