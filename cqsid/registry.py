"""The settings of every kind of channel and of judge, those with a language model too."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag

from cqsid.settings import CqsidSpec
from cqsid.systems.chain.settings import ChainJudgeSpec
from ranking.judges.settings import JudgeSpec as PlainJudgeSpec
from recall.classic.settings import DenseSpec, ItemCFSpec, LexicalSpec, PopularSpec, UniformSpec
from recall.composed.settings import RerankedSpec
from recall.judge import Judge
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


def _judge_kind(value: Any) -> Any:
    return value.get("type", "logistic") if isinstance(value, dict) else value.type


JudgeSpec = Annotated[
    Annotated[PlainJudgeSpec, Tag("logistic")]
    | Annotated[PlainJudgeSpec, Tag("entities")]
    | Annotated[PlainJudgeSpec, Tag("custom")]
    | Annotated[ChainJudgeSpec, Tag("chain")],
    Discriminator(_judge_kind),
]


def build_judge(name: str, spec: PlainJudgeSpec | ChainJudgeSpec) -> Judge:
    """The judge that a spec describes, not yet fitted.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no judge.
    """
    if isinstance(spec, ChainJudgeSpec):
        from cqsid.systems.chain.judge import ChainJudge  # loads torch

        return ChainJudge(name, spec)
    from ranking.judges.registry import build_judge as build_plain

    return build_plain(name, spec)
