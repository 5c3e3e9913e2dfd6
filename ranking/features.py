"""The features of a request and a candidate: a fixed, named list, from public data alone."""

from enum import IntEnum
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ranking.facts.categories import QueryCategories
from ranking.facts.itemfacts import ItemFacts, blank_index, usual_log_price
from ranking.facts.memory import QueryMemory
from ranking.facts.querywords import QueryWords
from recall.candidates import Pool
from recall.channel import PairScorer
from recall.classic.lexical import LexicalChannel
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import DAY, Index, Requests

Floats = NDArray[np.float32]


class Feature(IntEnum):
    """The columns that any shop and any channels have; what else there is comes after them."""

    TEXT_MATCH = 0  # BM25 of the query and the item's text
    CATEGORY_MATCH = 1  # share of the query's words that speak of the item's category
    LOG_PRICE = 2
    PRICE_GAP = 3  # log price against the mean of the shopper's recent clicks, 0 without clicks
    POPULARITY = 4  # log of orders, relative to the shop's mean
    AGE = 5  # log of 1 + days since the item entered the shop
    CLICK_THROUGH = 6  # log of the smoothed rate over the shop's rate
    CONVERSION = 7  # the same for orders per click
    RATING = 8
    SAME_BRAND = 9  # share of recent clicks on the item's brand
    SAME_CATEGORY = 10  # share of recent clicks in the item's category
    RELATIVE_PRICE = 11  # log price against the mean of its category, 0 where that is unknown
    RELATIVE_GAP = 12  # RELATIVE_PRICE against its mean over recent clicks, 0 without clicks
    QUERY_COVERAGE = 13  # share of the query's words, by rarity, that the item's text holds
    NAMED_BRAND = 14  # 1 where the query names the item's brand, -1 where it names another
    QUERY_ITEM = 15  # log of past clicks on the item for the query, over expected ones
    QUERY_CATEGORY = 16  # the same for the item's category
    QUERY_CLICKS = 17  # log of 1 + past clicks for the query
    ITEM_CLICKS = 18  # log of past clicks on the item over expected ones, over all queries


_PLAIN = len(Feature)

_Told = tuple[Requests, Ints, tuple[Floats, Floats, Floats, Floats]]
"""Requests, their candidates, and of each: words covered, brand named, item and category known."""

_OF_QUERY = [
    Feature.CATEGORY_MATCH,
    Feature.QUERY_COVERAGE,
    Feature.NAMED_BRAND,
    Feature.QUERY_CATEGORY,
    Feature.QUERY_ITEM,
]
_OF_ITEM = [
    Feature.ITEM_CLICKS,
    Feature.RATING,
    Feature.RELATIVE_PRICE,
    Feature.POPULARITY,
    Feature.CLICK_THROUGH,
]
FACTS = [*_OF_QUERY, *_OF_ITEM]
"""What the shop knows of a query and an item, whoever asks, and whoever found it; costs little."""


def text_scorer(catalog: Catalog, *, rng: np.random.Generator) -> PairScorer:
    """Text match is a feature of every ranker, also where no channel searches the text."""
    scorer = LexicalChannel()
    scorer.fit(catalog, History.empty(), rng=rng)
    return scorer


@njit(cache=True, nogil=True)
def _fill(
    out_BNF: Any,
    items_BN: Any,
    ranks_BNC: Any,
    history_BH: Any,
    days_B: Any,
    start_B: Any,
    category_E: Any,
    share_E: Any,
    columns_I: Any,
    brand_I: Any,
    category_I: Any,
    created_I: Any,
    n_categories: Any,
    n_channels: Any,
) -> None:  # pragma: no cover
    """Everything that needs no model, no words and no memory, one pass over the pairs."""
    log_price_I, relative_I, popularity_I, click_I, conversion_I, rating_I = columns_I
    share_C = np.zeros(n_categories, np.float32)
    for b in range(items_BN.shape[0]):
        for e in range(start_B[b], start_B[b + 1]):
            share_C[category_E[e]] = share_E[e]
        clicks, usual, relative = 0, np.float32(0.0), np.float32(0.0)
        for h in range(history_BH.shape[1]):
            if history_BH[b, h] >= 0:
                usual += log_price_I[history_BH[b, h]]
                relative += relative_I[history_BH[b, h]]
                clicks += 1
        if clicks:
            usual /= np.float32(clicks)
            relative /= np.float32(clicks)
        for n in range(items_BN.shape[1]):
            item = items_BN[b, n]
            out = out_BNF[b, n]
            if item < 0:
                out[:] = 0.0
                continue
            brand, category = brand_I[item], category_I[item]
            out[Feature.CATEGORY_MATCH] = share_C[category] if category >= 0 else 0.0
            out[Feature.LOG_PRICE] = log_price_I[item]
            out[Feature.PRICE_GAP] = log_price_I[item] - usual if clicks else 0.0
            out[Feature.RELATIVE_PRICE] = relative_I[item]
            out[Feature.RELATIVE_GAP] = relative_I[item] - relative if clicks else 0.0
            out[Feature.POPULARITY] = popularity_I[item]
            out[Feature.AGE] = np.log1p(max(days_B[b] - created_I[item], np.float32(0.0)))
            out[Feature.CLICK_THROUGH] = click_I[item]
            out[Feature.CONVERSION] = conversion_I[item]
            out[Feature.RATING] = rating_I[item]
            brands, categories = 0, 0
            for h in range(history_BH.shape[1]):
                clicked = history_BH[b, h]
                if clicked >= 0:
                    brands += brand >= 0 and brand_I[clicked] == brand
                    categories += category >= 0 and category_I[clicked] == category
            out[Feature.SAME_BRAND] = np.float32(brands) / np.float32(max(clicks, 1))
            out[Feature.SAME_CATEGORY] = np.float32(categories) / np.float32(max(clicks, 1))
            if not n_channels:
                continue
            found = 0
            for c in range(n_channels):
                rank = ranks_BNC[b, n, c]
                out[_PLAIN + 1 + c] = np.float32(1.0) / np.float32(1 + rank) if rank >= 0 else 0.0
                found += rank >= 0
            out[_PLAIN] = found
        for e in range(start_B[b], start_B[b + 1]):
            share_C[category_E[e]] = 0.0


