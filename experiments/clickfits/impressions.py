"""What was shown and clicked, page by page: all that a click model is fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ConfigError, DataError
from simulator.log.history import History, load_history

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Impressions:
    """P pages of at most K results, read from the top; pages have clicks, and at least two ranks.

    Attributes:
        pair_PK: number of what was shown, -1 below the end of a page. What counts as one and the
            same is up to whoever asks: an item, or an item for a query.
        clicked_PK: whether it was clicked.
        device_P: number of the device, from 0.
        pairs: how many pairs there are.
    """

    pair_PK: Ints
    clicked_PK: Flags
    device_P: Ints
    pairs: int

    def __len__(self) -> int:
        return len(self.pair_PK)

    @property
    def real_PK(self) -> Flags:
        """(P, K) where there is a result."""
        return np.asarray(self.pair_PK >= 0)

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return int(self.device_P.max(initial=-1)) + 1

    @classmethod
    def of(
        cls,
        page_N: NDArray[Any],
        rank_N: NDArray[np.integer],
        pair_N: NDArray[np.integer],
        clicked_N: NDArray[Any],
        device_N: NDArray[np.integer],
    ) -> "Impressions":
        """N results, in any order.

        Args:
            page_N: which page it stood on, by any key.
            rank_N: 0 at the top.
            pair_N: number of the item, or of the pair of query and item, from 0.
            clicked_N: 0 or 1.
            device_N: number of the device, from 0; one for a page.

        Raises:
            DataError: columns that do not fit together, ranks that are missing or doubled, or
                clicks from which nothing can be learned: none, or all ranks the same.
        """
        columns = {"page": page_N, "rank": rank_N, "pair": pair_N, "clicked": clicked_N}
        columns = {name: np.asarray(column) for name, column in columns.items()}
        columns["device"] = np.asarray(device_N)
        _check_columns(columns)
        at_N, pages = _numbered(columns["page"])
        row_N, slots = columns["rank"].astype(np.int64), int(columns["rank"].max()) + 1
        _check_ranks(columns["page"], at_N, row_N, pages)
        device_P = np.full(pages, -1)
        device_P[at_N] = columns["device"]
        other = np.flatnonzero(device_P[at_N] != columns["device"])
        if len(other):
            page = columns["page"][other[0]]
            raise DataError(f"device of page {page!r} == several, must be one for a page")
        pair_PK, clicked_PK = np.full((pages, slots), -1), np.zeros((pages, slots), np.bool_)
        pair_PK[at_N, row_N] = columns["pair"]
        clicked_PK[at_N, row_N] = columns["clicked"]
        found = cls(pair_PK, clicked_PK, device_P, int(columns["pair"].max()) + 1)
        found.check()
        return found

    @property
    def clicked_depth(self) -> int:
        """Ranks from the top at each of which somebody clicked, on every device that has results
        there: what all click models can learn from."""
        depth = 0
        for real_P, clicked_P in zip(self.real_PK.T, self.clicked_PK.T, strict=True):
            shown_D = np.bincount(self.device_P[real_P], minlength=self.devices)
            clicked_D = np.bincount(self.device_P[clicked_P], minlength=self.devices)
            if not ((shown_D == 0) | (clicked_D > 0)).all():
                break
            depth += 1
        return depth

    def cut(self, ranks: int) -> "Impressions":
        """The pages as far as these ranks; pairs keep their numbers."""
        return Impressions(
            self.pair_PK[:, :ranks], self.clicked_PK[:, :ranks], self.device_P, self.pairs
        )

    def check(self) -> None:
        """Refuse clicks from which nothing can be learned.

        Raises:
            DataError: there is none, or all stood at one rank.
        """
        if not self.clicked_PK.any():
            raise DataError(f"clicks == 0 of {len(self)} pages, must be > 0 to fit a click model")
        if not self.real_PK[:, 1:].any():
            raise DataError(
                "ranks == 1, must be >= 2: of one rank alone, looking cannot be told from liking"
            )

    def rows(self, rows: Flags | NDArray[np.intp]) -> "Impressions":
        """Some of the pages; pairs keep their numbers."""
        return Impressions(
            self.pair_PK[rows], self.clicked_PK[rows], self.device_P[rows], self.pairs
        )

    def split(
        self, held_out: float, *, rng: np.random.Generator
    ) -> tuple["Impressions", "Impressions"]:
        """Pages to learn from, and pages held out, drawn by whole pages.

        Args:
            held_out: share of the pages that are held out.
            rng: draws them.

        Raises:
            ConfigError: the share is not between 0 and 1.
            DataError: pages to learn from have no clicks or one rank, or none is held out.
        """
        if not 0 < held_out < 1:
            raise ConfigError(f"held_out == {held_out}, must be > 0 and < 1 (share of pages)")
        out_P = rng.random(len(self)) < held_out
        if not out_P.any():
            raise DataError(f"pages held out == 0 of {len(self)}, must be > 0: there are too few")
        learnt = self.rows(~out_P)
        learnt.check()
        return learnt, self.rows(out_P)

    def per_pair(self, values_PK: NDArray[np.float64]) -> NDArray[np.float64]:
        """(pairs,) sums of values over the results of each pair."""
        real_PK = self.real_PK
        return np.bincount(self.pair_PK[real_PK], values_PK[real_PK], self.pairs).astype(float)

    def per_device(self, values_P: NDArray[np.float64], devices: int) -> NDArray[np.float64]:
        """(devices,) sums of values over the pages of each device."""
        return np.bincount(self.device_P, values_P, devices).astype(float)

    def of_pairs(self, values_A: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P, K) values of pairs where these stand, 0 where none does."""
        return np.where(self.real_PK, values_A[self.pair_PK], 0.0)


