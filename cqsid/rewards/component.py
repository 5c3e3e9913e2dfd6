"""What the components of a mix have in common: settings that are themselves the reward."""

from abc import abstractmethod
from typing import Literal, Protocol, runtime_checkable

from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Floats, Reward, Samples
from cqsid.rewards.settings import RewardSpec
from cqsid.rewards.shop import Shop
from simulator.errors import ConfigError

Need = Literal["elsewhere", "ranker", "oracle"]


class Component(RewardSpec):
    """Settings of a reward that can be called as the reward itself."""

    @abstractmethod
    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) finite values, the higher the better."""

    def needs(self) -> tuple[Need, ...]:
        """What it asks of a shop beyond the catalogue, the ids and the index."""
        return ()

    def made(self, place: str) -> Reward:
        """What is called in its name; `place` is where its settings stand, for errors."""
        return self

    def check(self, shop: Shop, place: str) -> None:
        """Refuse a shop that lacks what the reward needs.

        Raises:
            ConfigError: with the settings' place.
        """
        for need in self.needs():
            if need == "oracle":
                shop.asked_oracle(place)
            elif getattr(shop, need) is None:
                raise ConfigError(f"{place}: {need} == None, must be there for this reward")


@runtime_checkable
class LevelReward(Protocol):
    """A reward that can also tell what each code of an id is worth."""

    def levels(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G, L) finite values, the higher the better."""
