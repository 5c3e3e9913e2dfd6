"""A reward of the user's own."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from inspect import isclass, signature
from typing import Any, Final, Literal

from pydantic import Field

from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Component, Floats, Need, Reward, Samples
from cqsid.rewards.shop import Shop
from simulator.errors import ContractError
from simulator.plugins import load_object

GROUP: Final = "funnelab.rewards"
"""Entry points of this group are rewards that a package brings, by their names."""


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
        return self.made("reward custom")(logged, samples, shop)

    def made(self, place: str) -> Reward:
        """The user's reward.

        Raises:
            ContractError: nothing of that name, or an object that refuses its options.
        """
        found = _found(self.object, f"{place}.object")
        return reward_of(found, self.options, place=place, name=self.object)


def reward_of(found: Any, options: dict[str, Any], *, place: str, name: str) -> Reward:
    """The reward that a class, a function or any other callable makes or is.

    Args:
        found: the object.
        options: keyword arguments for the class, or for each call of the function.
        place: where it was named, for errors.
        name: how it is called, for errors.

    Raises:
        ContractError: the object refuses the options, or nothing callable comes of it.
    """
    if not isclass(found):
        _check_signature(found, options, place, name)
        return partial(found, **options) if options else found
    try:
        made = found(**options)
    except Exception as error:  # a user's class may fail in any way
        call = f"{name}(**{options})"
        raise ContractError(f"{place}: {call} raised {error!r}, must return a reward") from error
    if not callable(made):
        kind = type(made).__name__
        raise ContractError(f"{place}: {name}() == {kind}, must be callable as a reward")
    _check_signature(made, {}, place, f"{name}()")
    return made


def _check_signature(
    reward: Callable[..., Any], options: dict[str, Any], place: str, name: str
) -> None:
    try:
        signature(reward).bind(None, None, None, **options)
    except TypeError as error:
        wanted = "must be callable with (logged, samples, shop" + (
            ", **options)" if options else ")"
        )
        told = f" and options {sorted(options)}" if options else ""
        raise ContractError(f"{place}: {name}{told} == {error}, {wanted}") from error
    except ValueError:
        return  # written in C: it will tell when it is called


def _found(name: str, place: str) -> Any:
    """The object of an entry point, or MODULE:OBJECT."""
    if ":" in name:
        return load_object(name, place)
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = f" ({', '.join(sorted(points))})" if points else ", of which there are none"
        wanted = f"MODULE:OBJECT or an entry point of {GROUP}{known}"
        raise ContractError(f"{place} == {name!r}, must be {wanted}")
    return load_object(points[name].value, place)
