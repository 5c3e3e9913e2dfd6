"""What a policy is asked to write, and what its answers are worth: ids of items are one such task.

Axis suffixes: B questions, G answers of a group, L levels, C rewards.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.experts import Group
from cqsid.alignment.settings import ExpertSpec
from cqsid.rewards.reward import Floats, Samples
from simulator.catalogue.catalog import Ints


class Task(Protocol):
    """Answers are rows of L codes. `asked` is a batch of B questions of whatever kind."""

    @property
    def weight_C(self) -> Floats:
        """(C,) weight of each reward."""

    def forced(self, asked: Any, levels: int, *, rng: np.random.Generator) -> Ints:
        """(B, L) the first `levels` codes of a right answer; -1: free."""

    def experts(
        self, asked: Any, spec: ExpertSpec, *, known: bool, rng: np.random.Generator
    ) -> Group:
        """Right answers that join each group as if they had been generated."""

    def parts(self, asked: Any, samples: Samples, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) each reward's own values."""

    def scaled(self, parts_CBG: Floats, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) the values scaled and clipped, not weighted; 0 in places that do not count."""

    def total(self, scaled_CBG: Floats) -> Floats:
        """(B, G) the weighted sum."""

    def levels(self, asked: Any, samples: Samples, scaled_CBG: Floats) -> Floats | None:
        """(B, G, L) weighted reward of each code; None if no reward has one."""

    def right(self, asked: Any, samples: Samples) -> NDArray[np.bool_]:
        """(B, G, L) whether all codes through this one are those of a right answer."""

    def accurate(self, asked: Any, samples: Samples) -> NDArray[np.bool_]:
        """(B, G) whether an answer is right."""
