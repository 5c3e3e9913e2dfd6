"""Rewards that the shop's models, other channels and the simulator tell of an id's items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cqsid.rewards.of_log import Aggregate, aggregated, columns_of
from cqsid.rewards.reward import Component, Floats, Need, Samples
from cqsid.rewards.shop import Elsewhere, Outcome, Shop
from recall.candidates import Pool
from simulator.catalogue.catalog import Ints
from simulator.protocols import Requests

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from cqsid.rewards.logged import Logged

_RRF_K = 60.0  # as in the merge of the funnel, there with its weights, here all equal


def joint_pool(items_BGK: Ints, found: Pool, elsewhere: Elsewhere) -> Pool:
    """The distinct items of each request's ids as a pool, in about the order of a merge.

    Ranks, scores and bits of the other channels are those of `found`. In the generative channel
    an item has the rank that it would have if its id were the first of the beam: its place among
    the id's items. (A sampled group has no order, and a reward may not invent one; inferred.)
    Its score there is 0.

    Args:
        items_BGK: first items of each id, -1 padded.
        found: what the other channels found for the same requests.
        elsewhere: which bit is the generative channel's.

    Returns:
        A pool of G * K columns.
    """
    items_BN, rank_BN = _distinct(items_BGK)
    held_BN = items_BN >= 0
    column_BN = columns_of(items_BN, found.items_BN)
    known_BN, rows_B1 = column_BN >= 0, np.arange(len(items_BN))[:, None]
    shape = (*items_BN.shape, elsewhere.channels)
    sources_BN, ranks_BNC = np.zeros(items_BN.shape, np.int32), np.full(shape, -1, np.int16)
    scores_BNC: Floats = np.full(shape, np.nan, np.float32)
    known_K = (np.broadcast_to(rows_B1, items_BN.shape)[known_BN], column_BN[known_BN])
    sources_BN[known_BN] = found.sources_BN[known_K]
    ranks_BNC[known_BN] = found.ranks_BNC[known_K]
    scores_BNC[known_BN] = found.scores_BNC[known_K]
    sources_BN[held_BN] |= 1 << elsewhere.bit
    ranks_BNC[held_BN, elsewhere.bit] = rank_BN[held_BN]
    scores_BNC[held_BN, elsewhere.bit] = 0
    gain_BN = np.where(ranks_BNC >= 0, 1 / (_RRF_K + 1 + ranks_BNC), 0).sum(axis=2)
    merged_BN = np.lexsort((items_BN, -gain_BN), axis=1)
    at = (rows_B1, merged_BN)
    return Pool(items_BN[at], sources_BN[at], ranks_BNC[at], scores_BNC[at])


def _distinct(items_BGK: Ints) -> tuple[Ints, Ints]:
    """(B, G * K) each item of a row once, the others -1; and its place within its id."""
    rows, group, most = items_BGK.shape
    items_BM = items_BGK.reshape(rows, group * most)
    place_BGK = np.broadcast_to(np.arange(most, dtype=np.int32), items_BGK.shape)
    place_BM = place_BGK.reshape(rows, group * most)
    order_BM = np.argsort(items_BM, axis=1, kind="stable")
    items_BM = np.take_along_axis(items_BM, order_BM, axis=1)
    again_BM = np.zeros(items_BM.shape, np.bool_)
    again_BM[:, 1:] = items_BM[:, 1:] == items_BM[:, :-1]
    place_BM = np.take_along_axis(place_BM, order_BM, axis=1)
    return np.where(again_BM, np.int32(-1), items_BM), place_BM


class ExclusivityReward(Component):
    """Share of the id's first items that no other channel finds for the request, 0 to 1.

    0 for an id without items on sale. Retrieval-GRPO cut the overlap with the inverted index
    from 25.7 to 17.6 % with a reward of this kind; its exact form is not published, so this one
    is inferred.
    """

    type: Literal["exclusivity"] = "exclusivity"
    items: int = Field(5, gt=0, description="first items of an id that are looked at (items)")

    def needs(self) -> tuple[Need, ...]:
        """The other channels."""
        return ("elsewhere",)

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) share."""
        assert shop.elsewhere is not None  # `check` sees to it
        items_BGK = shop.items(samples.sid_BG, self.items)
        found_BN = shop.elsewhere.pool_of(logged.requests).items_BN
        rows, group = samples.shape
        items_BM = items_BGK.reshape(rows, group * self.items)
        alone_BM = (columns_of(items_BM, found_BN) < 0).astype(np.float32)
        return aggregated(alone_BM.reshape(items_BGK.shape), items_BGK)[0]


