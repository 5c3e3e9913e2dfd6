"""A table of the requests of a watched world and of what is expected of their pages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.records.attribution import SALES

TABLE = "requests.parquet"

OWN, TAUGHT, STOCKED = "own", "taught", "stocked"
"""The pages of a world without a channel: its own, those under the statistics of the full world,
those under its availability, too."""

_KNOWN = (
    ("request", pa.int64()),
    ("shopper", pa.int64()),
    ("text", pa.int32()),
    ("page", pa.int16()),
    ("intent", pa.int64()),
    ("refresh", pa.int32()),
)

Columns = dict[str, NDArray[Any]]


def column(pages: str, outcome: str) -> str:
    """The table's column of what is expected of some pages."""
    return f"{outcome}_{pages}"


def without(number: int) -> str:
    """The pages of a full world without the channel of this number in the job."""
    return f"without_{number}"


class Notes:
    """The table of a watched world, written once per interval.

    Args:
        path: of the file.
        pages: names of the pages of which something is expected.
    """

    def __init__(self, path: Path, pages: Sequence[str]) -> None:
        names = [column(page, outcome) for page in pages for outcome in SALES]
        self._schema = pa.schema([*_KNOWN, *((name, pa.float64()) for name in names)])
        self._writer = pq.ParquetWriter(path, self._schema, compression="lz4")
        self._blocks: list[Columns] = []

    def add(self, columns: Columns) -> None:
        """Another block of requests."""
        self._blocks.append(columns)

    def widen(self, columns: Columns) -> None:
        """More columns of the last block."""
        self._blocks[-1] |= columns

    def widen_all(self, blocks: Sequence[Columns]) -> None:
        """More columns of every block of the interval."""
        for block, columns in zip(self._blocks, blocks, strict=True):
            block |= columns

    def copy(self, columns: dict[str, str]) -> None:
        """New columns of every block that equal others."""
        self.widen_all(
            [{new: block[old] for new, old in columns.items()} for block in self._blocks]
        )

    def write(self) -> None:
        """The interval is over."""
        if self._blocks:
            columns = {
                name: np.concatenate([block[name] for block in self._blocks])
                for name in self._schema.names
            }
            self._writer.write_table(pa.table(columns, schema=self._schema))
        self._blocks = []

    def close(self) -> None:
        """The world is over."""
        self._writer.close()


@contextmanager
def noting(path: Path, pages: Sequence[str]) -> Iterator[Notes]:
    """Open a table for a world that is about to be lived; see `Notes`."""
    notes = Notes(path, pages)
    try:
        yield notes
    finally:
        notes.close()
