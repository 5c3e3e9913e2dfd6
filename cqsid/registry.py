"""Channels by name: those of `recall`, and the generative one."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from cqsid.settings import CqsidSpec
from recall import registry
from recall.channel import Channel
from recall.classic.itemcf import ItemCFSpec
from recall.classic.lexical import LexicalSpec
from recall.classic.popular import PopularSpec
from recall.classic.towers import DenseSpec
from recall.classic.uniform import UniformSpec
from recall.registry import CustomSpec

ChannelSpec = Annotated[
    LexicalSpec | DenseSpec | ItemCFSpec | PopularSpec | UniformSpec | CqsidSpec | CustomSpec,
    Field(discriminator="type"),
]

GenerativeSpec = CqsidSpec
"""Settings of a channel that generates semantic ids: it can be benched, aligned and saved."""

GENERATIVE_TYPES: Final = ("cqsid",)
"""What their `type` says."""


def generative(channels: Mapping[str, ChannelSpec]) -> dict[str, GenerativeSpec]:
    """Those of some channels that generate semantic ids, by name."""
    return {name: spec for name, spec in channels.items() if isinstance(spec, GenerativeSpec)}


def build_channel(name: str, spec: ChannelSpec) -> Channel:
    """The channel that a spec describes, not yet fitted, under the name it has in the run.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or has no `recall`.
    """
    if isinstance(spec, CqsidSpec):
        from cqsid.channel import CqsidChannel  # torch, only where it is used

        return CqsidChannel(spec, name)
    return registry.build_channel(name, spec)
