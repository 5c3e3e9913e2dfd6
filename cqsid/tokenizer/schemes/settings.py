"""Settings of identifier schemes."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from cqsid.tokenizer.quantize.rqvaespec import AutoencoderSpec
from cqsid.tokenizer.quantize.settings import KMeansSpec
from simulator.plugins import Kind
from simulator.spec import Spec

SCHEME: Final = Kind("an identifier scheme", has=("fit", "assign"))

SchemeName = Literal[
    "cqsid",
    "cqsid_no_category",
    "cqsid_no_contrast",
    "rqvae",
    "tiger",
    "rkmeans",
    "random",
    "cat_id2",
    "higen",
    "letter",
    "crid",
    "varg",
    "custom",
]
SplitRule = Literal["random", "overflow", "two_means", "popularity", "none"]
Codes = Annotated[int, Field(gt=0)]


class SplitSpec(Spec):
    """What becomes of clusters that hold too many items."""

    rule: SplitRule = Field(
        "random",
        description="random as in CQ-SID, overflow as in FORGE, two_means, popularity, or none",
    )
    largest: int = Field(50, gt=0, description="T_max: a larger cluster is split (items)")
    groups: int = Field(100, gt=0, description="G_max: groups a cluster is split into, at most")
    capacity: int = Field(5, gt=0, description="for overflow: items an id takes")


class GuidedSpec(AutoencoderSpec):
    """The residual-quantised VAE of all schemes; which guidance one has, its name says."""

    contrast: Literal["before", "after"] = Field(
        "before", description="of items before or after quantisation, in schemes with contrast"
    )
    collaborative: float = Field(0.01, ge=0, description="weight of the alignment of letter")
    diversity: float = Field(1e-4, ge=0, description="weight of the diversity of letter")


class IdsSpec(Spec):
    """Which identifier scheme gives items their ids, and its settings."""

    scheme: SchemeName = Field("cqsid", description="scheme by name; custom: `object` makes it")
    codes: tuple[Codes, ...] | None = Field(
        None,
        min_length=2,
        description="codes of each quantizer level; none: from the catalogue. "
        "crid and varg use the first two",
    )
    rqvae: GuidedSpec = Field(GuidedSpec(), description="residual-quantised VAE")
    kmeans: KMeansSpec = Field(KMeansSpec(), description="residual k-means")
    split: SplitSpec = Field(SplitSpec(), description="splitting of oversized clusters")
    room: float = Field(
        0.25,
        ge=0,
        description="last codes kept for new items (share of those in use, one at least)",
    )
    object: str | None = Field(None, description='for custom: maker of the scheme, "module:Class"')
    options: dict[str, Any] = Field({}, description="for custom: keyword arguments given to it")

    @model_validator(mode="after")
    def _object_if_custom(self) -> "IdsSpec":
        if (self.scheme == "custom") != (self.object is not None):
            raise ValueError(f"object == {self.object!r}, must be set for custom schemes, only")
        return self

    def code(self) -> tuple[str, ...]:
        """The module of a custom scheme."""
        return (SCHEME.module(self.object),) if self.object is not None else ()
