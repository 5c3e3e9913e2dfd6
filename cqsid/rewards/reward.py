"""What a reward is: a function of requests, ids and the shop; its answer is checked each time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, ContractError
from simulator.spec import Spec

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from cqsid.rewards.logged import Logged
    from cqsid.rewards.shop import Shop

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """A group of G ids for each of B requests: sampled by the policy, or injected.

    Attributes:
        codes_BGL: int32 codes of each id, one for each of L levels.
        sid_BG: row of the id in `Shop.ids.sids_SL`; -1: no item has this id.
    """

    codes_BGL: Ints
    sid_BG: Ints

    @property
    def shape(self) -> tuple[int, int]:
        """(B, G)."""
        return self.sid_BG.shape[0], self.sid_BG.shape[1]


class Reward(Protocol):
    """The worth of ids; any callable of this signature is one.

    A group is there as a whole, so that an id may be worth less for being generated twice. The
    same arguments must give the same values.
    """

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) finite values, the higher the better."""


Scale = Literal["none", "group", "batch"]


class RewardSpec(Spec):
    """One component of a reward.

    Its values are scaled, then clipped, then weighted, then added to those of the others.
    """

    weight: float = Field(1.0, description="what the component counts in the sum; may be negative")
    scale: Scale = Field(
        "none",
        description="none: as it is; group: mean 0 and variance 1 over the ids of a request; "
        "batch: over all ids of a batch",
    )
    clip: tuple[float, float] | None = Field(
        None, description="least and greatest value after scaling; None: no bounds"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> RewardSpec:
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise ValueError(f"clip == {self.clip}, must rise")
        return self


Need = Literal["elsewhere", "ranker", "judges", "oracle"]


class Component(RewardSpec):
    """Settings of a reward that can be called as the reward itself."""

    @abstractmethod
    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) finite values, the higher the better."""

    def needs(self) -> tuple[Need, ...]:
        """What it asks of a shop beyond the catalogue, the ids and the index."""
        return ()

    def asked_judges(self) -> tuple[str, ...]:
        """Names of the judges that it asks."""
        return ()

    def made(self) -> Reward:
        """What is called in its name."""
        return self

    def check_shop(self, shop: Shop, place: str) -> None:
        """Refuse a shop that lacks what the reward needs.

        Raises:
            ConfigError: with the settings' place.
        """
        for need in self.needs():
            if need == "oracle":
                shop.asked_oracle(place)
            elif getattr(shop, need) is None:
                raise ConfigError(f"{place}: {need} == None, must be there for this reward")
        for name in self.asked_judges():
            if name not in shop.judges:
                known = ", ".join(shop.judges) or "none is there"
                raise ConfigError(f"{place}: judge == {name!r}, must be one of the shop's: {known}")


@runtime_checkable
class LevelReward(Protocol):
    """A reward that can also tell what each code of an id is worth."""

    def levels(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G, L) finite values, the higher the better."""


MOST_VALUE = 1e9
"""The largest size of a value: sums of squares over a batch then stay far within float32."""


class RewardFault(ValueError):
    """What is wrong with an answer: the value found and the value wanted."""

    def __init__(self, place: str, found: str, wanted: str) -> None:
        super().__init__(f"{place} == {found}, must be {wanted}")
        self.place, self.found, self.wanted = place, found, wanted


def validated(values: Any, shape: tuple[int, ...]) -> Floats:
    """The answer as float32.

    Raises:
        RewardFault: another shape, no numbers, or a number that is not finite or is beyond
            `MOST_VALUE` in size.
    """
    try:
        found = np.asarray(values)
    except Exception as error:
        raise RewardFault("values", f"{type(values).__name__} ({error})", "an array") from error
    if found.dtype.kind not in "fiub":
        raise RewardFault("dtype", str(found.dtype), "convertible to float32")
    if found.shape != shape:
        raise RewardFault("shape", str(found.shape), str(shape))
    with np.errstate(over="ignore"):  # it becomes infinite, which is told below
        out = found.astype(np.float32)
    with np.errstate(invalid="ignore"):
        usable = np.abs(out) <= MOST_VALUE
    if not usable.all():
        at = tuple(int(place[0]) for place in np.nonzero(~usable))
        place = f"values[{', '.join(map(str, at))}]"
        raise RewardFault(place, str(found[at]), f"finite, and within +-{MOST_VALUE:g}")
    return out


def checked(values: Any, shape: tuple[int, ...], place: str) -> Floats:
    """The same for what runs.

    Raises:
        ContractError: a fault, with the reward's place.
    """
    try:
        return validated(values, shape)
    except RewardFault as fault:
        raise ContractError(f"{place}: {fault}") from fault
