"""How much of an id no other channel would have found."""

from typing import Literal

import numpy as np
from pydantic import Field

from cqsid.rewards.component import Component, Need
from cqsid.rewards.logged import Logged
from cqsid.rewards.lookup import aggregated, columns_of
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop


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
