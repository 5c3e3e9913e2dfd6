"""The parts of the requests in which true effects are told apart: by frequency and by wording."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.records.truth import Cut
from experiments.truth.searches.frequency import FREQUENCIES, frequencies
from simulator.catalogue.catalog import Ints
from simulator.protocols import Requests
from simulator.shoppers.intents import Intents, Wording
from simulator.shoppers.needs import Needs

NEW = "new"
"""Of a text that the history does not hold."""

_QUERIES = (*FREQUENCIES, NEW)
PARTS: tuple[tuple[Cut, str], ...] = (
    *(("query", name) for name in _QUERIES),
    *(("wording", each.name.lower()) for each in Wording),
)
"""Cut and name of each part, by its number."""


def asked_counts(log: Path, size: int) -> NDArray[np.int64]:
    """(size,) how often each of a world's texts was asked, by the log of its history."""
    text_R = pq.read_table(log / "requests", columns=["text"])["text"].to_numpy()
    return np.bincount(text_R, minlength=size)


class RequestSorting:
    """Sorts requests by how common their text was in the history, and by its wording.

    Args:
        intents: of the world.
        count_T: how often each of the world's texts was asked in its history.

    Attributes:
        parts: how many there are.
    """

    parts = len(PARTS)

    def __init__(self, intents: Intents, count_T: NDArray[np.int64]) -> None:
        self._intents = intents
        self._query_T = np.where(count_T > 0, frequencies(count_T), _QUERIES.index(NEW))

    def __call__(self, requests: Requests, needs: Needs) -> Ints:
        """(B, 2) frequency and wording of each request; -1: a text that words no need of its."""
        wording_B = self._intents.wordings(needs.intent_B, requests.text_B)
        wording_B = np.where(wording_B >= 0, len(_QUERIES) + wording_B, -1)
        return np.stack([self._query_T[requests.text_B], wording_B], axis=1).astype(np.int32)
