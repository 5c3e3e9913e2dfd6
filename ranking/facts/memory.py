"""What became of items shown for a query before, against what is usual at their places.

Clicks over expected clicks: an exposure is expected to be clicked as often as any at its place on
a page of its device, so an item that was shown low is not held to be bad (Zhang and Jones,
"Comparing click logs and editorial labels for training query rewriting", workshop on query log
analysis, WWW 2007). Counts are few, so each ratio starts from as much of what is usual.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.texts.cache import TextCache
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Requests

Floats = NDArray[np.float32]

_USUAL = 2.0  # expected clicks that a ratio starts from
_POSITIONS = 60  # that are told apart
_DEVICES = 2

Ratios = tuple[NDArray[np.int64], Ints, Floats]
"""Start of each text's entries, their items or categories ascending, and their log ratios."""


@njit(cache=True, nogil=True)
def _find(start: Any, end: Any, key_E: Any, value_E: Any, key: Any) -> Any:  # pragma: no cover
    while start < end:
        middle = (start + end) // 2
        if key_E[middle] < key:
            start = middle + 1
        elif key_E[middle] > key:
            end = middle
        else:
            return value_E[middle]
    return np.float32(0.0)


@njit(cache=True, nogil=True)
def _recall(
    out_2BN: Any,
    items_BN: Any,
    row_B: Any,
    items: Any,
    categories: Any,
    category_I: Any,
) -> None:  # pragma: no cover
    for b in range(items_BN.shape[0]):
        row = row_B[b]
        if row < 0:
            continue
        for n in range(items_BN.shape[1]):
            item = items_BN[b, n]
            if item < 0:
                continue
            start, end = items[0][row], items[0][row + 1]
            out_2BN[0, b, n] = _find(start, end, items[1], items[2], item)
            if category_I[item] >= 0:
                start, end = categories[0][row], categories[0][row + 1]
                found = _find(start, end, categories[1], categories[2], category_I[item])
                out_2BN[1, b, n] = found


class QueryMemory:
    """Log ratios of clicks to expected clicks by text and item, text and category, and item.

    0 is as usual; so are a text, an item or a pair that nobody has seen.

    Attributes:
        clicks_I: (I,) log ratio of each item, over all queries.
    """

    def __init__(self, catalog: Catalog, history: History) -> None:
        size, kinds = len(catalog), max(len(catalog.categories), 1)
        text_X = history.text_R[history.row_X].astype(np.int64)
        clicked_X = history.clicked_X.astype(np.float64)
        expected_X = _expected(history)
        item_X = history.item_X.astype(np.int64)
        category_X = catalog.category_I[item_X].astype(np.int64)
        seen, text_X = _numbered(text_X, len(history.texts))
        self._row = {history.texts[text]: row for row, text in enumerate(seen.tolist())}
        rows = len(seen)
        self._items = _ratios(text_X, item_X, clicked_X, expected_X, rows, size)
        of = category_X >= 0
        self._categories = _ratios(
            text_X[of], category_X[of], clicked_X[of], expected_X[of], rows, kinds
        )
        clicks_I = _sums(item_X, clicked_X, size)
        self.clicks_I = _log_ratio(clicks_I, _sums(item_X, expected_X, size))
        self._clicks_M = np.log1p(_sums(text_X, clicked_X, rows)).astype(np.float32)
        self._category_I = catalog.category_I
        self._rows = TextCache()

    def __call__(self, requests: Requests, items_BN: Ints) -> tuple[Floats, Floats, Floats]:
        """What is remembered of each pair.

        Returns:
            (B, N) log ratio of the item for the text; (B, N) the same of its category; (B,) see
            `clicks`.
        """
        (row_B,) = self._rows(requests, self._known)
        out_2BN = np.zeros((2, *items_BN.shape), np.float32)
        _recall(out_2BN, items_BN, row_B, self._items, self._categories, self._category_I)
        return out_2BN[0], out_2BN[1], self.clicks(requests)

    def clicks(self, requests: Requests) -> Floats:
        """(B,) log of 1 + clicks on anything for the text."""
        (row_B,) = self._rows(requests, self._known)
        return np.append(self._clicks_M, np.float32(0))[row_B]  # row -1 is the appended one

    def _known(self, texts: list[str]) -> tuple[NDArray[np.int64]]:
        """The row of each text; -1 for one that was never asked."""
        return (np.array([self._row.get(text, -1) for text in texts], np.int64),)


def _expected(history: History) -> NDArray[np.float64]:
    """(X,) how often exposures at that place of a page, on that device, are clicked."""
    first_R = np.full(len(history.at_R), np.iinfo(np.int64).max)
    np.minimum.at(first_R, history.row_X, history.position_X)
    slot_X = history.position_X - first_R[history.row_X]
    position_X = np.minimum(slot_X, _POSITIONS - 1)
    place_X = history.device_R[history.row_X] * _POSITIONS + position_X
    shown_V = np.bincount(place_X, minlength=_DEVICES * _POSITIONS)
    clicked_V = np.bincount(place_X, history.clicked_X, minlength=_DEVICES * _POSITIONS)
    return np.asarray((clicked_V / np.maximum(shown_V, 1))[place_X])


def _numbered(key_X: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys below a size that occur, ascending, and the place of each among them."""
    occurs_K = np.zeros(size, np.bool_)
    occurs_K[key_X] = True
    return np.flatnonzero(occurs_K), (np.cumsum(occurs_K) - 1)[key_X]


def _sums(key_X: NDArray[np.int64], value_X: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(key_X, value_X, minlength=size), np.float64)


def _log_ratio(clicks: NDArray[np.float64], expected: NDArray[np.float64]) -> Floats:
    return np.log((clicks + _USUAL) / (expected + _USUAL)).astype(np.float32)


def _ratios(
    text_X: NDArray[np.int64],
    key_X: NDArray[np.int64],
    clicked_X: NDArray[np.float64],
    expected_X: NDArray[np.float64],
    rows: int,
    keys: int,
) -> Ratios:
    pair_E, entry_X = np.unique(text_X * keys + key_X, return_inverse=True)
    clicks_E = _sums(entry_X, clicked_X, len(pair_E))
    ratio_E = _log_ratio(clicks_E, _sums(entry_X, expected_X, len(pair_E)))
    start_M = np.searchsorted(pair_E // keys, np.arange(rows + 1)).astype(np.int64)
    return start_M, (pair_E % keys).astype(np.int32), ratio_E
