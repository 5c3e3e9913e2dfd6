"""The settings of every kind of channel: those of `recall`, the generative one, a user's own."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from cqsid.settings import CqsidSpec
from recall.classic.settings import DenseSpec, ItemCFSpec, LexicalSpec, PopularSpec, UniformSpec
from recall.composed.settings import RerankedSpec
from recall.registry import CustomSpec
from recall.service.settings import ServiceSpec

ChannelSpec = Annotated[
    LexicalSpec
    | DenseSpec
    | ItemCFSpec
    | PopularSpec
    | UniformSpec
    | ServiceSpec
    | RerankedSpec
    | CqsidSpec
    | CustomSpec,
    Field(discriminator="type"),
]

GenerativeSpec = CqsidSpec
"""Settings of a channel that generates semantic ids: it can be benched, aligned and saved."""

GENERATIVE_TYPES: Final = ("cqsid",)
"""What their `type` says."""


def generative(channels: Mapping[str, ChannelSpec]) -> dict[str, GenerativeSpec]:
    """Those of some channels that generate semantic ids, by name."""
    return {name: spec for name, spec in channels.items() if isinstance(spec, GenerativeSpec)}
