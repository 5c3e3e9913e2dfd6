"""Settings of product understanding."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from simulator.plugins import Kind
from simulator.spec import Spec

UNDERSTANDING: Final = Kind("a catalogue step", has=("fit", "fill"))


class UnderstandingSpec(Spec):
    """A catalogue step: what fills missing attribute values and categories of items."""

    type: Literal["none", "dictionary", "linear", "custom"] = Field(
        "linear",
        description="kind: none fills nothing; dictionary: value words found in title or "
        "description, else the most frequent value of the category; linear: a logistic classifier "
        "of each attribute; or your own",
    )
    confidence: float = Field(
        0.8, ge=0, le=1, description="least confidence with which something is filled"
    )
    permuted: bool = Field(
        False,
        description="learn from values and categories that are those of other items: the null "
        "twin, which must learn nothing from texts",
    )
    hallucination_filter: bool = Field(
        False,
        description="linear: leave out training values that neither an item's words tell nor a "
        "model of other items does with a chance above 0.3",
    )
    corrections: bool = Field(
        False,
        description="linear: replace a published value where another one would be filled if it "
        "were missing",
    )
    object: str = Field("", description='class or function that makes a custom one, "module:Class"')
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")

    @model_validator(mode="after")
    def _fits_its_type(self) -> "UnderstandingSpec":
        if (self.type == "custom") != bool(self.object):
            raise ValueError(
                f"object == {self.object!r} with type {self.type!r}, "
                "must be MODULE:OBJECT where the type is 'custom' and empty elsewhere"
            )
        for name in ("hallucination_filter", "corrections"):
            if getattr(self, name) and self.type != "linear":
                raise ValueError(f"{name} == true with type {self.type!r}, must be with 'linear'")
        return self

    def training_seconds(self, items: float) -> float:
        """Seconds of one core for learning and filling, about; for a plan before a run."""
        return {"linear": 1e-3, "dictionary": 7e-5}.get(self.type, 0.0) * items

    def code(self) -> tuple[str, ...]:
        """The module of a custom one."""
        return (UNDERSTANDING.module(self.object),) if self.object else ()

    def check(self) -> None:
        """Make a custom one once."""
        if self.object:
            UNDERSTANDING.make(self.object, options=self.options)
