"""The log, written append-only: Parquet shards, a manifest and a digest of the content."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulator.atomic import replacing
from simulator.log.settings import LogSpec
from simulator.log.tables import DICTIONARIES, table_schemas
from simulator.protocols import Fault

Columns = Mapping[str, NDArray[Any]]


class EventLog:
    """Writes one world's log. Memory holds at most one shard of each table.

    Args:
        folder: an empty or absent folder.
        channels: names in the order of the provenance bits.
        arms: names in the order of the arm codes.
        optional: which of the `simulator.log.tables.OPTIONAL` tables it has.
    """

    def __init__(
        self,
        folder: Path,
        *,
        channels: tuple[str, ...],
        arms: tuple[str, ...],
        shard_rows: int = LogSpec().shard_rows,
        optional: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self.channels = channels
        self.arms = arms
        self.shard_rows = shard_rows
        schemas = table_schemas(channels, optional)
        self._tables = {name: _Table(schema) for name, schema in schemas.items()}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def rows(self) -> dict[str, int]:
        """Rows written so far, by table."""
        return {name: table.rows for name, table in self._tables.items()}

    def append(self, table: str, columns: Columns) -> None:
        """Add rows; every column of the table must be given, all of one length."""
        buffer = self._tables[table]
        buffer.add(columns)
        if buffer.waiting >= self.shard_rows:
            self._write(table)

    @property
    def digest(self) -> str:
        """That of all rows so far.

        It covers the values of every column in the order of writing, and does not depend on the
        size of shards.
        """
        digest = blake2b(digest_size=16)
        for name in sorted(self._tables):
            digest.update(name.encode())
            digest.update(self._tables[name].digest())
        return digest.hexdigest()

    def flush(self) -> None:
        """Write what is left, so that all rows so far can be read."""
        for table in self._tables:
            self._write(table)

    def close(self, faults: list[Fault], facts: Mapping[str, Any]) -> str:
        """Write what is left and the manifest; returns the digest of all rows."""
        self.flush()
        digest = self.digest
        manifest = {
            "channels": list(self.channels),
            "arms": list(self.arms),
            "rows": self.rows,
            "digest": digest,
            "faults": [asdict(fault) for fault in faults],
            **facts,
        }
        with replacing(self.folder / "manifest.json") as path:
            path.write_text(json.dumps(manifest, indent=1) + "\n")
        return digest

    def _write(self, name: str) -> None:
        table = self._tables[name]
        if table.waiting or not table.shards:
            shard = self.folder / name / f"part-{table.shards:05d}.parquet"
            shard.parent.mkdir(exist_ok=True)
            rows = table.take()
            with replacing(shard) as path:
                pq.write_table(rows, path, **_ENCODING)


# Most columns are nearly unique numbers: dictionaries would cost time and save nothing.
_ENCODING: dict[str, Any] = {"compression": "lz4", "use_dictionary": [*DICTIONARIES]}


class _Table:
    """The rows of one table that wait for their shard, and the digest of all rows so far."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows = 0
        self.waiting = 0
        self.shards = 0
        self._batches: list[pa.RecordBatch] = []
        self._digests = {name: blake2b(digest_size=16) for name in schema.names}

    def add(self, columns: Columns) -> None:
        if set(columns) != set(self.schema.names):
            raise ValueError(f"columns == {sorted(columns)}, must be {sorted(self.schema.names)}")
        arrays = []
        for field in self.schema:
            values, array = _arrow(field, columns[field.name])
            self._digests[field.name].update(values)
            arrays.append(array)
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        self._batches.append(batch)
        self.rows += batch.num_rows
        self.waiting += batch.num_rows

    def take(self) -> pa.Table:
        table = pa.Table.from_batches(self._batches, schema=self.schema)
        self._batches, self.waiting = [], 0
        self.shards += 1
        return table

    def digest(self) -> bytes:
        return b"".join(column.digest() for column in self._digests.values())


def _arrow(field: pa.Field, values: NDArray[Any]) -> tuple[bytes | memoryview, pa.Array]:
    """The bytes that a column adds to the digest, and its Arrow array."""
    if pa.types.is_string(field.type):
        array = pa.array(values.tolist(), pa.string())
        return "\n".join(values.tolist()).encode(), array
    if pa.types.is_dictionary(field.type):
        codes = np.ascontiguousarray(values, np.int8)
        names = pa.array([member.name.lower() for member in DICTIONARIES[field.name]])
        return codes.data, pa.DictionaryArray.from_arrays(pa.array(codes), names)
    column = np.ascontiguousarray(values, field.type.to_pandas_dtype())
    return column.data, pa.array(column, field.type)