_TIED = 1e-6  # spread of a pool's scores at or below which they cannot serve as a unit


class RankerReward(Component):
    """Score of the id's first items by the ranker, as candidates with their true provenance.

    Each is known to be found by the channels that do find it for the request, and by the
    generative one, see `joint_pool`. With squash the score x becomes limit * tanh(x / spread):
    VARG's bonus of up to 0.2 is limit 0.2 (its unit is not told; spread 1 is inferred).
    """

    type: Literal["ranker"] = "ranker"
    items: int = Field(5, gt=0, description="first items of an id that are looked at (items)")
    aggregate: Aggregate = Field("max", description="mean or greatest score of these items")
    relative: Literal["none", "pool"] = Field(
        "none",
        description="none: the score as it is (the learned ranker's is a logarithm, below 0); "
        "pool: minus the mean and over the standard deviation of the scores of what the other "
        "channels find for the request (0 where they find nothing, or all score alike)",
    )
    squash: Literal["none", "tanh"] = Field("none", description="tanh: bounded by +- limit")
    spread: float = Field(1.0, gt=0, description="unit of the scores under tanh")
    limit: float = Field(1.0, gt=0, description="bound of the squashed scores")
    empty: float | None = Field(
        None,
        description="value of an id without items on sale; None: the least of the request's "
        "group, 0 if all are without",
    )

    def needs(self) -> tuple[Need, ...]:
        """The ranker, and the other channels for the candidates' provenance."""
        return ("ranker", "elsewhere")

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) score."""
        assert shop.elsewhere is not None  # `check` sees to it
        items_BGK = shop.items(samples.sid_BG, self.items)
        found = shop.elsewhere.pool_of(logged.requests)
        pool = joint_pool(items_BGK, found, shop.elsewhere)
        scores_BN = _scores(logged.requests, pool, shop)
        if self.relative == "pool":
            scores_BN = _relative(scores_BN, _scores(logged.requests, found, shop), found)
        if self.squash == "tanh":
            scores_BN = self.limit * np.tanh(scores_BN / self.spread)
        columns_BM = columns_of(items_BGK.reshape(pool.items_BN.shape), pool.items_BN)
        score_BM = np.take_along_axis(scores_BN, np.maximum(columns_BM, 0), axis=1)
        values_BG, any_BG = aggregated(score_BM.reshape(items_BGK.shape), items_BGK, self.aggregate)
        return self._filled(values_BG, any_BG)

    def _filled(self, values_BG: Floats, any_BG: NDArray[np.bool_]) -> Floats:
        """The values, with something for ids without items."""
        if self.empty is not None:
            return np.where(any_BG, values_BG, np.float32(self.empty))
        least_B1 = np.where(any_BG, values_BG, np.inf).min(axis=1, keepdims=True, initial=np.inf)
        least_B1 = np.where(np.isinf(least_B1), 0, least_B1)
        return np.where(any_BG, values_BG, least_B1).astype(np.float32)


def _scores(requests: Requests, pool: Pool, shop: Shop) -> Floats:
    """(B, N) the ranker's scores, 0 on padding."""
    assert shop.ranker is not None  # `check` sees to it
    return np.where(pool.items_BN >= 0, shop.ranker.score(requests, pool), np.float32(0))


def _relative(scores_BN: Floats, others_BM: Floats, found: Pool) -> Floats:
    """(B, N) scores in standard deviations from the mean of the others', per request."""
    held_BM = found.items_BN >= 0
    number_B1 = np.maximum(held_BM.sum(axis=1, keepdims=True), 1)
    mean_B1 = others_BM.sum(axis=1, keepdims=True, dtype=np.float64) / number_B1
    off_BM = np.where(held_BM, others_BM - mean_B1, 0)
    std_B1 = np.sqrt((off_BM**2).sum(axis=1, keepdims=True) / number_B1)
    off_BN = scores_BN - mean_B1
    out_BN = np.divide(off_BN, std_B1, out=np.zeros_like(off_BN), where=std_B1 > _TIED)
    return np.asarray(out_BN, np.float32)


