"""Settings of suggesters."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from recall.steps.settings import OwnStep, StepSettings
from simulator.plugins import Kind

SUGGESTER: Final = Kind("a suggester", has=("fit", "suggest"), group="funnelab.suggesters")


class PopularTextsSpec(StepSettings):
    """The texts that were asked most lately, the same for everybody."""

    home: ClassVar[str] = "recall.suggesting.popular:PopularSuggester"

    type: Literal["popular"] = "popular"
    days: float = Field(1.0, gt=0, le=3_650, description="last days of the log that count (days)")


class AffinitySpec(StepSettings):
    """The texts after which most was clicked in the categories of the shopper's last clicks."""

    home: ClassVar[str] = "recall.suggesting.affinity:AffinitySuggester"

    type: Literal["affinity"] = "affinity"
    recency: float = Field(
        0.8, gt=0, le=1, description="weight of a click of the shopper over the next newer"
    )


class OwnSuggesterSpec(OwnStep):
    """A suggester of the user's own."""

    kind: ClassVar[Kind] = SUGGESTER

    type: Literal["custom"] = "custom"
