"""What every reward of a mix can be given: a weight, a scale, bounds."""

from typing import Literal

from pydantic import Field, model_validator

from simulator.spec import Spec

Scale = Literal["none", "group", "batch"]


class RewardSpec(Spec):
    """One component of a reward.

    Its values are scaled, then clipped, then weighted, then added to those of the others.
    """

    weight: float = Field(1.0, description="what the component counts in the sum; may be negative")
    scale: Scale = Field(
        "none",
        description="none: as it is; group: mean 0 and variance 1 over the ids of a request; "
        "batch: over all ids of a batch",
    )
    clip: tuple[float, float] | None = Field(
        None, description="least and greatest value after scaling; None: no bounds"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "RewardSpec":
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise ValueError(f"clip == {self.clip}, must rise")
        return self
