"""Settings of relevance judges."""

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from simulator.plugins import Kind
from simulator.spec import Spec

JUDGE: Final = Kind(
    "a judge", has=("name", "fit", "grades", "pair_scores"), group="funnelab.judges"
)


class JudgeSpec(Spec):
    """A relevance judge: what grades an item for a text."""

    type: Literal["logistic", "entities", "custom"] = Field(
        "logistic",
        description="kind: an ordinal logistic regression, soft logic over entities, or your own",
    )
    logic: Literal["product", "goedel", "lukasiewicz", "none"] = Field(
        "product",
        description="and, or and not of a judge by entities; none: the control, a plain network on "
        "the joined words of an item's entities, which cannot say why",
    )
    pretraining: int = Field(
        0,
        ge=0,
        description="of a judge by entities: passes over what is clicked and skipped in the log, "
        "before it learns from annotations; 0: it reads no log",
    )
    permuted: bool = Field(
        False,
        description="learn from annotations whose grades and verdicts are those of other pairs: "
        "the null twin, which must learn nothing",
    )
    understanding: str = Field(
        "", description="catalogue step whose filled catalogue it reads; none: the public one"
    )
    object: str = Field(
        "",
        description='class or function that makes a custom judge, "module:Class", or the name of '
        "an entry point",
    )
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")

    @model_validator(mode="after")
    def _custom_has_an_object(self) -> "JudgeSpec":
        if (self.type == "custom") != bool(self.object):
            raise ValueError(
                f"object == {self.object!r} with type {self.type!r}, "
                "must be MODULE:OBJECT where the type is 'custom' and empty elsewhere"
            )
        return self

    @model_validator(mode="after")
    def _only_entities_are_pretrained(self) -> "JudgeSpec":
        if self.pretraining and self.type != "entities":
            raise ValueError(
                f"pretraining == {self.pretraining} with type {self.type!r}, must be 0: a judge by "
                "entities alone has such a stage"
            )
        return self

    @property
    def needs_annotations(self) -> str:
        """Why it must have annotated pairs; "" where it can do without."""
        if self.permuted:
            return "there is nothing to permute"
        return "it learns grades from annotations alone" if self.type == "entities" else ""

    @property
    def needs_verdicts(self) -> bool:
        """Whether grades alone teach it nothing."""
        return False

    def training_seconds(self, pairs: float) -> float:
        """About how long its training takes with so many pairs; for a plan before a run."""
        return 0.5 + (7e-4 if self.type == "entities" else 5e-5) * pairs

    @property
    def pair_seconds(self) -> float:
        """About how long it takes to grade a pair."""
        return 2e-6

    def without_steps(self) -> Self:
        """These settings as if no catalogue step were named."""
        return self.model_copy(update={"understanding": ""})

    def code(self) -> tuple[str, ...]:
        """The module of a custom judge."""
        return (JUDGE.module(self.object),) if self.object else ()

    def check(self) -> None:
        """Make a custom judge once."""
        if self.object:
            JUDGE.make(self.object, options=self.options)
