"""Databases that are used again hold nothing of their last use."""

from pathlib import Path

import duckdb
import pytest

from experiments.inference import instances
from experiments.inference.instances import instance
from experiments.inference.logs import EngineSpec, engine
from simulator.errors import DataError


def asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def at_rest() -> int:
    return sum(len(idle) for idle in instances._at_rest.values())


def test_tables_vanish_with_their_connection() -> None:
    with instance(threads=1, memory_mb=100) as connection:
        connection.execute("CREATE TEMP TABLE kept AS SELECT 1 AS a")
        connection.execute("CREATE TEMP VIEW seen AS SELECT 2 AS a")
    with instance(threads=1, memory_mb=100) as connection:
        assert asked(connection, "SELECT count(*) FROM duckdb_tables()") == [(0,)]
        with pytest.raises(duckdb.CatalogException):
            connection.execute("FROM seen")


def test_a_database_is_used_again_with_its_settings_and_by_nobody_else_at_once() -> None:
    with instance(threads=1, memory_mb=123) as one, instance(threads=1, memory_mb=123) as two:
        one.execute("CREATE TABLE of_one AS SELECT 1")
        assert asked(two, "SELECT count(*) FROM duckdb_tables()") == [(0,)]
        one.execute("DROP TABLE of_one")
    before = at_rest()
    with instance(threads=1, memory_mb=123) as again:
        assert at_rest() == before - 1
        assert asked(again, "SELECT current_setting('threads')") == [(1,)]
    assert at_rest() == before


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    for number in range(3):
        duckdb.sql(f"SELECT {number} AS a").write_parquet(str(path))
        with instance(threads=1, memory_mb=100) as connection:
            assert asked(connection, f"SELECT a FROM '{path}'") == [(number,)]


@pytest.mark.parametrize(
    "change",
    [
        "SET preserve_insertion_order = true",
        "SET lock_configuration = true",
        "SET memory_limit = '99MB'",
        "ATTACH ':memory:' AS other",
        "CREATE TABLE left_over AS SELECT 1",
        "CREATE VIEW left_over AS SELECT 1",
    ],
)
def test_one_that_was_changed_is_not_kept(change: str) -> None:
    with instance(threads=1, memory_mb=100) as connection:
        before = at_rest()
        connection.execute(change)
    assert at_rest() == before


def test_one_that_has_spilled_is_not_kept() -> None:
    with instance(threads=1, memory_mb=70) as connection:
        before = at_rest()
        spill = Path(str(asked(connection, "SELECT current_setting('temp_directory')")[0][0]))
        connection.execute(
            "CREATE TEMP TABLE big AS SELECT hash(i) AS a, hash(i + 1) AS b FROM range(9_000_000) "
            "t(i)"
        )
        assert spill.exists()
    assert at_rest() == before
    assert not spill.exists()


def test_after_an_error_the_engine_answers_as_before() -> None:
    with pytest.raises(DataError, match="log == unreadable"), engine(EngineSpec()) as connection:
        connection.execute("FROM nowhere")
    with engine(EngineSpec()) as connection:
        assert asked(connection, "SELECT 1") == [(1,)]
