"""Settings of augmentations."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from recall.settings import Reference
from recall.steps.settings import OwnStep, StepSettings
from simulator.plugins import Kind

AUGMENTATION: Final = Kind("an augmentation", has=("pairs",), group="funnelab.augmentations")


class HitsSpec(StepSettings):
    """Pairs of the texts with few clicks and the first items that a channel finds for them."""

    home: ClassVar[str] = "recall.augmenting.hits:HitsAugmentation"

    fewest_clicks: int = Field(
        3, gt=0, description="texts of the log with fewer clicks are given pairs (clicks)"
    )
    items: int = Field(10, gt=0, le=100, description="pairs of one text, at most (items)")
    permuted: bool = Field(False, description="give each text the items of another: the null twin")


class LexicalHitsSpec(HitsSpec):
    """The first items by words: the control that knows nothing but the text."""

    type: Literal["lexical"] = "lexical"


class SelfHitsSpec(HitsSpec):
    """The first items of a channel of the run: self-training, where it is of the same kind."""

    type: Literal["self"] = "self"
    channel: str = Field(min_length=1, description="channel that is asked; fitted before")

    def references(self) -> tuple[Reference, ...]:
        """The channel."""
        return (Reference("channel", self.channel, ("channels",), learns=True),)


class RepeatSpec(StepSettings):
    """The clicks of the log once more: the control that knows nothing new."""

    home: ClassVar[str] = "recall.augmenting.repeat:RepeatAugmentation"

    type: Literal["repeat"] = "repeat"


class OwnAugmentationSpec(OwnStep):
    """An augmentation of the user's own."""

    kind: ClassVar[Kind] = AUGMENTATION

    type: Literal["custom"] = "custom"
