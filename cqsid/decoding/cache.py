"""Answers of the generator, remembered while the legal ids stay the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.prompts import Prompts
from simulator.catalogue.catalog import Ints

Answers = tuple[Ints, NDArray[np.float32]]
Compute = Callable[[Prompts, NDArray[np.bool_] | None], Answers]


class AnswerCache:
    """Beams by prompt. An answer is a function of the prompt and of the first codes allowed.

    Equal prompts of one batch are answered once even if nothing is remembered. Kept empty.

    Args:
        capacity: prompts remembered at most; when a batch would pass it, all are forgotten first.

    Attributes:
        asked, computed: prompts that came in, and those that the model had to answer.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.asked = self.computed = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything, as one must when the legal ids change."""
        self._row_of: dict[bytes, int] = {}
        self._sids: Any = None
        self._scores: Any = None

    def __getstate__(self) -> int:
        return self._capacity

    def __setstate__(self, capacity: int) -> None:
        self.__init__(capacity)  # type: ignore[misc]

    def __call__(
        self, prompts: Prompts, compute: Compute, first_BK: NDArray[np.bool_] | None = None
    ) -> Answers:
        """One row for each prompt.

        Args:
            prompts: all of one width.
            compute: answers distinct prompts, one row each, under their first codes.
            first_BK: first codes that each answer may have; None: all.
        """
        first_U, place_B, keys = _distinct(prompts, first_BK)
        row_U = np.array([self._row_of.get(key, -1) for key in keys], np.int64)
        new_U = row_U < 0
        if len(self._row_of) + int(new_U.sum()) > self._capacity:
            self.clear()
            new_U[:] = True
        self.asked += len(prompts)
        self.computed += int(new_U.sum())
        if new_U.any() or self._sids is None:
            row_U[new_U] = len(self._row_of) + np.arange(int(new_U.sum()))
            rows = first_U[new_U]
            allowed_UK = None if first_BK is None else first_BK[rows]
            self._append(compute(prompts.rows(rows), allowed_UK))
            fresh = zip(keys, row_U, new_U, strict=True)
            self._row_of.update((key, int(row)) for key, row, new in fresh if new)
        row_B = row_U[place_B]
        found = self._sids[row_B], self._scores[row_B]
        if len(self._row_of) > self._capacity:  # a batch larger than what may be remembered
            self.clear()
        return found

    def _append(self, fresh: Answers) -> None:
        size, (sid_UN, scores_UN) = len(self._row_of), fresh
        self._sids = _room(self._sids, size, sid_UN)
        self._scores = _room(self._scores, size, scores_UN)


def _distinct(
    prompts: Prompts, first_BK: NDArray[np.bool_] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[bytes]]:
    """First row of each distinct question, the distinct question of each row, and keys."""
    rows_BT = np.ascontiguousarray(prompts.tokens_BT)
    if prompts.prefix is not None:
        rows_BT = np.hstack([rows_BT, prompts.prefix.bits()])
    if first_BK is not None:
        rows_BT = np.hstack([rows_BT, first_BK.astype(rows_BT.dtype)])
    packed_B = rows_BT.view(np.dtype((np.void, rows_BT.shape[1] * rows_BT.itemsize))).ravel()
    _, first_U, place_B = np.unique(packed_B, return_index=True, return_inverse=True)
    return first_U, place_B, [packed_B[row].tobytes() for row in first_U]


def _room(column: Any, size: int, fresh: Any) -> Any:
    """The column with `fresh` after its first `size` rows, enlarged where there is no room."""
    if column is None:
        return fresh.copy()
    if size + len(fresh) > len(column):
        longer = np.empty((2 * (size + len(fresh)), *column.shape[1:]), column.dtype)
        longer[:size] = column[:size]
        column = longer
    column[size : size + len(fresh)] = fresh
    return column