class RelevanceReward(Component):
    """Cosine of the query's vector and those of the id's first items, -1 to 1.

    0 for an id without items on sale, and for a text or an item that has no vector (zeros).
    """

    type: Literal["relevance"] = "relevance"
    items: int = Field(5, gt=0, description="first items of an id that are looked at (items)")
    aggregate: Aggregate = Field("mean", description="mean or greatest value of these items")

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) cosine."""
        items_BGK = shop.items(samples.sid_BG, self.items)
        query_BD = _unit(_query_vectors(logged.requests, shop))
        item_BGKD = _unit(shop.item_ID[items_BGK])
        cosine_BGK = (item_BGKD * query_BD[:, None, None]).sum(axis=3)
        return aggregated(cosine_BGK, items_BGK, self.aggregate)[0]


class JudgeReward(Component):
    """What a relevance judge says of the id's first items: expected grade over the best, 0 to 1.

    0 for an id without items on sale.
    """

    type: Literal["judge"] = "judge"
    judge: str = Field(description="name of the judge")
    items: int = Field(5, gt=0, description="first items of an id that are looked at (items)")
    aggregate: Aggregate = Field("mean", description="mean or greatest value of these items")

    def needs(self) -> tuple[Need, ...]:
        """Judges."""
        return ("judges",)

    def asked_judges(self) -> tuple[str, ...]:
        """The one."""
        return (self.judge,)

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) expected grade / 3."""
        items_BGK = shop.items(samples.sid_BG, self.items)
        rows, group = samples.shape
        items_BM = items_BGK.reshape(rows, group * self.items)
        grade_BM = shop.judges[self.judge].pair_scores(logged.requests, items_BM)
        return aggregated(grade_BM.reshape(items_BGK.shape), items_BGK, self.aggregate)[0]


def _query_vectors(requests: Requests, shop: Shop) -> Floats:
    """(B, D) vectors of the requests' texts, each text asked once."""
    if not len(requests):
        return np.zeros((0, shop.item_ID.shape[1]), np.float32)
    text_U, row_B = np.unique(requests.text_B, return_inverse=True)
    return shop.vectors.queries([requests.texts[text] for text in text_U])[row_B]


def _unit(vectors: NDArray[np.float32]) -> Floats:
    """Vectors of length 1 along the last axis; zeros stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))


class DiversityReward(Component):
    """1 / how many of the group's ids, this one included, begin with an item of its category.

    So the values of a group sum to the number of its categories. Items without a known category
    count as one category of their own. An id without items on sale gets 0 and is not counted.
    """

    type: Literal["diversity"] = "diversity"

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) above 0 and at most 1, or 0."""
        first_BG = shop.items(samples.sid_BG, 1)[..., 0]
        category_BG = shop.catalog.category_I[first_BG]
        same_BGG = category_BG[:, :, None] == category_BG[:, None, :]
        number_BG = (same_BGG & (first_BG >= 0)[:, None, :]).sum(axis=2)
        return np.where(first_BG >= 0, 1 / np.maximum(number_BG, 1), 0).astype(np.float32)


class OracleReward(Component):
    """What the id's first items would bring if they were looked at, asked of the simulator.

    No shop has such a reward: it is a yardstick, and shows what a perfect one would give. 0 for
    an id without items on sale.
    """

    type: Literal["oracle"] = "oracle"
    outcome: Outcome = Field(
        "purchase",
        description="chance of a click, chance of a purchase, or money spent (currency)",
    )
    items: int = Field(5, gt=0, description="first items of an id that are looked at (items)")
    aggregate: Aggregate = Field("mean", description="mean or greatest value of these items")

    def needs(self) -> tuple[Need, ...]:
        """The door to the truth."""
        return ("oracle",)

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) expected outcome."""
        items_BGK = shop.items(samples.sid_BG, self.items)
        (rows, group), oracle = samples.shape, shop.asked_oracle("reward oracle")
        items_BM = items_BGK.reshape(rows, group * self.items)
        value_BM = oracle.expected(logged.requests, items_BM, self.outcome)
        return aggregated(value_BM.reshape(items_BGK.shape), items_BGK, self.aggregate)[0]
