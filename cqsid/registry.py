"""Channels by name: those of `recall`, and the generative one."""

from typing import Annotated

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


def build_channel(name: str, spec: ChannelSpec) -> Channel:
    """The channel that a spec describes, not yet fitted, under the name it has in the run.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or has no `recall`.
    """
    if isinstance(spec, CqsidSpec):
        from cqsid.channel import CqsidChannel  # torch, only where it is used

        return CqsidChannel(spec, name)
    return registry.build_channel(name, spec)
