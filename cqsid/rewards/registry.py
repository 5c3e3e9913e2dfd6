"""Rewards by name, the built-in ones and the user's own, and mixes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from cqsid.rewards.mix import Mix, Part
from cqsid.rewards.of_log import CoverageReward, LogReward, PrefixReward, ValueReward
from cqsid.rewards.of_shop import (
    DiversityReward,
    ExclusivityReward,
    JudgeReward,
    OracleReward,
    RankerReward,
    RelevanceReward,
)
from cqsid.rewards.reward import Component, Floats, Need, Reward, Samples
from cqsid.rewards.shop import Shop
from recall.candidates import Pool
from simulator.errors import placing
from simulator.plugins import Kind
from simulator.protocols import Requests
from simulator.spec import Spec

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from cqsid.rewards.logged import Logged

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


AnyReward = Annotated[
    LogReward
    | RankerReward
    | RelevanceReward
    | JudgeReward
    | ValueReward
    | ExclusivityReward
    | DiversityReward
    | CoverageReward
    | PrefixReward
    | OracleReward
    | CustomReward,
    Field(discriminator="type"),
]


class RewardMix(Spec):
    """A reward: the weighted sum of its components."""

    components: tuple[AnyReward, ...] = Field(
        min_length=1, description="what is summed; one component may be all"
    )

    @property
    def asks_oracle(self) -> bool:
        """Whether a component asks the simulated shopper."""
        return any("oracle" in component.needs() for component in self.components)


def judges_of(mixes: Iterable[RewardMix]) -> list[str]:
    """Names of the judges that some rewards ask, each once."""
    named = (name for mix in mixes for each in mix.components for name in each.asked_judges())
    return list(dict.fromkeys(named))


def build_mix(spec: RewardMix, shop: Shop, place: str = "") -> Mix:
    """The reward that settings describe.

    Components that do not say that they ask the simulated shopper get a shop with that door shut.

    Args:
        spec: its components.
        shop: what they may look up.
        place: where the settings stand, such as "rewards.mine", for errors.

    Raises:
        ConfigError: a component needs something that the shop has not, or has settings that do
            not fit its ids.
        ContractError: an object of the user's cannot be found or refuses its options.
    """
    parts: list[Part] = []
    seen: Counter[str] = Counter()
    shop = _remembering(shop)
    for number, component in enumerate(spec.components):
        where = f"{place}.components[{number}]".lstrip(".") + f" ({component.type})"
        component.check_shop(shop, where)
        seen[component.type] += 1
        repeat = f"_{seen[component.type]}" if seen[component.type] > 1 else ""
        known = shop if "oracle" in component.needs() else replace(shop, oracle=None)
        with placing(where):
            reward = component.made()
        parts.append(Part(component.type + repeat, component, reward, known, where))
    return Mix(tuple(parts), spec.model_dump_json())


def _remembering(shop: Shop) -> Shop:
    """The shop, whose other channels are asked once for the same requests."""
    if shop.elsewhere is None:
        return shop
    return replace(shop, elsewhere=replace(shop.elsewhere, pool_of=_Last(shop.elsewhere.pool_of)))


class _Last:
    """Remembers the pool of the last requests, which several rewards ask for in turn.

    Requests are frozen, so the same object is the same question.
    """

    def __init__(self, pool_of: Callable[[Requests], Pool]) -> None:
        self._pool_of = pool_of
        self._last: tuple[Requests, Pool] | None = None

    def __call__(self, requests: Requests) -> Pool:
        last = self._last
        if last is None or last[0] is not requests:
            last = self._last = (requests, self._pool_of(requests))
        return last[1]
