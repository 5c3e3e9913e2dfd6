import signal
import threading

import pytest

from experiments.inference.logs import EngineSpec, engine, read_manifest, rows, scan
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log


def test_a_folder_without_manifest_is_not_a_log(tmp_path):
    with pytest.raises(DataError, match=r"no manifest\.json, must be a log folder"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"channels": 3, "arms": []}'])
def test_a_broken_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="must be a log's manifest"):
        read_manifest(tmp_path)


def test_a_missing_table_is_a_spoiled_log(tmp_path):
    with pytest.raises(DataError, match="must be whole"), engine(EngineSpec()) as connection:
        rows(connection, f"SELECT * FROM {scan(tmp_path, 'orders')}")


@pytest.mark.parametrize("name", ["it's", "a[1]", "b*?c"])
def test_the_name_of_a_folder_never_matters(tmp_path, name):
    log = write_log(tmp_path / name, shoppers=20)
    write_log(tmp_path / "bxxc", shoppers=20)
    with engine(EngineSpec()) as connection:
        found = rows(connection, f"SELECT count(*) AS n FROM {scan(log, 'assignments')}")
    assert found == [{"n": 20}]


def test_the_engine_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with engine(EngineSpec(memory_mb=64)) as connection:
        connection.execute("CREATE TEMP TABLE t AS SELECT range, range % 7 FROM range(8000000)")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def heard():
    """Ctrl-C is heard, also where the tests were started in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_during_a_query_is_an_interruption_and_no_error():
    long = "SELECT count(*) FROM range(100000000000) a WHERE sqrt(a.range) % 7 > 1"
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt), engine(EngineSpec()) as connection:
        connection.execute(long).fetchall()
    timer.join()


def test_an_error_of_the_work_on_a_log_stays_what_it_is():
    with pytest.raises(RuntimeError, match="of mine"), engine(EngineSpec()):
        raise RuntimeError("of mine")
