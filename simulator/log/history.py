"""The log as models may read it: a past log's public columns, joined and in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.errors import DataError
from simulator.log.tables import TYPES
from simulator.protocols import EARLIER, REQUEST_BITS, Requests


@dataclass(frozen=True)
class History:
    """A past log as models may see it: R requests with X exposures and O orders.

    Attributes:
        texts: every query text of the log.
        channels: channel names, in the order of the provenance bits.
        request_R: request id, int64, ascending.
        shopper_R, text_R, at_R, page_R, device_R, gender_R, age_R: columns of the requests.
        row_X: row of the exposure's request in the request columns, ascending.
        item_X, position_X: item shown and its 0-based position over all pages of the query.
        sources_X: bitmask of the channels that found it.
        clicked_X, carted_X: what the shopper did with it.
        propensity_X: probability with which the service put the item there; 1 where it does not
            explore.
        order_row_O: row of the order's request in the request columns.
        order_item_O, order_price_O, order_quantity_O, order_at_O: the purchases.
    """

    texts: tuple[str, ...]
    channels: tuple[str, ...]
    request_R: NDArray[np.int64]
    shopper_R: NDArray[np.int64]
    text_R: Ints
    at_R: NDArray[np.float64]
    page_R: NDArray[np.int16]
    device_R: NDArray[np.int8]
    gender_R: NDArray[np.int8]
    age_R: NDArray[np.int8]
    row_X: Ints
    item_X: Ints
    position_X: NDArray[np.int16]
    sources_X: Ints
    clicked_X: NDArray[np.bool_]
    carted_X: NDArray[np.bool_]
    propensity_X: NDArray[np.float32]
    order_row_O: Ints
    order_item_O: Ints
    order_price_O: NDArray[np.float64]
    order_quantity_O: NDArray[np.int16]
    order_at_O: NDArray[np.float64]

    @classmethod
    def empty(cls) -> "History":
        """The log of a shop that has not opened yet."""
        types = TYPES | {"row": pa.int32()}
        names = {name: name[:-2].removeprefix("order_") for name in cls._columns()}
        none = {name: np.zeros(0, types[of].to_pandas_dtype()) for name, of in names.items()}
        return cls(texts=(), channels=(), **none)

    @classmethod
    def _columns(cls) -> list[str]:
        return [name for name in cls.__dataclass_fields__ if name not in ("texts", "channels")]

    def before(self, until: float) -> "History":
        """The part of the log before a moment (simulated seconds)."""
        kept_R = self.at_R < until
        return self._kept(kept_R, kept_R[self.order_row_O] & (self.order_at_O < until))

    def joined(self, later: "History") -> "History":
        """This log and one of the same shop and later days, as one.

        Channels of equal name are one; those of the later log keep their bits.

        Raises:
            DataError: the logs have other texts, so they are of different shops.
        """
        if self.texts != later.texts:
            raise DataError(
                f"texts == {len(self.texts)} and {len(later.texts)}, must be the same in both logs"
            )
        new = [name for name in self.channels if name not in later.channels]
        channels = (*later.channels, *new)
        sources_X = np.zeros_like(self.sources_X)
        for bit, name in enumerate(self.channels):
            sources_X |= (self.sources_X >> bit & 1) << channels.index(name)
        both = {
            name: np.concatenate([getattr(self, name), getattr(later, name)])
            for name in self._columns()
        }
        both["sources_X"] = np.concatenate([sources_X, later.sources_X])
        size = len(self.request_R)
        for name in ("row_X", "order_row_O"):
            rows = np.concatenate([getattr(self, name), getattr(later, name) + size])
            both[name] = rows.astype(np.int32)
        by_id = np.argsort(both["request_R"], kind="stable")
        place_R = np.empty(len(by_id), np.int32)
        place_R[by_id] = np.arange(len(by_id))
        row_X = place_R[both["row_X"]]
        order_X = np.argsort(row_X, kind="stable")
        order: dict[str, Any] = {"R": by_id, "X": order_X, "O": slice(None)}
        columns = {name: column[order[name[-1]]] for name, column in both.items()}
        columns |= {"row_X": row_X[order_X], "order_row_O": place_R[both["order_row_O"]]}
        return History(texts=self.texts, channels=channels, **columns)

    def _kept(self, kept_R: NDArray[np.bool_], kept_O: NDArray[np.bool_]) -> "History":
        """Some of the requests with their exposures, and some of the orders of these requests."""
        kept_X = kept_R[self.row_X]
        row_R = (np.cumsum(kept_R) - 1).astype(np.int32)
        kept = {"R": kept_R, "X": kept_X, "O": kept_O}
        columns = {name: getattr(self, name)[kept[name[-1]]] for name in self._columns()}
        columns["row_X"] = row_R[columns["row_X"]]
        columns["order_row_O"] = row_R[columns["order_row_O"]]
        return History(texts=self.texts, channels=self.channels, **columns)

    def requests(self, rows: NDArray[np.intp] | slice, depth: int = 10) -> Requests:
        """These requests as the search service saw them.

        The history of `depth` clicked items is rebuilt from the shopper's earlier requests, and the
        earlier texts from those of the session that are in the log.
        """
        chosen = np.arange(len(self.request_R))[rows]
        return Requests(
            id_B=self.request_R[chosen],
            shopper_B=self.shopper_R[chosen],
            text_B=self.text_R[chosen],
            at_B=self.at_R[chosen],
            history_BH=self._clicked_before(chosen, depth),
            device_B=self.device_R[chosen],
            gender_B=self.gender_R[chosen],
            age_B=self.age_R[chosen],
            page_B=self.page_R[chosen],
            slots_B=np.bincount(self.row_X, minlength=len(self.request_R))[chosen].astype(np.int16),
            traced_B=np.zeros(len(chosen), np.bool_),
            earlier_BQ=self._asked_before(chosen),
            texts=self.texts,
        )

    def _asked_before(self, chosen: NDArray[np.intp]) -> Ints:
        """(B, Q) texts asked in the session before the one of these requests, newest first."""
        session_R = self.request_R >> REQUEST_BITS
        anew_R = np.ones(len(session_R), np.bool_)
        anew_R[1:] = (session_R[1:] != session_R[:-1]) | (self.text_R[1:] != self.text_R[:-1])
        anew_R |= self.page_R == 0
        first_A = np.flatnonzero(anew_R)
        asking_B = np.cumsum(anew_R)[chosen] - 1
        at_BQ = asking_B[:, None] - 1 - np.arange(EARLIER)
        before_BQ = first_A[np.maximum(at_BQ, 0)] if len(first_A) else at_BQ
        same_BQ = session_R[before_BQ] == session_R[chosen][:, None]
        return np.where((at_BQ >= 0) & same_BQ, self.text_R[before_BQ], -1).astype(np.int32)

    def _clicked_before(self, chosen: NDArray[np.intp], depth: int) -> Ints:
        """(B, depth) items clicked in earlier requests of the same shopper, newest first."""
        clicks = np.flatnonzero(self.clicked_X)
        row_C = self.row_X[clicks]
        order = np.lexsort((self.position_X[clicks], self.at_R[row_C], self.shopper_R[row_C]))
        clicks, row_C = clicks[order], row_C[order]
        # A (shopper, time) pair becomes one number: the rank of the request in that order.
        rank_R = np.empty(len(self.request_R), np.int64)
        rank_R[np.lexsort((self.request_R, self.at_R, self.shopper_R))] = np.arange(len(rank_R))
        before_B = np.searchsorted(rank_R[row_C], rank_R[chosen])
        at_BH = before_B[:, None] - 1 - np.arange(depth)
        if not len(clicks):
            return np.full((len(chosen), depth), -1, np.int32)
        source_BH = np.maximum(at_BH, 0)
        same_BH = self.shopper_R[row_C][source_BH] == self.shopper_R[chosen][:, None]
        found_BH = self.item_X[clicks][source_BH]
        return np.where((at_BH >= 0) & same_BH, found_BH, -1).astype(np.int32)


def load_history(folder: Path) -> History:
    """Read a log folder's public tables; the latent table is never opened.

    Raises:
        DataError: a table or a column is missing, or a file is not whole.
    """
    return _whole(folder, lambda: _loaded(folder, _channels(folder)))


def load_arm(folder: Path, channels: tuple[str, ...], arm: int | None) -> History:
    """The public tables of a log that is still written, as far as it is written.

    Args:
        folder: of the log.
        channels: names in the order of the provenance bits.
        arm: whose requests are wanted; None: those of all arms.

    Raises:
        DataError: as `load_history`.
    """
    history = _whole(folder, lambda: _loaded(folder, channels))
    if arm is None:
        return history
    request_R, arm_R = arms_of_requests(folder)
    kept_R = arm_R[np.argsort(request_R, kind="stable")] == arm
    return history._kept(kept_R, kept_R[history.order_row_O])


def arms_of_requests(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """(R,) ids of a log's requests as they stand in it, and (R,) numbers of their arms."""
    request_R, arm_R = (_column(folder, "requests", name) for name in ("request", "arm"))
    return request_R, arm_R