@njit(cache=True, nogil=True)
def _fill_facts(
    out_BNX: Any,
    items_BN: Any,
    of_query: Any,
    shares: Any,
    of_item: Any,
    category_I: Any,
    n_categories: Any,
) -> None:  # pragma: no cover
    """`FACTS` of every pair: what words and memory say, the share of the category, item columns."""
    covered_BN, named_BN, known_BN, seen_BN = of_query
    start_B, category_E, share_E = shares
    clicks_I, rating_I, relative_I, popularity_I, click_I = of_item
    share_C = np.zeros(n_categories, np.float32)
    for b in range(items_BN.shape[0]):
        for e in range(start_B[b], start_B[b + 1]):
            share_C[category_E[e]] = share_E[e]
        for n in range(items_BN.shape[1]):
            item, out = items_BN[b, n], out_BNX[b, n]
            if item < 0:
                out[:] = 0.0
                continue
            category = category_I[item]
            out[0] = share_C[category] if category >= 0 else 0.0
            out[1], out[2] = covered_BN[b, n], named_BN[b, n]
            out[3], out[4] = known_BN[b, n], seen_BN[b, n]
            out[5], out[6], out[7] = clicks_I[item], rating_I[item], relative_I[item]
            out[8], out[9] = popularity_I[item], click_I[item]
        for e in range(start_B[b], start_B[b + 1]):
            share_C[category_E[e]] = 0.0


@njit(cache=True, nogil=True)
def _fill_known(out_BNF: Any, items_BN: Any, items_BM: Any, known: Any) -> Any:  # pragma: no cover
    """What is known of M candidates of each request, for those N of them, in their order.

    Whether all are among them.
    """
    covered_BM, named_BM, item_BM, category_BM = known
    for b in range(items_BN.shape[0]):
        m = 0
        for n in range(items_BN.shape[1]):
            if items_BN[b, n] < 0:
                continue
            while m < items_BM.shape[1] and items_BM[b, m] != items_BN[b, n]:
                m += 1
            if m == items_BM.shape[1]:
                return False
            out = out_BNF[b, n]
            out[Feature.QUERY_COVERAGE], out[Feature.NAMED_BRAND] = covered_BM[b, m], named_BM[b, m]
            out[Feature.QUERY_ITEM], out[Feature.QUERY_CATEGORY] = item_BM[b, m], category_BM[b, m]
    return True


