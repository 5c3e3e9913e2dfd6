"""How near an id's items are to the query, as text vectors tell."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cqsid.rewards.component import Component
from cqsid.rewards.logged import Logged
from cqsid.rewards.lookup import Aggregate, aggregated
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop
from simulator.protocols import Requests


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
