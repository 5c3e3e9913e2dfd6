"""How much a group's ids differ in category."""

from typing import Literal

import numpy as np

from cqsid.rewards.component import Component
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop


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
