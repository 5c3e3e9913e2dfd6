"""A tiny shop with all doors open, its log and groups of ids, to try rewards on."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.settings import ShelfSpec
from cqsid.decoding.shelves import Shelves, item_values
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Samples
from cqsid.rewards.shop import Elsewhere, Outcome, Shop
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.signals import catalog_texts
from ranking.examples import Examples
from ranking.recallstage import RecallStage
from recall.candidates import Pool
from recall.channel import Channel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.sampleshop import sample_catalog, sample_history, sample_index, title_texts
from recall.settings import MergeSpec
from recall.texts.features import TextFeatures
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Requests

Floats = NDArray[np.float32]

_SIZES = (8, 3, 2)  # thing (6: unknown; 7: of no item), colours in pairs, and the rest
_FOUND = 8  # items that a channel finds
_BUCKETS = 512


def sample_shop(catalog: Catalog | None = None, judges: Iterable[str] = ("grader",)) -> Shop:
    """Sixty items, one to three behind an id, every seventh sold out; with all doors open.

    The last two items have no id, and the items of the second last id are all sold out.

    Args:
        catalog: the items; None: those sixty.
        judges: names of its judges.
    """
    catalog, vectors = catalog if catalog is not None else sample_catalog(), Words()
    history, index, ids = sample_history(catalog), sample_index(catalog), _ids(catalog)
    index.available_I[ids.sid_I == len(ids.sids_SL) - 2] = False
    values_I = item_values(ShelfSpec(), index.statistics[0], catalog.created_at_I)
    return Shop(
        catalog,
        ids,
        Shelves.of(ids, values_I).on_sale(index.available_I),
        index,
        vectors,
        vectors.items(catalog_texts(catalog)),
        _elsewhere(catalog, history),
        PlainRanker(),
        Oracle(),
        {name: Grader() for name in judges},
    )


def sample_logged(number: int = 12, catalog: Catalog | None = None) -> Logged:
    """Requests of the sample log: with and without clicks, orders and text."""
    texts = None if catalog is None else title_texts(catalog)
    history = sample_history(catalog if catalog is not None else sample_catalog(), texts=texts)
    return Logged.of(history, np.arange(number, dtype=np.int64))


def sample_groups(logged: Logged, shop: Shop, group: int = 6, seed: int = 3) -> Samples:
    """Ids for each request: of an item that was shown, one twice, one of no item, and others."""
    rng, ids = np.random.default_rng(seed), shop.ids
    sid_BG = rng.integers(0, len(ids.sids_SL), (len(logged), group)).astype(np.int32)
    shown_B = logged.exposed.lengths > 0
    first_item = logged.exposed.values[logged.exposed.pointer[:-1][shown_B]]
    sid_BG[shown_B, 0] = ids.sid_I[first_item]
    sid_BG[:, 1:2] = sid_BG[:, 2:3]
    sid_BG[:, 3:4] = -1
    return groups_of(sid_BG, shop)


def groups_of(sid_BG: Ints, shop: Shop) -> Samples:
    """Samples of these ids; -1 becomes codes that no item has."""
    codes_BGL = shop.ids.sids_SL[sid_BG]
    codes_BGL[sid_BG < 0] = np.array(_SIZES) - 1
    return Samples(codes_BGL, sid_BG)


def _ids(catalog: Catalog) -> SemanticIds:
    """Ids from the category, the colour, and one of two parts of the catalogue."""
    item_I = np.arange(len(catalog))
    thing_I = np.where(catalog.category_I < 0, _SIZES[0] - 2, catalog.category_I % (_SIZES[0] - 2))
    codes_IL = np.stack([thing_I, (item_I // 6) % 5 // 2, item_I // 40 % 2], axis=1).astype(
        np.int32
    )
    codes_IL[-2:] = -1
    return SemanticIds(codes_IL, _SIZES)


def _elsewhere(catalog: Catalog, history: History) -> Elsewhere:
    """Two channels, fitted without training."""
    channels: dict[str, Channel] = {"lexical": LexicalChannel(), "popular": PopularChannel()}
    for channel in channels.values():
        channel.fit(catalog, history, rng=np.random.default_rng(0))
    names = (*channels, "generative")
    limits = dict.fromkeys(channels, _FOUND)
    stage = RecallStage(len(catalog), channels, names, limits, MergeSpec(limit=2 * _FOUND))
    return Elsewhere(stage.pool, bit=names.index("generative"), channels=len(names))


class Words:
    """`TextVectors`: the sum of fixed random vectors of a text's words and n-grams, length 1."""

    def __init__(self, dimensions: int = 16) -> None:
        self._table = np.random.default_rng(5).normal(size=(_BUCKETS, dimensions))

    def items(self, texts: list[str]) -> Floats:
        """(N, D) vectors, zeros for a text without words."""
        bags = TextFeatures.of(texts, _BUCKETS).bags()
        sums = np.zeros((len(texts), self._table.shape[1]))
        np.add.at(sums, np.repeat(np.arange(len(bags)), bags.lengths), self._table[bags.values])
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.where(length > 0, length, 1)).astype(np.float32)

    def queries(self, texts: list[str]) -> Floats:
        """The same as for items."""
        return self.items(texts)


class PlainRanker:
    """A ranker without training: cheap items and those of many channels first."""

    name = "plain"

    def fit(self, examples: Examples, *, rng: np.random.Generator) -> None:
        """Nothing to learn."""

    def score(self, requests: Requests, pool: Pool) -> Floats:
        """(B, N) score, -inf on padding."""
        found_BN = (pool.ranks_BNC >= 0).sum(axis=2)
        scores_BN = found_BN - (pool.items_BN % 10) / 10
        return np.where(pool.items_BN >= 0, scores_BN, -np.inf).astype(np.float32)


class Oracle:
    """Shoppers whose chances follow from the numbers of request and item."""

    def expected(self, requests: Requests, items_BN: Ints, outcome: Outcome) -> Floats:
        """(B, N) chances between 0 and 1, smaller for a purchase than for a click."""
        mixed_BN = (requests.id_B[:, None] * 7 + items_BN * 13) % 101 / 101
        scale = {"click": 1.0, "purchase": 0.2, "gmv": 5.0}[outcome]
        return np.where(items_BN >= 0, scale * mixed_BN, 0).astype(np.float32)


class Grader:
    """A judge that goes by the length of the text and the item's number."""

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) one of four grades over 3."""
        length_B = np.array([len(requests.texts[text]) for text in requests.text_B], np.int64)
        grade_BN = (7 * items_BN + length_B[:, None]) % 4
        return np.where(items_BN >= 0, grade_BN / 3, 0).astype(np.float32)
