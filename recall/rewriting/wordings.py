"""A table of wordings: texts that a log holds, and what may stand in the place of each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recall.rewriting.rewriter import Rewrites
from recall.steps.owntexts import OwnTexts
from simulator.catalogue.catalog import Ints
from simulator.protocols import Requests


class Wordings:
    """Looks wordings up. A text that is not in the table has none.

    Args:
        texts: T distinct texts.
        other_TR: of each, rows of other texts, distinct, best first, -1 padded on the right.
        scores_TR: in (0, 1], non-increasing; 0 on padding.
    """

    def __init__(
        self, texts: Sequence[str], other_TR: Ints, scores_TR: NDArray[np.float32]
    ) -> None:
        self.own = OwnTexts(texts)
        self.other_TR = other_TR
        self.scores_TR = scores_TR

    @property
    def texts(self) -> tuple[str, ...]:
        """Those of the table."""
        return self.own.texts

    def __call__(self, requests: Requests, most: int) -> Rewrites:
        """The first `most` wordings of each request's text."""
        if not self.texts:
            return Rewrites.none(requests)
        row_B = self.own.rows(requests)
        other_BR = np.where(row_B[:, None] >= 0, self.other_TR[row_B, :most], np.int32(-1))
        scores_BR = np.where(other_BR >= 0, self.scores_TR[row_B, :most], np.float32(0))
        return Rewrites(self.own.places(requests, other_BR), scores_BR, self.own.known(requests))
