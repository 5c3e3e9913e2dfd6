"""The protocol of a logger, and which training it is told of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Training:
    """Which training is logged.

    Attributes:
        name: of what is trained, such as a policy and its seed; "" where it has none.
        folder: for files of the logger's own; it need not be there yet.
        taken: steps that an earlier attempt has taken. Later ones are told once more, as they are
            taken now.
    """

    name: str
    folder: Path
    taken: int = 0


class RunLogger(Protocol):
    """Keeps the figures of one training. It is made with a `Training`."""

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Keep some figures.

        Args:
            scalars: numbers by tag, such as "train/reward".
            step: steps taken, 0 for a model before its first; they never fall.
        """

    def close(self) -> None:
        """The training has ended, or was cut off: write what is left."""
