"""What a step of a run may lean on while it learns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recall.channel import Channel
from recall.judge import Judge


@dataclass(frozen=True)
class Tools:
    """Parts that were fitted earlier in the run, those that the step's settings name.

    Attributes:
        judge: grades items for texts; None where none is named.
        channels: by name, to learn from what a search finds.
    """

    judge: Judge | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)
