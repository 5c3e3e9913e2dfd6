"""The shop's snapshots of a world that is over, kept so that its twin can read them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator.errors import DataError
from simulator.protocols import Index, ItemStatistics

_COUNTS = ("exposures_I", "clicks_I", "orders_I")


class SnapshotWriter:
    """Writes what one arm reads of each snapshot that differs between twins.

    Prices do not: they are the same in all worlds of one luck.

    Args:
        folder: an existing one; a file for each refresh goes into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 0
        self._last: ItemStatistics | None = None

    def write(self, index: Index, arm: int) -> None:
        """The next refresh; statistics are only written where they are new."""
        statistics = index.statistics_of(arm)
        new = {} if statistics is self._last else {n: getattr(statistics, n) for n in _COUNTS}
        with _path(self.folder, self._written).open("wb") as stream:
            packed = np.packbits(index.available_I)
            np.savez(stream, allow_pickle=False, at=index.at, available=packed, **new)
        self._last = statistics
        self._written += 1


class SnapshotReader:
    """Reads the snapshots of a twin in the order in which they were written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = 0
        self._statistics: tuple[ItemStatistics, ...] = ()

    def read(self, own: Index) -> Index:
        """The twin's snapshot of the next refresh, with the arm's statistics as the only ones.

        Args:
            own: the reader's snapshot of the same refresh.

        Raises:
            DataError: the twin has none of that moment.
        """
        path = _path(self.folder, self._read)
        if not path.is_file():
            raise DataError(f"{path} == absent, must be a snapshot of the twin at {own.at:g} s")
        with np.load(path, allow_pickle=False) as arrays:
            if float(arrays["at"]) != own.at:
                raise DataError(f"{path}: at == {float(arrays['at']):g}, must be {own.at:g} (s)")
            bits_I = np.unpackbits(arrays["available"], count=len(own.available_I))
            if _COUNTS[0] in arrays:
                self._statistics = (ItemStatistics(*(arrays[name] for name in _COUNTS)),)
        self._read += 1
        return replace(own, available_I=bits_I.astype(np.bool_), statistics=self._statistics)


def same_index(one: Index, other: Index) -> bool:
    """Whether a funnel would read the same in both, each with the statistics of one arm."""
    (mine,), (theirs,) = one.statistics, other.statistics
    return np.array_equal(one.available_I, other.available_I) and all(
        np.array_equal(getattr(mine, name), getattr(theirs, name)) for name in _COUNTS
    )


def _path(folder: Path, number: int) -> Path:
    return folder / f"refresh-{number:05d}.npz"
