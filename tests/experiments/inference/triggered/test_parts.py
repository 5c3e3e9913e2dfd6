"""A unit counts from the first page on that differs, each unit once, and nothing is left out."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from experiments.inference.triggered.parts import check_watched, is_watched, kept, parts
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import read
from tests.experiments.inference.triggered.watched import labelled, watched_log, write_again


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return watched_log(tmp_path_factory.mktemp("watched") / "log", shoppers=400, requests=4.0)


@pytest.mark.parametrize("key", ["shopper", "session", "request"])
def test_parts_are_those_of_plain_python(log: Path, key: str) -> None:
    found = duckdb.sql(f"SELECT * FROM ({parts(log, key)}) ORDER BY request").df()
    wanted = labelled(log, key).sort_values("request")
    for name in ("request", "session", "part", "starts"):
        np.testing.assert_array_equal(found[name], wanted[name], name)
    units = wanted.loc[found["starts"].to_numpy(), key]
    assert units.is_unique
    assert set(units) == set(wanted[key])
    assert set(found["part"]) == ({0, 2} if key == "request" else {0, 1, 2})
    only = duckdb.sql(f"SELECT * FROM ({kept(log, key, 2)})").df()
    assert set(only["request"]) == set(wanted.loc[wanted["part"] == 2, "request"])


def test_requests_of_one_moment_follow_their_number(log: Path, tmp_path: Path) -> None:
    same = watched_log(tmp_path / "log", shoppers=200, requests=4.0)
    asked = read(same, "requests")
    asked["at"] = 5.0
    write_again(same, "requests", asked)
    found = duckdb.sql(f"SELECT * FROM ({parts(same, 'session')}) ORDER BY request").df()
    wanted = labelled(same, "session").sort_values("request")
    np.testing.assert_array_equal(found["part"], wanted["part"])
    assert (found["part"] == 1).any()


def test_a_log_is_watched_where_it_tells_and_must_tell_of_every_request(
    log: Path, tmp_path: Path
) -> None:
    assert is_watched(log)
    assert not is_watched(write_log(tmp_path / "plain", shoppers=10))
    check_watched(duckdb.connect(), log)
    holed = watched_log(tmp_path / "holed", shoppers=50)
    write_again(holed, "triggers", read(holed, "triggers").iloc[3:])
    with pytest.raises(DataError, match=r"triggers == nothing of 3 requests, must tell of each"):
        check_watched(duckdb.connect(), holed)