class FeatureSet:
    """Computes the features of candidates; reads the shop's snapshot at every refresh.

    Args:
        catalog: the public catalogue.
        channels: names of all channels, in the order of the pool's last axis, where features may
            tell which of them found an item and ranked it how (its provenance); none where not.
        text: scorer of query and item text.
        dense: dense scorer, where the run has one.
        memory: of what became of items shown before; without it nobody remembers anything.
        judge: whose expected grade is a feature, where there is one.
    """

    def __init__(
        self,
        catalog: Catalog,
        channels: tuple[str, ...],
        text: PairScorer,
        dense: PairScorer | None = None,
        memory: QueryMemory | None = None,
        judge: PairScorer | None = None,
    ) -> None:
        self.names = (
            *(feature.name.lower() for feature in Feature),
            *(("channels",) if channels else ()),  # how many channels found it
            *(f"rank_{channel}" for channel in channels),  # 1 / (1 + rank), 0 where not found
            *(("dense_match",) if dense is not None else ()),
            *(("judge_match",) if judge is not None else ()),
        )
        self._catalog = catalog
        self._n_channels = len(channels)
        self._text = text
        self._dense = dense
        self._judge = judge
        self._memory = memory or QueryMemory(catalog, History.empty())
        self._words = QueryWords(catalog)
        self._categories = QueryCategories(catalog)
        self._usual_I = usual_log_price(catalog)
        self._created_I = (catalog.created_at_I / DAY).astype(np.float32)
        self._facts = ItemFacts.of(blank_index(catalog), 0)

    _told: _Told | None = None  # by the last `facts`

    @property
    def catalog(self) -> Catalog:
        """The public columns of the items, for a ranker that reads texts."""
        return self._catalog

    def use_scorers(
        self,
        text: PairScorer,
        dense: PairScorer | None,
        memory: QueryMemory | None = None,
        judge: PairScorer | None = None,
    ) -> None:
        """Read text, dense and judge's scores from these scorers, and this memory, from now on.

        Training needs some that have not seen the clicks they help to predict, service the latest
        ones. Without a new memory the old one stays.

        Raises:
            ConfigError: if a dense scorer or a judge comes or goes, which would change `names`.
        """
        for kind, new, old in (
            ("dense scorer", dense, self._dense),
            ("judge", judge, self._judge),
        ):
            if (new is None) != (old is None):
                found, wanted = (scorer is not None for scorer in (new, old))
                raise ConfigError(f"{kind} given == {found}, must be {wanted} as in training")
        self._forget()
        self._text, self._dense, self._judge = text, dense, judge
        self._memory = memory or self._memory

    def refresh(self, index: Index, arm: int) -> None:
        """Read prices and the statistics of an arm."""
        self._forget()
        self._facts = ItemFacts.of(index, arm)

    def _forget(self) -> None:
        self.__dict__.pop("_told", None)

    def __call__(self, requests: Requests, pool: Pool) -> Floats:
        """(B, N, F) features in the order of `names`; zeros on padding."""
        out_BNF = self.plain(requests, pool)
        held_BN = pool.items_BN >= 0
        behind = [scorer for scorer in (self._dense, self._judge) if scorer is not None]
        first = len(self.names) - len(behind)
        for column, scorer in ((Feature.TEXT_MATCH, self._text), *enumerate(behind, first)):
            scores_BN = scorer.pair_scores(requests, pool.items_BN)
            out_BNF[:, :, column] = np.where(held_BN, scores_BN, 0)
        return out_BNF

    def plain(self, requests: Requests, pool: Pool) -> Floats:
        """The same without the scores of text, of the dense model and of the judge: they are 0."""
        facts, (category_B, share_B) = self._facts, self._categories.shares(requests)
        out_BNF = np.zeros((*pool.items_BN.shape, len(self.names)), np.float32)
        _fill(
            out_BNF,
            pool.items_BN,
            pool.ranks_BNC,
            requests.history_BH,
            (requests.at_B / DAY).astype(np.float32),
            category_B.pointer,
            category_B.values,
            share_B.values,
            (
                facts.log_price_I,
                facts.log_price_I - self._usual_I,
                facts.popularity_I,
                facts.click_through_I,
                facts.conversion_I,
                self._catalog.rating_I,
            ),
            self._catalog.brand_I,
            self._catalog.category_I,
            self._created_I,
            len(self._catalog.categories),
            self._n_channels,
        )
        self._remember(out_BNF, requests, pool.items_BN)
        return out_BNF

    def facts(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, X) the features `FACTS` alone, as `plain` has them; zeros on padding."""
        facts, (category_B, share_B) = self._facts, self._categories.shares(requests)
        covered_BN, named_BN = self._words(requests, items_BN)
        item_BN, known_BN, _ = self._memory(requests, items_BN)
        self._told = requests, items_BN, (covered_BN, named_BN, item_BN, known_BN)
        out_BNX = np.empty((*items_BN.shape, len(FACTS)), np.float32)
        _fill_facts(
            out_BNX,
            items_BN,
            (covered_BN, named_BN, known_BN, item_BN),
            (category_B.pointer, category_B.values, share_B.values),
            (
                self._memory.clicks_I,
                self._catalog.rating_I,
                facts.log_price_I - self._usual_I,
                facts.popularity_I,
                facts.click_through_I,
            ),
            self._catalog.category_I,
            len(self._catalog.categories),
        )
        return out_BNX

    def _remember(self, out_BNF: Floats, requests: Requests, items_BN: Ints) -> None:
        """Fill in what the words of queries say, and what is remembered of queries and items.

        The cut has asked of more candidates just before, and of these nothing is asked again.
        """
        held_BN, at_BN = items_BN >= 0, np.maximum(items_BN, 0)
        clicks_B, clicks_I = self._memory.clicks(requests), self._memory.clicks_I
        out_BNF[:, :, Feature.QUERY_CLICKS] = np.where(held_BN, clicks_B[:, None], 0)
        out_BNF[:, :, Feature.ITEM_CLICKS] = np.where(held_BN, clicks_I[at_BN], 0)
        told = self._told
        self._forget()
        if told is not None and told[0] is requests and _fill_known(out_BNF, items_BN, *told[1:]):
            return
        covered_BN, named_BN = self._words(requests, items_BN)
        item_BN, category_BN, _ = self._memory(requests, items_BN)
        out_BNF[:, :, Feature.QUERY_COVERAGE] = covered_BN
        out_BNF[:, :, Feature.NAMED_BRAND] = named_BN
        out_BNF[:, :, Feature.QUERY_ITEM] = item_BN
        out_BNF[:, :, Feature.QUERY_CATEGORY] = category_BN
