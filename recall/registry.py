"""Channels from their settings, the built-in ones and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from recall.settings import ChannelSettings
from simulator.calling import blaming
from simulator.plugins import Kind

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from recall.channel import Channel

CHANNEL: Final = Kind("a channel", has=("fit", "recall"))


class CustomSpec(ChannelSettings):
    """A channel of the user's own."""

    scores_pairs: ClassVar[bool] = True

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


def build_channel(
    name: str, spec: ChannelSettings, parts: Mapping[str, object] = MappingProxyType({})
) -> Channel:
    """The channel that settings describe, not yet fitted, under the name it has in the run.

    Args:
        name: in the run.
        spec: its settings.
        parts: what it is made of, by the fields of `spec.references()`.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or has no `recall`.
        ConfigError: a part that cannot do what is asked of it.
    """
    if isinstance(spec, CustomSpec):
        return spec.made(name)
    module, _, made = spec.home.partition(":")
    channel: Channel = getattr(import_module(module), made)(spec, name, **parts)
    return channel
