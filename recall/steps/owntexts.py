"""The texts that a log holds requests of, and where they stand among the texts of a world."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.log.history import History
from simulator.protocols import Requests


def asked_texts(history: History) -> tuple[tuple[str, ...], NDArray[np.int64], Ints]:
    """The texts that a log holds requests of, in the order of the alphabet.

    So what is learned of them does not depend on which texts exist that nobody has asked.

    Returns:
        T texts, how many requests each has, and the text of each request as a row of them.
    """
    number_U, row_R, times_U = np.unique(history.text_R, return_inverse=True, return_counts=True)
    texts = [history.texts[number] for number in number_U.tolist()]
    order_T = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
    place_U = np.empty(len(texts), np.int32)
    place_U[order_T] = np.arange(len(texts))
    return tuple(texts[row] for row in order_T), times_U[order_T], place_U[row_R]


class OwnTexts:
    """T texts of a step's own, found by their words among the texts of whoever asks.

    Args:
        texts: distinct.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._asked: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def __getstate__(self) -> tuple[str, ...]:
        """The texts, without what is known of the texts of one world."""
        return self.texts

    def __setstate__(self, texts: tuple[str, ...]) -> None:
        self.texts, self._asked = texts, None

    def rows(self, requests: Requests) -> Ints:
        """(B,) the rows of the requests' texts; -1 where it has no such text, or none was asked."""
        self._learn(requests.texts)
        row_B = np.full(len(requests), -1, np.int32)
        asked_B = requests.text_B >= 0
        row_B[asked_B] = self._row_A[requests.text_B[asked_B]]
        return row_B

    def known(self, requests: Requests) -> tuple[str, ...]:
        """The requests' texts with those behind them that are missing there, made once a world."""
        self._learn(requests.texts)
        return self._known

    def places(self, requests: Requests, row_BK: Ints) -> Ints:
        """Rows as places in `known`; -1 stays."""
        self._learn(requests.texts)
        if not self.texts:
            return np.full(row_BK.shape, -1, np.int32)
        return np.where(row_BK >= 0, self._place_T[row_BK], np.int32(-1))

    def _learn(self, asked: tuple[str, ...]) -> None:
        """Where the texts of a world stand here, and the other way round."""
        if self._asked is asked:
            return
        row_of = {text: row for row, text in enumerate(self.texts)}
        self._row_A = np.fromiter((row_of.get(text, -1) for text in asked), np.int32, len(asked))
        place_of: dict[str, int] = {}
        for place, text in enumerate(asked):
            place_of.setdefault(text, place)
        new = tuple(text for text in self.texts if text not in place_of)
        place_of |= {text: len(asked) + number for number, text in enumerate(new)}
        places = (place_of[text] for text in self.texts)
        self._place_T = np.fromiter(places, np.int32, len(self.texts))
        self._asked, self._known = asked, asked + new if new else asked
