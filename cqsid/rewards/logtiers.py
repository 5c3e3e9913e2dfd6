"""What became of an id's items in the log, as tiers."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cqsid.rewards.component import Component
from cqsid.rewards.logged import Logged
from cqsid.rewards.lookup import row_of, sums_behind
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop
from recall.ragged import Ragged


class LogReward(Component):
    """The best that happened in this request to any item of the id; the first match wins.

    bought, clicked, exposed, then: nothing of it on sale, existing, invalid. The defaults are
    those of EG-GRPO (arXiv 2605.14434). VARG's are bought 3, clicked 1, exposed 0.1, empty -1,
    invalid -2; what an id is worth there that exists and was not shown is not told (existing 0).
    """

    type: Literal["log"] = "log"
    bought: float = Field(1.0, description="an item of the id was bought")
    clicked: float = Field(1.0, description="an item of it was clicked")
    exposed: float = Field(0.5, description="an item of it was shown")
    empty: float | None = Field(
        None, description="the id exists, and none of its items is on sale; None: as existing"
    )
    existing: float = Field(0.1, description="any other id that exists")
    invalid: float = Field(0.0, description="no item has the id")

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) one of the tiers each."""
        existing_BG = samples.sid_BG >= 0
        tiers = [
            (_holds(logged.bought, samples, shop), self.bought),
            (_holds(logged.clicked, samples, shop), self.clicked),
            (_holds(logged.exposed, samples, shop), self.exposed),
            (existing_BG, self.existing),
        ]
        if self.empty is not None:
            nothing_BG = shop.items(samples.sid_BG, 1)[..., 0] < 0
            tiers.insert(3, (existing_BG & nothing_BG, self.empty))
        holds, values = zip(*tiers, strict=True)
        return np.asarray(np.select(holds, values, self.invalid), np.float32)


def _holds(items: Ragged, samples: Samples, shop: Shop) -> NDArray[np.bool_]:
    """(B, G) whether one of the request's items has the id."""
    return sums_behind(samples, row_of(items), shop.ids.sid_I[items.values]) > 0
