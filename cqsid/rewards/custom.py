"""A reward of the user's own."""

from typing import Any, Final, Literal

from pydantic import Field

from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Component, Floats, Need, Reward, Samples
from cqsid.rewards.shop import Shop
from simulator.plugins import Kind

GROUP: Final = "funnelab.rewards"
"""Entry points of this group are rewards that a package brings, by their names."""

REWARD: Final = Kind(
    "a reward", called_with=("logged", "samples", "shop"), itself=True, group=GROUP
)


class CustomReward(Component):
    """A function `reward(logged, samples, shop, **options)`, or a class that makes such a reward.

    A class is called with the options, and what it makes with (logged, samples, shop).
    """

    type: Literal["custom"] = "custom"
    object: str = Field(
        description=f'"module:object", or the name of an entry point of the group {GROUP}'
    )
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")
    oracle: bool = Field(
        False, description="whether it may ask the simulated shopper; if not, shop.oracle is None"
    )

    def needs(self) -> tuple[Need, ...]:
        """The door to the truth, where it was asked for."""
        return ("oracle",) if self.oracle else ()

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) the values of a reward made anew; a mix makes it once."""
        return self.made()(logged, samples, shop)

    def code(self) -> tuple[str, ...]:
        """The module of the reward."""
        return (REWARD.module(self.object),)

    def check(self) -> None:
        """Make the reward."""
        self.made()

    def made(self) -> Reward:
        """The user's reward.

        Raises:
            ContractError: nothing of that name, or an object that refuses its options.
        """
        made: Reward = REWARD.make(self.object, options=self.options)
        return made
