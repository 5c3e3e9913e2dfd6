"""A table of the user's own is read whatever it lies in, or refused by its name."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.analyze.reading.source import frame_source, open_source
from simulator.errors import DataError

FRAME = pd.DataFrame({"unit": [1, 2, 3], "arm": ["a", "b", "a"], "it's": [0.5, 1.5, 2.5]})


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def total(connection, source):
    column = source.column("it's", "value")
    return connection.execute(f"SELECT count(*), sum({column}) FROM {source.sql}").fetchone()


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "jsonl", "folder", "pattern", "duckdb"])
def test_files_of_every_kind_are_read(connection, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"log.{kind}"
    if kind == "csv":
        FRAME.to_csv(path, index=False, sep=";")
    elif kind == "tsv":
        FRAME.to_csv(path, index=False, sep="\t")
    elif kind == "jsonl":
        FRAME.to_json(path, orient="records", lines=True)
    elif kind in ("folder", "pattern"):
        parts = tmp_path / "parts"
        parts.mkdir()
        for at in range(3):
            pq.write_table(pa.Table.from_pandas(FRAME[at : at + 1]), parts / f"p{at}.parquet")
        path = parts if kind == "folder" else parts / "p*.parquet"
    elif kind == "duckdb":
        with duckdb.connect(str(tmp_path / "shop.duckdb")) as shop:
            shop.register("frame", FRAME)
            shop.execute("CREATE TABLE events AS SELECT * FROM frame")
        path = f"{tmp_path / 'shop.duckdb'}:events"
    else:
        pq.write_table(pa.Table.from_pandas(FRAME), path)
    assert total(connection, open_source(connection, str(path))) == (3, 4.5)


@pytest.mark.parametrize(
    "frame",
    [FRAME, pl.from_pandas(FRAME), pl.from_pandas(FRAME).lazy(), pa.Table.from_pandas(FRAME)],
    ids=["pandas", "polars", "lazy", "arrow"],
)
def test_frames_of_every_kind_are_read(connection, frame) -> None:
    assert total(connection, frame_source(connection, frame)) == (3, 4.5)


def test_a_relation_of_duckdb_is_read(connection) -> None:
    relation = duckdb.from_df(FRAME)
    assert total(connection, frame_source(connection, relation)) == (3, 4.5)


def test_what_is_no_frame_is_refused(connection) -> None:
    with pytest.raises(DataError, match=r"frame == dict, must be a data frame"):
        frame_source(connection, {"unit": [1]})


def test_fields_inside_columns_are_named_by_their_path(connection, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": 1, "of": {"arm": "a", "deep": {"x": 2.5}}}\n')
    source = open_source(connection, str(path))
    asked = ", ".join(source.column(name, "arm") for name in ("of.arm", "of.deep.x"))
    assert connection.execute(f"SELECT {asked} FROM {source.sql}").fetchone() == ("a", 2.5)


def test_what_cannot_be_read_is_refused_by_its_name(connection, tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    big = pd.DataFrame({"x": np.arange(10_000)})
    pq.write_table(pa.Table.from_pandas(big), whole)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(whole.read_bytes()[:-200])
    odd = tmp_path / "log.xlsx"
    odd.write_bytes(b"PK")
    for path, wanted in [
        (tmp_path / "none.csv", r"path == .*none.csv: no such file"),
        (torn, r"torn.parquet == unreadable"),
        (odd, r"log.xlsx == a file of type .xlsx, must be one of"),
        (f"{tmp_path}/none.duckdb:events", r"none.duckdb: no such file"),
    ]:
        with pytest.raises(DataError, match=wanted):
            open_source(connection, str(path))


def test_a_column_that_is_not_there_is_named_with_those_that_are(connection, tmp_path) -> None:
    path = tmp_path / "log.csv"
    FRAME.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"unit == 'user', must be a column of .*: unit, arm"):
        open_source(connection, str(path)).column("user", "unit")
