"""How far an id agrees with the ids of what the shopper chose, code by code."""

from typing import Literal

import numpy as np
from pydantic import Field

from cqsid.rewards.component import Component
from cqsid.rewards.logged import Logged
from cqsid.rewards.prefixes import right_prefixes
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop
from simulator.errors import ConfigError


class PrefixReward(Component):
    """The sum of the weights of the levels through which the id agrees with a target item's.

    With `credit = "level"` each code is rewarded by itself, with the weight of its level if all
    codes through it agree (as the step rewards of TaoSR-SHE and the prefixes of VARG; weights
    are theirs to set, equal ones are our default).
    """

    type: Literal["prefix"] = "prefix"
    targets: Literal["clicked", "bought", "exposed"] = Field(
        "clicked", description="whose ids are right: items of the request of this kind"
    )
    level_weights: tuple[float, ...] = Field(
        (), description="what each level counts, one number for each; none: equal, 1 in all"
    )

    def check(self, shop: Shop, place: str) -> None:
        """Refuse weights of another number of levels.

        Raises:
            ConfigError: with the settings' place.
        """
        super().check(shop, place)
        found, wanted = len(self.level_weights), shop.ids.levels
        if found not in (0, wanted):
            raise ConfigError(f"{place}.level_weights == {found} numbers, must be {wanted} or none")

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) sum over the levels."""
        return np.asarray(self.levels(logged, samples, shop).sum(axis=2))

    def levels(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G, L) weight of the level where the prefix through it agrees, else 0."""
        levels, items = shop.ids.levels, getattr(logged, self.targets)
        weight_L = np.array(self.level_weights or (1 / levels,) * levels, np.float32)
        return right_prefixes(samples.codes_BGL, items, shop.ids) * weight_L
