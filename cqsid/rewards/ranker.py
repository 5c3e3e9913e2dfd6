"""What the downstream ranker thinks of an id's items."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cqsid.rewards.component import Component, Need
from cqsid.rewards.logged import Logged
from cqsid.rewards.lookup import Aggregate, aggregated, columns_of
from cqsid.rewards.provenance import joint_pool
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop
from recall.candidates import Pool
from simulator.protocols import Requests

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
