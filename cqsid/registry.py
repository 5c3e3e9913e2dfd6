"""The settings of every kind of channel, of judges, and of the steps that channels are made of.

They are those of `recall`, those that need the language model, and those of a user's own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Discriminator, Field, Tag

from cqsid.settings import CqsidSpec
from cqsid.systems.attributes.settings import WriterUnderstandingSpec
from cqsid.systems.chain.settings import ChainJudgeSpec
from ranking.judges.settings import JudgeSpec as PlainJudgeSpec
from recall.augmenting.settings import (
    LexicalHitsSpec,
    OwnAugmentationSpec,
    RepeatSpec,
    SelfHitsSpec,
)
from recall.classic.settings import DenseSpec, ItemCFSpec, LexicalSpec, PopularSpec, UniformSpec
from recall.composed.settings import RerankedSpec
from recall.registry import CustomSpec
from recall.rewriting.settings import (
    CoclickSpec,
    FrequentSpec,
    IdentitySpec,
    OwnRewriterSpec,
    RewrittenSpec,
)
from recall.service.settings import ServiceSpec
from recall.suggesting.settings import AffinitySpec, OwnSuggesterSpec, PopularTextsSpec
from recall.understanding.settings import UnderstandingSpec as PlainUnderstandingSpec

if TYPE_CHECKING:  # they load what readers of settings do not need
    from recall.judge import Judge
    from recall.understanding.understanding import Understanding

ChannelSpec = Annotated[
    LexicalSpec
    | DenseSpec
    | ItemCFSpec
    | PopularSpec
    | UniformSpec
    | ServiceSpec
    | RerankedSpec
    | RewrittenSpec
    | CqsidSpec
    | CustomSpec,
    Field(discriminator="type"),
]

RewriterSpec = Annotated[
    CoclickSpec | FrequentSpec | IdentitySpec | OwnRewriterSpec, Field(discriminator="type")
]

SuggesterSpec = Annotated[
    PopularTextsSpec | AffinitySpec | OwnSuggesterSpec, Field(discriminator="type")
]

AugmentationSpec = Annotated[
    LexicalHitsSpec | SelfHitsSpec | RepeatSpec | OwnAugmentationSpec, Field(discriminator="type")
]

GenerativeSpec = CqsidSpec
"""Settings of a channel that generates semantic ids: it can be benched, aligned and saved."""

GENERATIVE_TYPES: Final = ("cqsid",)
"""What their `type` says."""


def generative(channels: Mapping[str, ChannelSpec]) -> dict[str, GenerativeSpec]:
    """Those of some channels that generate semantic ids, by name."""
    return {name: spec for name, spec in channels.items() if isinstance(spec, GenerativeSpec)}


def _type_or(default: str) -> Discriminator:
    """Tells specs apart by their type; a table without one is of the default type."""

    def kind(value: Any) -> Any:
        return value.get("type", default) if isinstance(value, dict) else getattr(value, "type", "")

    return Discriminator(kind)


AnyJudgeSpec = PlainJudgeSpec | ChainJudgeSpec

JudgeSpec = Annotated[
    Annotated[PlainJudgeSpec, Tag("logistic")]
    | Annotated[PlainJudgeSpec, Tag("entities")]
    | Annotated[PlainJudgeSpec, Tag("custom")]
    | Annotated[ChainJudgeSpec, Tag("chain")],
    _type_or("logistic"),
]


AnyUnderstandingSpec = PlainUnderstandingSpec | WriterUnderstandingSpec


UnderstandingSpec = Annotated[
    Annotated[PlainUnderstandingSpec, Tag("none")]
    | Annotated[PlainUnderstandingSpec, Tag("dictionary")]
    | Annotated[PlainUnderstandingSpec, Tag("linear")]
    | Annotated[PlainUnderstandingSpec, Tag("custom")]
    | Annotated[WriterUnderstandingSpec, Tag("writer")],
    _type_or("linear"),
]


def build_understanding(spec: AnyUnderstandingSpec) -> "Understanding":
    """The catalogue step that a spec describes, not yet fitted.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no such step.
    """
    if isinstance(spec, WriterUnderstandingSpec):
        from cqsid.systems.attributes.writerunderstanding import WriterUnderstanding  # loads torch

        return WriterUnderstanding(spec)
    from recall.understanding.registry import build_understanding as build_plain

    return build_plain(spec)


def build_judge(name: str, spec: AnyJudgeSpec) -> "Judge":
    """The judge that a spec describes, not yet fitted.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no judge.
    """
    if isinstance(spec, ChainJudgeSpec):
        from cqsid.systems.chain.chainjudge import ChainJudge  # they load torch
        from cqsid.systems.chain.languagejudge import LanguageJudge

        return ChainJudge(name, spec) if spec.verdicts else LanguageJudge(name, spec)
    from ranking.judges.registry import build_judge as build_plain

    return build_plain(name, spec)
