"""Settings of how ids become items."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from simulator.spec import Spec


class ShelfSpec(Spec):
    """How ids become items."""

    order: Literal["value", "popularity", "newest"] = Field(
        "value",
        description="which items of an id come first: value: clicks and orders per exposure, "
        "shrunk to the shop's mean; popularity: their number; newest: the latest in the shop",
    )
    cap: int = Field(50, gt=0, description="most items taken from one id (items)")


class Fill(StrEnum):
    """In which order the items of a beam's ids are returned."""

    DEPTH = "depth"
    """The best id whole, then the next one. A wider beam never loses an item under a limit."""

    BREADTH = "breadth"
    """The first item of every id, then the second ones. Under a limit a wider beam takes room
    from the best ids, so the hit rate may fall as the beam grows."""
