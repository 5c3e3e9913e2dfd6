"""Pages of many services along one path of requests: the weights of each.

A replay asks what other funnels would bring on the very requests of a world. Each of them leaves
needs open with chances of its own, so it comes to later pages of a need with weights of its own.
They follow from its own pages by the same formulas as those of a walk (`simulator.following.walk`);
what all share is the path: which words and which page are asked for next, and when.

Weights of a path have an axis W = 2 + M: the weight itself, the weight as if no taste were carried
from page to page, and that under each of M sets of tastes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Many:
    """How X pages of each of B requests leave the need.

    Attributes:
        stays_BX: chance that the page comes before the shopper leaves.
        open_BX: of a page that is seen, chance that the need is open afterwards.
        open_BXM: the same under each set of tastes.
    """

    stays_BX: Floats
    open_BX: Floats
    open_BXM: Floats

    @classmethod
    def joined(cls, parts: "Sequence[Many]") -> "Many":
        """Several blocks below each other; there must be one."""
        names = [column.name for column in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def rows(self, rows: NDArray[np.intp]) -> "Many":
        """A selection of the requests."""
        return Many(*(getattr(self, column.name)[rows] for column in fields(self)))

    def expected(self, many_BXW: Floats, mean_BX: Floats, known_BXM: Floats) -> Floats:
        """(B, X) what pages bring, weighted.

        Args:
            many_BXW: weights of coming to the page.
            mean_BX: what a page that is seen brings on average.
            known_BXM: the same under each set of tastes.
        """
        together_BX = _covariance(many_BXW, known_BXM, mean_BX)
        return self.stays_BX * (many_BXW[..., 0] * mean_BX + together_BX)

    def after(self, many_BXW: Floats, follows_B: Floats, *, met: bool) -> Floats:
        """(B, X, W) weights of the next request, of the same need or of the next one.

        Args:
            many_BXW: weights of this one.
            follows_B: what is common to all: the chance that the shopper does not break off.
            met: whether the need is met, and the next one begins.
        """
        goes_BX = self.stays_BX * follows_B[:, None]
        weight_BX, plain_BX, sets_BXM = many_BXW[..., 0], many_BXW[..., 1], many_BXW[..., 2:]
        open_BX = weight_BX * self.open_BX + _covariance(many_BXW, self.open_BXM, self.open_BX)
        if met:
            met_BX = goes_BX * (weight_BX - open_BX)
            return np.repeat(met_BX[..., None], many_BXW.shape[2], axis=2)
        parts = (
            (goes_BX * open_BX)[..., None],
            (goes_BX * plain_BX * self.open_BX)[..., None],
            goes_BX[..., None] * sets_BXM * self.open_BXM,
        )
        return np.concatenate(parts, axis=2)


def _covariance(many_BXW: Floats, known_BXM: Floats, mean_BX: Floats) -> Floats:
    """(B, X) of the weight with something that tastes decide, over sets of tastes."""
    if not known_BXM.shape[2]:
        return np.zeros(mean_BX.shape)
    apart_BXM = many_BXW[..., 2:] - many_BXW[..., 1:2]
    return np.asarray((apart_BXM * (known_BXM - mean_BX[..., None])).mean(axis=2))
