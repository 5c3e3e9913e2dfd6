"""What the simulated shopper would do: the one reward that knows the truth."""

from typing import Literal

from pydantic import Field

from cqsid.rewards.logged import Logged
from cqsid.rewards.of_log import Aggregate, aggregated
from cqsid.rewards.reward import Component, Floats, Need, Samples
from cqsid.rewards.shop import Outcome, Shop


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
