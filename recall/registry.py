"""Channels by name, the built-in ones and the user's own."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from recall.channel import Channel
from recall.classic.dense import DenseChannel
from recall.classic.itemcf import ItemCFChannel, ItemCFSpec
from recall.classic.lexical import LexicalChannel, LexicalSpec
from recall.classic.popular import PopularChannel, PopularSpec
from recall.classic.towers import DenseSpec
from recall.classic.uniform import UniformChannel, UniformSpec
from recall.settings import ChannelSettings
from simulator.plugins import Kind, blaming

CHANNEL: Final = Kind("a channel", has=("fit", "recall"))


class CustomSpec(ChannelSettings):
    """A channel of the user's own."""

    type: Literal["custom"] = "custom"
    object: str = Field(description='class or function that makes the channel, "module:Class"')
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")

    def code(self) -> tuple[str, ...]:
        """The module of the channel."""
        return (CHANNEL.module(self.object),)

    def check(self) -> None:
        """Make the channel."""
        self.made(self.type)

    def made(self, name: str) -> Channel:
        """The user's channel, under the name it has in the run.

        Raises:
            ContractError: nothing of that name, or an object that refuses its options.
        """
        channel: Channel = CHANNEL.make(self.object, options=self.options)
        with blaming(f"{self.object}().name = {name!r}", "take its name"):
            channel.name = name
        return channel


ChannelSpec = Annotated[
    LexicalSpec | DenseSpec | ItemCFSpec | PopularSpec | UniformSpec | CustomSpec,
    Field(discriminator="type"),
]

BOOTSTRAP_CHANNELS: Final[Mapping[str, ChannelSpec]] = {
    "lexical": LexicalSpec(),
    "popular": PopularSpec(),
}
"""What a shop has before it has a log: nothing to learn from but the catalogue."""


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
            return spec.made(name)
