"""Semantic ids: which codes stand for which item, and the table from ids back to items."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.errors import DataError

_LARGEST = 2**62  # an id packed into an int64 must stay below


@dataclass(frozen=True)
class SemanticIds:
    """The semantic ids of I items: L codes each, several items may share an id.

    Attributes:
        codes_IL: (I, L) int32, code l of an item in 0..sizes[l]-1; a row of -1: no id yet.
        sizes: how many codes each level has.

    Raises:
        DataError: a code outside its level, an item with some codes only, or levels too large.
    """

    codes_IL: Ints
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        codes_IL, levels = self.codes_IL, len(self.sizes)
        if codes_IL.ndim != 2 or codes_IL.shape[1] != levels or not levels:
            raise DataError(f"codes_IL.shape == {codes_IL.shape}, must be (items, {levels})")
        if codes_IL.dtype != np.int32:
            raise DataError(f"codes_IL.dtype == {codes_IL.dtype}, must be int32")
        if min(self.sizes) < 1 or np.prod([float(size) for size in self.sizes]) >= _LARGEST:
            raise DataError(f"sizes == {self.sizes}, must be >= 1 and multiply to below 2**62")
        sizes_L = np.array(self.sizes)
        wrong_IL = (codes_IL >= sizes_L) | (codes_IL < -1)
        wrong_IL |= (codes_IL < 0) & (codes_IL >= 0).any(axis=1, keepdims=True)
        if wrong_IL.any():
            item, level = (int(at[0]) for at in np.nonzero(wrong_IL))
            raise DataError(
                f"codes_IL[{item}, {level}] == {codes_IL[item, level]}, "
                f"must be 0 to {self.sizes[level] - 1}, or -1 in the whole row"
            )

    def __len__(self) -> int:
        return len(self.codes_IL)

    @property
    def levels(self) -> int:
        """L, the length of an id."""
        return len(self.sizes)

    @cached_property
    def key_I(self) -> NDArray[np.int64]:
        """(I,) each id as one number, sorted as the ids are; -1 for an item without an id."""
        return np.where(self.codes_IL[:, 0] >= 0, pack(self.codes_IL, self.sizes), -1)

    @cached_property
    def sids_SL(self) -> Ints:
        """(S, L) the distinct ids in use, in lexicographic order."""
        keys = np.unique(self.key_I)
        return unpack(keys[keys >= 0], self.sizes)

    @cached_property
    def sid_I(self) -> Ints:
        """(I,) row of each item's id in `sids_SL`; -1 for an item without an id."""
        keys = np.unique(self.key_I)
        rows = np.searchsorted(keys[keys >= 0], self.key_I).astype(np.int32)
        return np.where(self.key_I >= 0, rows, np.int32(-1))

    def among(self, kept_I: NDArray[np.bool_]) -> "SemanticIds":
        """The same table in which only the kept items have ids."""
        return SemanticIds(np.where(kept_I[:, None], self.codes_IL, np.int32(-1)), self.sizes)

    def check(self, n_items: int, place: str = "ids") -> None:
        """Refuse a table that is not of this catalogue.

        Raises:
            DataError: the catalogue has another number of items.
        """
        if len(self) != n_items:
            raise DataError(f"{place}: {len(self)} items, must be {n_items} as the catalogue")

    def save(self, path: Path) -> None:
        """Write the table as .npz."""
        with path.open("wb") as stream:
            np.savez_compressed(stream, codes_IL=self.codes_IL, sizes=np.array(self.sizes))

    @staticmethod
    def load(path: Path) -> "SemanticIds":
        """Read a table that `save` wrote.

        Raises:
            DataError: no such file, or not such a table.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                sizes = tuple(int(size) for size in stored["sizes"])
                return SemanticIds(stored["codes_IL"], sizes)
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise DataError(f"{path} == unreadable ({error}), must be an id table") from error


def pack(codes_NL: Ints, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """(N,) ids as numbers: mixed radix, most significant level first."""
    keys = np.zeros(len(codes_NL), np.int64)
    for level, size in enumerate(sizes):
        keys = keys * size + codes_NL[:, level]
    return keys


def unpack(keys: NDArray[np.int64], sizes: tuple[int, ...]) -> Ints:
    """(N, L) the codes of packed ids."""
    codes_NL = np.empty((len(keys), len(sizes)), np.int32)
    rest = keys
    for level in range(len(sizes) - 1, -1, -1):
        rest, codes_NL[:, level] = np.divmod(rest, sizes[level])
    return codes_NL
