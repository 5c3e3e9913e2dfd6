"""What every channel's settings have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from recall.latency import LatencySpec
from recall.load.settings import ServersSpec, Step
from simulator.spec import Spec

DeviceName = Literal["auto", "cpu", "cuda"]


Section = Literal["channels", "judges", "rewriters", "suggesters", "augmentations", "ranker"]
"""Sections of the settings that hold parts which others may name."""


@dataclass(frozen=True)
class Reference:
    """A part of the run that a channel is made of, by its name.

    Attributes:
        field: of the channel's settings, and of its constructor.
        name: of the part.
        kinds: sections of the settings in which the part may stand; the ranker is the one of all
            arms that name no other, under the name of its section.
        scores: whether it must score given items.
        learns: whether it is asked while something learns, and not to serve requests.
    """

    field: str
    name: str
    kinds: tuple[Section, ...]
    scores: bool = False
    learns: bool = False


class ChannelSettings(Spec):
    """How much a funnel asks of a channel, how long the channel takes, and what it is.

    Whoever runs channels asks these questions of their settings and knows no channel by its class.

    Attributes:
        shares_training: whether channels of equal `learned` settings serve one training.
        scores_pairs: whether it has, or may have, `pair_scores` for given items.
        gives_vectors: whether it searches among vectors; its `pair_scores` are then a feature of
            rankers.
        home: MODULE:CLASS of the channel; empty where the user's own names it.
        page_seconds: about what it adds to a page, seconds of one core; beside channels that look
            words or counts up, which add little.
    """

    home: ClassVar[str] = ""
    page_seconds: ClassVar[float] = 0.0
    shares_training: ClassVar[bool] = False
    gives_vectors: ClassVar[bool] = False
    scores_pairs: ClassVar[bool] = False

    limit: int = Field(100, gt=0, le=10_000, description="candidates asked for (items a request)")
    latency: LatencySpec = Field(LatencySpec(), description="service time of the channel")
    understanding: str = Field(
        "", description="catalogue step whose filled catalogue it reads; none: the public one"
    )
    servers: ServersSpec | None = Field(
        None, description="servers that may be busy; none: nobody ever waits for one"
    )

    @property
    def scored_pairs(self) -> int:
        """Items of a request that a part scores which the channel is made of."""
        return 0

    def data(self) -> tuple[str, ...]:
        """Files and folders of the user's that decide what the channel learns."""
        return ()

    def fixed(self) -> str:
        """Why training it anew on a longer log would change nothing; empty where it may."""
        return ""

    def learned(self) -> Self:
        """These settings without what acts on serving alone."""
        return self

    def without_steps(self) -> Self:
        """What is learned, as if no catalogue step and no augmentation were named.

        Channels of which these are equal are trained by the same luck, so that nothing but the
        steps tells them apart.
        """
        return self.learned().model_copy(update={"understanding": ""})

    def references(self) -> tuple[Reference, ...]:
        """Parts of the run that the channel is made of; they are fitted apart from it."""
        return ()

    def over(self, parts: Mapping[str, "ChannelSettings"]) -> Self:
        """These settings with the time that the channels take that it is made of, by field."""
        return self

    def on_device(self, device: DeviceName) -> Self:
        """These settings with `device` where they leave open where to train."""
        return self

    def training_seconds(self, items: float, requests: float) -> float:
        """About how long its training takes, seconds of one core, with a log of so many requests.

        For a plan before a run; see `experiments.config.estimate`.
        """
        return 0.3

    def service_time(self) -> LatencySpec:
        """The latency model of the channel with these settings."""
        return self.latency

    def steps(self) -> tuple[Step, ...]:
        """What the channel does for a request, by how many others wait; one step for most.

        A channel of several steps is `recall.channel.Yielding`.
        """
        return (Step(0, self.service_time()),)


class MergeSpec(Spec):
    """How many candidates enter the pool, and in what order."""

    limit: int = Field(400, gt=0, description="candidates in the pool (items a request)")
    quotas: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {}, description="best candidates that a channel may bring in; all where not named (items)"
    )
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {}, description="weight of a channel in the merge order; 1 where not named"
    )


class AugmentedSettings(ChannelSettings):
    """Those of a channel that may learn from made pairs, too."""

    augment: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="augmentations whose pairs it learns from beside the log's; a generative "
        "channel in its query stage",
    )
    augment_share: float = Field(
        0.3, gt=0, lt=1, description="share of such pairs among all that it draws there"
    )

    def references(self) -> tuple[Reference, ...]:
        """The augmentations."""
        return tuple(
            Reference(f"augment[{number}]", name, ("augmentations",), learns=True)
            for number, name in enumerate(self.augment)
        )

    def without_steps(self) -> Self:
        """What is learned, as if no catalogue step and no augmentation were named."""
        plain = AugmentedSettings.model_fields
        fixed = {name: plain[name].default for name in ("augment", "augment_share")}
        return super().without_steps().model_copy(update=fixed)
