"""How sure a guess of a missing value is, learned from what models say of cells of other items.

A guess is right where the item has a value of the attribute and it is the guessed one:

    P(right | missing) = P(there | missing) P(right | there)

A shop is taken to publish a share c of the values that are there, whichever they are. Then guesses
are as often right in missing cells that have a value as in published ones, and of missing cells of
a score, published / c - published have a value. The share c is read off the surest guesses: of
values beyond doubt, those are missing that are not published (Elkan and Noto, KDD 2008, learn so
from positives alone). Published values that are wrong make guesses look a little less sure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recall.understanding.fillers.calibration import Doubles, Rising, fit_logistic, fit_rising

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sureness:
    """Chances of guesses.

    Attributes:
        weight_S: of the signs that a guess is right; their sum is its score.
        told: share of published cells by score.
        right: share of right guesses among the published, by score.
        published: share of values that the shop publishes.
    """

    weight_S: Doubles
    told: Rising
    right: Rising
    published: float

    @staticmethod
    def of(signs_FS: Doubles, told_F: Flags, same_F: Flags) -> "Sureness":
        """From cells that a model has not learned from.

        Args:
            signs_FS: what tells that a guess is right, a constant among it.
            told_F: whether the cell is published.
            same_F: whether the guess is what is published.
        """
        right_F = told_F & same_F
        weight_S = fit_logistic(signs_FS, right_F)
        score_F = signs_FS @ weight_S
        return Sureness(
            weight_S,
            fit_rising(score_F, told_F),
            fit_rising(score_F[told_F], right_F[told_F]),
            published_share(score_F, told_F, right_F),
        )

    def __call__(self, signs_FS: Doubles) -> Doubles:
        """(F,) chance that guesses of missing cells are right."""
        score_F = signs_FS @ self.weight_S
        return chance_there(self.told(score_F), self.published) * self.right(score_F)


def published_share(score_F: Doubles, told_F: Flags, right_F: Flags) -> float:
    """The share of values that a shop publishes, from the cells whose value is beyond doubt.

    Args:
        score_F: how sure a guess is. The surest have at least the median score of the right ones.
        told_F: which cells are published.
        right_F: which are published and rightly guessed.
    """
    if not right_F.any():
        return 1.0
    return float(told_F[score_F >= np.median(score_F[right_F])].mean())


def chance_there(told_F: Doubles, published: float) -> Doubles:
    """(F,) chance that an item has a value of the attribute though none is published.

    Args:
        told_F: share of published cells among those of a score.
        published: share of values that the shop publishes.
    """
    odds_F = told_F / np.maximum(1 - told_F, 1e-9)
    return np.minimum(odds_F * (1 - published) / max(published, 1e-9), 1.0)
