"""Settings of channels that are made of other parts of a run."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from recall.latency import LatencySpec
from recall.settings import ChannelSettings, Reference


class RerankedSpec(ChannelSettings):
    """The candidates of another channel, in the order of a scorer."""

    home: ClassVar[str] = "recall.composed.reranked:RerankedChannel"
    page_seconds: ClassVar[float] = 1.5e-4

    type: Literal["reranked"] = "reranked"
    inner: str = Field(description="name of the channel whose candidates are scored")
    scorer: str = Field(
        description="what scores them: name of a judge, of a channel that scores given items, or "
        "'ranker': the one of the arms that name no other"
    )
    depth: int = Field(
        200, gt=0, le=10_000, description="candidates asked of the inner channel and scored (items)"
    )
    threshold: float | None = Field(
        None,
        description="only candidates that score above it are kept; in units of the scorer, a judge "
        "gives the expected grade over 3. None: all",
    )
    latency: LatencySpec = Field(
        LatencySpec(base_s=0.002, per_item_s=0.00001),
        description="what scoring adds to the service time of the inner channel, by depth",
    )

    @model_validator(mode="after")
    def _scores_what_it_keeps(self) -> "RerankedSpec":
        if self.depth < self.limit:
            raise ValueError(f"depth == {self.depth}, must be >= limit ({self.limit}) items")
        return self

    @property
    def scored_pairs(self) -> int:
        """The first ones of the inner channel."""
        return self.depth

    def references(self) -> tuple[Reference, ...]:
        """The inner channel, and a judge, a channel or the ranker that scores."""
        return (
            Reference("inner", self.inner, ("channels",)),
            Reference("scorer", self.scorer, ("judges", "channels", "ranker"), scores=True),
        )

    def fixed(self) -> str:
        """It learns nothing itself."""
        return "it serves what its inner channel and its scorer have learned"

    def over(self, parts: Mapping[str, ChannelSettings]) -> Self:
        """These settings with the time that the inner channel takes for `depth` candidates.

        Both take long or short together, by one luck. The spread of their sum is that to first
        order in this luck: the mean of both spreads, weighted by the medians.
        """
        inner, own = parts["inner"].service_time(), self.latency
        medians = [float(each.seconds(0.0, self.depth)) for each in (inner, own)]
        base_s = sum(medians)
        spread = medians[0] * inner.sigma + medians[1] * own.sigma
        latency = LatencySpec(
            base_s=base_s, per_item_s=0.0, sigma=spread / base_s if base_s else own.sigma
        )
        return self.model_copy(update={"latency": latency})
