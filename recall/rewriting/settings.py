"""Settings of query rewriters, and of the channel that asks with other wordings."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field

from recall.latency import LatencySpec
from recall.settings import ChannelSettings, Reference
from recall.steps.settings import OwnStep, StepSettings
from simulator.plugins import Kind

REWRITER: Final = Kind("a rewriter", has=("fit", "rewrite"), group="funnelab.rewriters")


class CoclickSpec(StepSettings):
    """Texts whose clicks were on the same items, from the rarer text to the commoner."""

    home: ClassVar[str] = "recall.rewriting.coclick:CoclickRewriter"

    type: Literal["coclick"] = "coclick"
    least_cosine: float = Field(
        0.3,
        gt=0,
        le=1,
        description="cosine of two texts' clicks over items, from which on one may "
        "stand for the other",
    )
    kept: int = Field(8, gt=0, le=100, description="wordings kept of each text, at most")
    permuted: bool = Field(
        False, description="give each text the wordings of another: the null twin"
    )


class FrequentSpec(StepSettings):
    """Random texts in proportion to how often they were asked: a null, which must not help."""

    home: ClassVar[str] = "recall.rewriting.frequent:FrequentRewriter"

    type: Literal["frequent"] = "frequent"
    kept: int = Field(8, gt=0, le=100, description="wordings drawn for each text, at most")


class IdentitySpec(StepSettings):
    """No wording at all: a channel with it equals its inner channel."""

    home: ClassVar[str] = "recall.rewriting.identity:IdentityRewriter"

    type: Literal["identity"] = "identity"


class OwnRewriterSpec(OwnStep):
    """A rewriter of the user's own."""

    kind: ClassVar[Kind] = REWRITER

    type: Literal["custom"] = "custom"


class RewrittenSpec(ChannelSettings):
    """Asks another channel for the text and for other wordings of it, all at the same time."""

    home: ClassVar[str] = "recall.rewriting.rewritten:RewrittenChannel"

    type: Literal["rewritten"] = "rewritten"
    latency: LatencySpec = Field(
        LatencySpec(base_s=0.002, per_item_s=0.0),
        description="service time of rewriting and fusing, added to that of the inner channel",
    )
    rewriter: str = Field(min_length=1, description="name of the rewriter, of `[rewriters]`")
    inner: str = Field(min_length=1, description="name of the channel that is asked")
    rewrites: int = Field(3, gt=0, le=20, description="wordings asked for, at most")
    original: float = Field(1.0, ge=0, description="weight of the text itself in the fusion")
    weight: Literal["score", "equal"] = Field(
        "score", description="weight of a wording in the fusion: the rewriter's score of it, or 1"
    )

    def references(self) -> tuple[Reference, ...]:
        """The rewriter and the inner channel."""
        return (
            Reference("rewriter", self.rewriter, ("rewriters",)),
            Reference("inner", self.inner, ("channels",)),
        )

    def fixed(self) -> str:
        """It learns nothing itself."""
        return "it serves what its rewriter and its inner channel have learned"

    def over(self, parts: Mapping[str, ChannelSettings]) -> Self:
        """These settings with the time of the inner channel, which is asked for all texts at once.

        Both take long or short together, by one luck; see `RerankedSpec.over` for the spread.
        """
        inner, own = parts["inner"].service_time(), self.latency
        return self.model_copy(update={"latency": inner.then(own, self.limit)})
