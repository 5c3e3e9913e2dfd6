"""How much of what was shown stands behind an id."""

from typing import Literal

import numpy as np
from pydantic import Field

from cqsid.rewards.component import Component
from cqsid.rewards.logged import Logged
from cqsid.rewards.lookup import row_of, sums_behind
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop


class CoverageReward(Component):
    """Share of the request's exposed items that have the id, 0 to 1; 0 if nothing was exposed.

    The page-view recall of CQ-SID's evaluation (pvr@10), of one id. An item without an id is
    covered by none and still counts as exposed.
    """

    type: Literal["coverage"] = "coverage"
    marginal: bool = Field(
        False,
        description="divide an item among the group's ids that hold it, so that a group's values "
        "sum to what it covers as a whole; an item has one id, so these are repeats of that id",
    )

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) share."""
        exposed = logged.exposed
        held_BG = sums_behind(samples, row_of(exposed), shop.ids.sid_I[exposed.values])
        share_BG = held_BG / np.maximum(exposed.lengths, 1)[:, None]
        if self.marginal:
            same_BGG = samples.sid_BG[:, :, None] == samples.sid_BG[:, None, :]
            share_BG /= same_BGG.sum(axis=2)
        return share_BG.astype(np.float32)
