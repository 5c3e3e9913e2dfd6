"""What a log tells of a text and the pieces of items: those of clicked items against skipped ones.

After EBRM (arXiv 2307.00370), which is pre-trained with pairs of a query and an entity out of logs.
How these are made is not public. Here a click prefers its item to one that was shown and skipped,
above it or right below it, where shoppers are known to look (Joachims et al., "Accurately
interpreting clickthrough data as implicit feedback", SIGIR 2005). It prefers the entities that one
has and the other lacks, each to one of the same type.

Axis suffixes: X exposures, C draws of a clicked and a skipped exposure, J preferences.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.judges.logistic import MOST_WEIGHT
from simulator.catalogue.catalog import Ints
from simulator.log.history import History

_SKIPPED = 4  # draws of a skipped item for each click
_MOST_DRAWS = 100_000


@dataclass(frozen=True)
class Preferences:
    """J times a text was better served by one piece of an item than by another.

    Attributes:
        texts: what `text_J` points into.
        text_J: the texts.
        better_J, worse_J: the pieces.
        better_item_J, worse_item_J: the items whose pieces they are.
        weight_J: inverse chance that both items were shown, bounded; 1 on average.
    """

    texts: tuple[str, ...]
    text_J: Ints
    better_J: Ints
    worse_J: Ints
    better_item_J: Ints
    worse_item_J: Ints
    weight_J: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.text_J)


def preferences(piece_IM: Ints, history: History, rng: np.random.Generator) -> Preferences:
    """Those of a log.

    Args:
        piece_IM: pieces of the items, by type; -1 where one is missing.
        history: the log.
        rng: which skipped items are drawn.
    """
    clicked_C, skipped_C = _drawn(history, rng)
    item_C, other_C = history.item_X[clicked_C], history.item_X[skipped_C]
    better_CM, worse_CM = piece_IM[item_C], piece_IM[other_C]
    apart_CM = (better_CM >= 0) & (worse_CM >= 0)
    apart_CM &= (better_CM[:, :, None] != worse_CM[:, None, :]).all(axis=2)
    apart_CM &= (worse_CM[:, :, None] != better_CM[:, None, :]).all(axis=2)
    draw_J, slot_J = np.nonzero(apart_CM)
    chance_X = history.propensity_X.astype(np.float64)
    inverse_C = 1 / (chance_X[clicked_C] * chance_X[skipped_C])
    weight_J = np.minimum(inverse_C, MOST_WEIGHT)[draw_J]
    return Preferences(
        texts=history.texts,
        text_J=history.text_R[history.row_X[clicked_C]][draw_J],
        better_J=better_CM[draw_J, slot_J],
        worse_J=worse_CM[draw_J, slot_J],
        better_item_J=item_C[draw_J],
        worse_item_J=other_C[draw_J],
        weight_J=(weight_J / max(weight_J.sum(), 1e-12) * len(weight_J)).astype(np.float32),
    )


def _drawn(history: History, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(C,) clicked exposures, each several times, and skipped ones of their pages."""
    order_X = np.lexsort((history.position_X, history.row_X))
    row_X, clicked_X = history.row_X[order_X], history.clicked_X[order_X]
    skipped = np.flatnonzero(~clicked_X)
    before_X = np.concatenate([[0], np.cumsum(~clicked_X)])  # skipped before each, and in all
    place_C = np.repeat(np.flatnonzero(clicked_X), _SKIPPED)
    if len(place_C) > _MOST_DRAWS:
        place_C = np.sort(rng.choice(place_C, _MOST_DRAWS, replace=False))
    low_C = before_X[np.searchsorted(row_X, row_X[place_C])]
    last_C = np.searchsorted(row_X, row_X[place_C], side="right")
    seen_C = before_X[np.minimum(place_C + 2, last_C)] - low_C
    place_C, low_C, seen_C = (each[seen_C > 0] for each in (place_C, low_C, seen_C))
    chosen_C = skipped[low_C + rng.integers(0, seen_C)]
    return order_X[place_C], order_X[chosen_C]
