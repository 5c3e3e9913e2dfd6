"""A group: the ids that one request's advantage is computed over."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.rewards.reward import Samples
from simulator.catalog import Ints


@dataclass(frozen=True)
class Group:
    """G ids for each of B requests.

    Attributes:
        samples: the ids.
        expert_BG: injected ground truth, not generated.
        valid_BG: False for a place that is empty (a request with fewer experts): it has no reward,
            no advantage and no loss. Its codes are legal, so that they can be computed with.
        free_BGL: codes to learn from; False for codes that were forced (guided replay).
        propensity_BG: known probability that the log held an expert; 1 where it is not known.
    """

    samples: Samples
    expert_BG: NDArray[np.bool_]
    valid_BG: NDArray[np.bool_]
    free_BGL: NDArray[np.bool_]
    propensity_BG: NDArray[np.float32]

    def take(self, place_BG: NDArray[np.integer]) -> "Group":
        """Some places of each request's group."""

        def taken(column: NDArray) -> NDArray:  # type: ignore[type-arg]
            at = place_BG[:, :, None] if column.ndim == 3 else place_BG
            return np.take_along_axis(column, at, axis=1)

        codes_BGL: Ints = taken(self.samples.codes_BGL)
        return Group(
            Samples(codes_BGL, taken(self.samples.sid_BG)),
            taken(self.expert_BG),
            taken(self.valid_BG),
            taken(self.free_BGL),
            taken(self.propensity_BG),
        )