def impressions_of(log: Path, *, by: str = "query and item", slots: int = 63) -> Impressions:
    """The pages of a run's log that their shoppers waited for, ranks counted on each page.

    Args:
        log: the folder of a log.
        by: "query and item", or "item": what attracts by itself.
        slots: ranks below are left out.

    Raises:
        ConfigError: another `by`, or fewer than two slots.
        DataError: no whole log, or nothing can be learned from it.
    """
    return impressions_of_logs([log], by=by, slots=slots)[0].impressions


@dataclass(frozen=True)
class LogPages:
    """The pages of one log, and of whom they are.

    Attributes:
        impressions: the pages.
        request_P: their requests.
        shopper_P: who saw them.
    """

    impressions: Impressions
    request_P: Ints
    shopper_P: Ints

    def rows(self, rows: Flags | NDArray[np.intp]) -> "LogPages":
        """Some of the pages."""
        return LogPages(self.impressions.rows(rows), self.request_P[rows], self.shopper_P[rows])


def impressions_of_logs(
    logs: Sequence[Path], *, by: str = "query and item", slots: int = 63
) -> list[LogPages]:
    """The same of several logs of one catalogue and its texts: pairs have one number in all.

    Raises:
        ConfigError, DataError: as `impressions_of`.
    """
    if by not in ("query and item", "item"):
        raise ConfigError(f"by == {by!r}, must be 'query and item' or 'item'")
    if slots < 2:
        raise ConfigError(f"slots == {slots}, must be >= 2 (ranks)")
    shown = [_shown(load_history(log), by, slots) for log in logs]
    pair_N = np.unique(np.concatenate([each.key_X for each in shown]), return_inverse=True)[1]
    pairs = int(pair_N.max(initial=-1)) + 1
    ends = np.cumsum([len(each.key_X) for each in shown])
    found = []
    for each, pair_X in zip(shown, np.split(pair_N, ends[:-1]), strict=True):
        pages = Impressions.of(each.row_X, each.rank_X, pair_X, each.clicked_X, each.device_X)
        found.append(LogPages(replace(pages, pairs=pairs), each.request_P, each.shopper_P))
    return found


@dataclass(frozen=True)
class _Shown:
    """Results of one log in the order of pages and ranks, with keys of their pairs."""

    row_X: Ints
    rank_X: Ints
    key_X: Ints
    clicked_X: Flags
    device_X: Ints
    request_P: Ints
    shopper_P: Ints


def _shown(history: History, by: str, slots: int) -> _Shown:
    order_X = np.lexsort((history.position_X, history.row_X))
    row_X, item_X = history.row_X[order_X], history.item_X[order_X].astype(np.int64)
    begins_X = np.flatnonzero(np.diff(row_X, prepend=-1))
    lengths = np.diff(begins_X, append=len(row_X))
    rank_X = np.arange(len(row_X)) - np.repeat(begins_X, lengths)
    key_X = item_X
    if by == "query and item":
        key_X = history.text_R[row_X].astype(np.int64) << 32 | item_X
    kept_X = rank_X < slots
    row_P = row_X[begins_X]
    return _Shown(
        row_X=row_X[kept_X].astype(np.int64),
        rank_X=rank_X[kept_X].astype(np.int64),
        key_X=key_X[kept_X],
        clicked_X=history.clicked_X[order_X][kept_X],
        device_X=history.device_R[row_X][kept_X].astype(np.int64),
        request_P=history.request_R[row_P],
        shopper_P=history.shopper_R[row_P],
    )


def _numbered(page_N: NDArray[Any]) -> tuple[Ints, int]:
    """Pages numbered by their keys."""
    keys, at_N = np.unique(page_N, return_inverse=True)
    return at_N.astype(np.int64), len(keys)


def _check_columns(columns: dict[str, NDArray[Any]]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"rows of columns == {lengths}, must be as many of each")
    if not lengths["page"]:
        raise DataError("results == 0, must be > 0 to fit a click model")
    for name in ("rank", "pair", "device"):
        column = columns[name]
        if not np.issubdtype(column.dtype, np.integer):
            raise DataError(f"{name} == {column.dtype} numbers, must be whole ones")
        if column.min() < 0:
            raise DataError(f"{name} == {column.min()}, must be >= 0")
    strange = set(np.unique(columns["clicked"]).tolist()) - {0, 1}
    if strange:
        raise DataError(f"clicked == {min(strange)}, must be 0 or 1")


def _check_ranks(page_N: NDArray[Any], at_N: Ints, rank_N: Ints, pages: int) -> None:
    """Refuse pages that have a rank twice, or a result below a rank that they lack."""
    length_P, deepest_P = np.bincount(at_N, minlength=pages), np.zeros(pages, np.int64)
    np.maximum.at(deepest_P, at_N, rank_N)
    order_N = np.lexsort((rank_N, at_N))
    same_N = (np.diff(at_N[order_N]) == 0) & (np.diff(rank_N[order_N]) == 0)
    if same_N.any():
        at = order_N[np.flatnonzero(same_N)[0]]
        raise DataError(f"rank {rank_N[at]} of page {page_N[at]!r} == twice, must be there once")
    short = np.flatnonzero(length_P != deepest_P + 1)
    if len(short):
        row = np.flatnonzero(at_N == short[0])
        missing = min(set(range(int(deepest_P[short[0]]))) - set(rank_N[row].tolist()))
        raise DataError(
            f"rank {missing} of page {page_N[row[0]]!r} == missing, must be there: what stood above"
            " a result decides whether it was looked at"
        )
