"""Prompts as rows of tokens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalog import Ints


@dataclass(frozen=True)
class Prompts:
    """B prompts of up to T tokens, each ending with the answer mark.

    Attributes:
        tokens_BT: int32, padded on the right.
        length_B: tokens of each prompt.
    """

    tokens_BT: Ints
    length_B: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tokens_BT)

    def rows(self, rows: NDArray[np.integer] | slice) -> "Prompts":
        """Some of the prompts, at the same width."""
        return Prompts(self.tokens_BT[rows], self.length_B[rows])

    def trimmed(self) -> "Prompts":
        """Without the columns that are padding in every row: for training, where width is work."""
        return Prompts(self.tokens_BT[:, : int(self.length_B.max(initial=0))], self.length_B)