def _whole(folder: Path, read: Callable[[], History]) -> History:
    try:
        return read()
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"{folder} == {said or repr(error)}, must be a whole log") from error


def _channels(folder: Path) -> tuple[str, ...]:
    return tuple(json.loads((folder / "manifest.json").read_text())["channels"])


def _loaded(folder: Path, channels: tuple[str, ...]) -> History:
    request_R = _column(folder, "requests", "request")
    by_id = np.argsort(request_R, kind="stable")
    request_R = request_R[by_id]
    row_X = _row_of(request_R, folder, "exposures")
    by_row = np.argsort(row_X, kind="stable").astype(np.int32)
    row_O = _row_of(request_R, folder, "orders")
    asked, shown, sold = len(request_R), len(row_X), len(row_O)
    history = History(
        texts=tuple(_table(folder, "texts", "string").to_pylist()),
        channels=channels,
        request_R=request_R,
        **{f"{name}_R": _column(folder, "requests", name, asked)[by_id] for name in _REQUESTS},
        row_X=row_X[by_row],
        **{f"{name}_X": _column(folder, "exposures", name, shown)[by_row] for name in _EXPOSURES},
        order_row_O=row_O,
        **{f"order_{name}_O": _column(folder, "orders", name, sold) for name in _ORDERS},
    )
    pa.default_memory_pool().release_unused()
    return history


