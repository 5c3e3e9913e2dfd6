"""Metrics read the public tables of the log, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from experiments.inference.own.samplelog import write_sample_log
from experiments.inference.own.tables import Tables, open_tables
from recall.sampleshop import sample_catalog
from simulator import calling
from simulator.calling import Limit, limit_calls
from simulator.errors import ContractError

CATALOG = sample_catalog()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_sample_log(tmp_path / "it's a log", CATALOG)


@pytest.fixture
def tables(log: Path) -> Iterator[Tables]:
    with open_tables(log, CATALOG) as opened:
        yield opened


def test_items_arms_and_channels_can_be_joined(tables: Tables) -> None:
    rows = tables.sql(
        "SELECT category, count(*) AS n FROM orders JOIN items USING (item) GROUP BY 1;"
    )
    assert set(rows["category"]) <= {*CATALOG.categories, None}
    assert tables.sql("SELECT name FROM arms ORDER BY arm")["name"].tolist() == [
        "control",
        "treatment",
    ]
    assert tables.sql("SELECT name FROM channels")["name"].tolist() == ["lexical"]
    assert np.isnan(tables.sql("SELECT NULL::DOUBLE AS x")["x"]).all()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM latent",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('{log}/latent/*.parquet')",
        "SELECT 1) ; COPY (SELECT 1) TO '{log}/x.csv' ; SELECT * FROM (SELECT 1",
        "SELECT 1) ; SET enable_external_access = true ; SELECT * FROM (SELECT 1",
        "INSTALL httpfs",
        "DROP TABLE items",
        "SELEC",
        "",
    ],
)
def test_nothing_else_can_be_reached(tables: Tables, log: Path, query: str) -> None:
    before = sorted(log.rglob("*"))
    with pytest.raises(ContractError, match=r"^SQL == .*, must be one query of the tables"):
        tables.sql(query.format(log=str(log).replace("'", "''")))
    assert sorted(log.rglob("*")) == before


def test_a_query_that_takes_too_long_is_ended(tables: Tables) -> None:
    before = calling.time_limit()
    limit_calls(Limit(0.3, "the.setting"))
    try:
        with pytest.raises(ContractError, match=r"longer than 0.3 s, .* \(the.setting\)"):
            tables.sql("SELECT count(*) FROM range(10000000) a, range(10000000) b")
    finally:
        limit_calls(before)
