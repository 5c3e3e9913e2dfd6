"""Settings of the id bench."""

from typing import Annotated

from pydantic import Field, model_validator

from cqsid.decoding.settings import Fill
from simulator.spec import Spec

_BETWEEN = (1, 2, 5)  # beam widths of the curves, times powers of ten

Count = Annotated[int, Field(gt=0)]


class IdsBenchSpec(Spec):
    """Which identifier schemes are compared, on what, and at which sizes."""

    schemes: tuple[str, ...] = Field(
        ("rqvae", "cqsid_no_category", "cqsid_no_contrast", "cqsid", "random"),
        min_length=2,
        description="names of the identifier schemes",
    )
    baseline: str = Field("rqvae", description="the scheme that all others are compared with")
    seeds: int = Field(3, gt=0, description="trainings of each scheme; no interval below 2 (seeds)")
    test_days: int = Field(
        2, gt=0, description="last days of the history, asked and never learned from (days)"
    )
    test_requests: int = Field(
        1000, gt=0, description="most test requests, drawn evenly from the test days (requests)"
    )
    beams: tuple[Count, ...] = Field(
        (1, 10, 100), min_length=1, description="beam widths of the hit rates (ids)"
    )
    recall_sizes: tuple[Count, ...] = Field(
        (100, 200, 1000), min_length=1, description="list lengths of the item recall (items)"
    )
    serving_beam: int = Field(
        50,
        gt=0,
        description="beam of the comparison at equal beam; what the baseline computes with it is "
        "the budget of the comparison at equal compute (ids)",
    )
    deepest: int = Field(
        1000,
        gt=0,
        description="beam of the comparisons at equal items, wide enough that a scheme of one "
        "item an id returns as many as the longest list (ids)",
    )
    item_limit: int = Field(1000, gt=0, description="most items that a beam may return (items)")
    fill: Fill = Field(
        Fill.DEPTH,
        description="depth: the items of the best id first; breadth: the first item of each id",
    )
    personalised: bool = Field(True, description="also ask with the shopper's traits and clicks")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="level of all intervals")

    @property
    def widest(self) -> int:
        """The largest beam; the decoder is asked for this many ids."""
        return max(*self.beams, self.serving_beam, self.deepest)

    @property
    def widths(self) -> tuple[int, ...]:
        """Beam widths of the curves: 1, 2, 5, 10 ... and those that are reported."""
        grid = [step * 10**power for power in range(len(str(self.widest))) for step in _BETWEEN]
        inside = {width for width in grid if width <= self.widest}
        return tuple(sorted(inside | {*self.beams, self.serving_beam}))

    @property
    def primary_beam(self) -> int:
        """The beam whose hit rate decides: the middle one of those reported."""
        return self.beams[len(self.beams) // 2]

    @model_validator(mode="after")
    def _parts_fit(self) -> "IdsBenchSpec":
        if self.baseline not in self.schemes:
            wanted = ", ".join(self.schemes)
            raise ValueError(f"baseline == {self.baseline!r}, must be one of {wanted}")
        for place, found in (
            ("schemes", self.schemes),
            ("beams", self.beams),
            ("recall_sizes", self.recall_sizes),
        ):
            if len(set(found)) < len(found):
                raise ValueError(f"{place} == {found}, must be distinct")
        for place, sizes in (("beams", self.beams), ("recall_sizes", self.recall_sizes)):
            if list(sizes) != sorted(sizes):
                raise ValueError(f"{place} == {sizes}, must rise")
        return self
