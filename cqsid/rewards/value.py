"""What was bought or clicked, in money."""

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


class ValueReward(Component):
    """The sum over the request's bought and clicked items that have the id, in mean prices.

    A bought item counts bought * units * (price / mean price) ** power, an item clicked and not
    bought clicked * (price / mean price) ** power. Prices are those of the index, their mean is
    over the catalogue. A log tells the money of a request as a whole, so units = what the request
    spent over the sum of the prices of what it bought. With power 1 and clicked 0 the values of
    all ids of a request sum to what it spent, over the mean price: its GMV.
    """

    type: Literal["value"] = "value"
    bought: float = Field(1.0, description="what a bought item counts, before its price")
    clicked: float = Field(0.1, description="the same for an item clicked and not bought")
    power: float = Field(
        1.0, ge=0, description="power of the price: 0 counts purchases, 1 money (GMV)"
    )

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) worth of what became of each id's items, 0 where nothing did."""
        price_I = shop.index.price_I
        worth_I = (price_I / price_I.mean()) ** self.power
        row_E, item_E = row_of(logged.bought), logged.bought.values
        price_B = np.bincount(row_E, price_I[item_E], minlength=len(logged))
        units_B = np.divide(logged.spent_B, price_B, out=np.ones(len(logged)), where=price_B > 0)
        amount_E = self.bought * units_B[row_E] * worth_I[item_E]
        values_BG = sums_behind(samples, row_E, shop.ids.sid_I[item_E], amount_E)
        row_F, item_F = _only_clicked(logged, len(price_I))
        amount_F = self.clicked * worth_I[item_F]
        values_BG += sums_behind(samples, row_F, shop.ids.sid_I[item_F], amount_F)
        return values_BG.astype(np.float32)


def _only_clicked(logged: Logged, n_items: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Request and item of every item that was clicked and not bought."""

    def keys(items: Ragged) -> NDArray[np.int64]:
        return row_of(items) * n_items + items.values

    kept_F = ~np.isin(keys(logged.clicked), keys(logged.bought))
    return row_of(logged.clicked)[kept_F], logged.clicked.values[kept_F]
