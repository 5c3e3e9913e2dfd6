"""Channels by name, the built-in ones and the user's own."""

from typing import Annotated, Any, Literal

from pydantic import Field

from recall.channel import Channel
from recall.classic.dense import DenseChannel
from recall.classic.itemcf import ItemCFChannel, ItemCFSpec
from recall.classic.lexical import LexicalChannel, LexicalSpec
from recall.classic.popular import PopularChannel, PopularSpec
from recall.classic.towers import DenseSpec
from recall.classic.uniform import UniformChannel, UniformSpec
from recall.settings import ChannelSettings
from simulator.errors import ContractError
from simulator.plugins import load_object


class CustomSpec(ChannelSettings):
    """A channel of the user's own."""

    type: Literal["custom"] = "custom"
    object: str = Field(description='class or function that makes the channel, "module:Class"')
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")


ChannelSpec = Annotated[
    LexicalSpec | DenseSpec | ItemCFSpec | PopularSpec | UniformSpec | CustomSpec,
    Field(discriminator="type"),
]


def build_channel(name: str, spec: ChannelSpec) -> Channel:
    """The channel that a spec describes, not yet fitted, under the name it has in the run.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or has no `recall`.
    """
    match spec:
        case LexicalSpec():
            return LexicalChannel(spec, name)
        case DenseSpec():
            return DenseChannel(spec, name)
        case ItemCFSpec():
            return ItemCFChannel(spec, name)
        case PopularSpec():
            return PopularChannel(spec, name)
        case UniformSpec():
            return UniformChannel(spec, name)
        case CustomSpec():
            return _custom(name, spec)


def _custom(name: str, spec: CustomSpec) -> Channel:
    factory = load_object(spec.object)
    try:
        channel = factory(**spec.options)
        channel.name = name
    except Exception as error:
        place = f"{spec.object}(**{spec.options})"
        raise ContractError(f"{place} raised {error!r}, must return a channel") from error
    if not isinstance(channel, Channel):
        found = type(channel).__name__
        raise ContractError(f"{spec.object}() == {found}, must have name, fit and recall")
    return channel