_REQUESTS = ("shopper", "text", "at", "page", "device", "gender", "age")
_EXPOSURES = ("item", "position", "sources", "clicked", "carted", "propensity")
_ORDERS = ("item", "price", "quantity", "at")


def _column(folder: Path, table: str, name: str, rows: int | None = None) -> NDArray[Any]:
    """One column of a table; read alone, so that no second copy of the others is in memory.

    Raises:
        ValueError: it has not as many rows as the others.
    """
    found = np.asarray(_table(folder, table, name).to_numpy())
    if rows is not None and len(found) != rows:
        raise ValueError(f"{table}.{name}: {len(found)} rows, must be {rows} as in other columns")
    return found


def _row_of(request_R: NDArray[np.int64], folder: Path, table: str) -> NDArray[np.int32]:
    """The row of each entry's request.

    Raises:
        ValueError: a request that is not in the log.
    """
    wanted = _column(folder, table, "request")
    row = np.searchsorted(request_R, wanted)
    known = row < len(request_R)
    known[known] = request_R[row[known]] == wanted[known]
    if not known.all():
        lost = wanted[~known][0]
        raise ValueError(f"{table}.request == {lost}, must be one of the requests of the log")
    return row.astype(np.int32)


def _table(folder: Path, table: str, name: str) -> pa.ChunkedArray:
    return ds.dataset(folder / table, format="parquet").to_table(columns=[name])[name]
