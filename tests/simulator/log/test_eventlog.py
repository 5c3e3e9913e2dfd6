import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulator.log.codes import EndReason
from simulator.log.eventlog import EventLog
from simulator.log.tables import table_schemas
from simulator.protocols import Fault, FaultReason


def orders(count, first=0):
    columns = {name: np.arange(first, first + count) for name in table_schemas(())["orders"].names}
    return columns | {"price": np.full(count, 9.99)}


def ends(reasons):
    columns = {name: np.arange(len(reasons)) for name in table_schemas(())["sessions"].names}
    return columns | {"end_reason": np.array(reasons, np.int8)}


def written(folder, batches, **options):
    log = EventLog(folder, channels=("a", "b"), arms=("control",), **options)
    for batch in batches:
        log.append("orders", batch)
    return log.close([], {})


def test_the_digest_does_not_depend_on_batches_or_shards(tmp_path):
    whole = written(tmp_path / "1", [orders(10)])
    parts = written(tmp_path / "2", [orders(4), orders(6, first=4)], shard_rows=3)
    assert whole == parts
    assert whole != written(tmp_path / "3", [orders(10, first=1)])


def test_shards_hold_every_row_once_and_in_order(tmp_path):
    written(tmp_path, [orders(4), orders(6, first=4)], shard_rows=3)
    shards = sorted((tmp_path / "orders").glob("*.parquet"))
    assert len(shards) == 2
    rows = np.concatenate([pq.read_table(shard)["request"].to_numpy() for shard in shards])
    assert rows.tolist() == list(range(10))


def test_an_empty_table_can_still_be_read(tmp_path):
    written(tmp_path, [])
    assert pq.read_table(tmp_path / "exposures").num_rows == 0


def test_end_reasons_are_names_in_the_log(tmp_path):
    log = EventLog(tmp_path, channels=(), arms=("control",))
    log.append("sessions", ends([EndReason.BOUGHT, EndReason.SATISFIED]))
    log.close([], {})
    names = pq.read_table(tmp_path / "sessions")["end_reason"].to_pylist()
    assert names == ["bought", "satisfied"]


def test_candidates_keep_rank_and_score_of_every_channel(tmp_path):
    written(tmp_path, [])
    names = pq.read_table(tmp_path / "candidates").column_names
    assert {"rank_a", "rank_b", "score_a", "score_b"} <= set(names)


def test_the_manifest_names_channels_arms_rows_and_faults(tmp_path):
    log = EventLog(tmp_path, channels=("a",), arms=("control", "treatment"))
    log.append("orders", orders(2))
    fault = Fault("control", "a", FaultReason.DEADLINE, 3, "")
    digest = log.close([fault], {"days": 7})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["channels"] == ["a"]
    assert manifest["arms"] == ["control", "treatment"]
    assert manifest["rows"]["orders"] == 2
    assert manifest["digest"] == digest
    assert manifest["days"] == 7
    assert manifest["faults"][0]["reason"] == "deadline"


def test_a_missing_column_is_refused(tmp_path):
    log = EventLog(tmp_path, channels=(), arms=("control",))
    batch = orders(2)
    del batch["price"]
    with pytest.raises(ValueError, match="must be"):
        log.append("orders", batch)


def test_no_half_written_file_is_left(tmp_path):
    written(tmp_path, [orders(5)], shard_rows=2)
    assert not list(tmp_path.rglob("*.new"))


def test_rows_can_be_read_and_named_before_the_log_is_closed(tmp_path):
    log = EventLog(tmp_path / "1", channels=("a", "b"), arms=("control",))
    log.append("orders", orders(4))
    log.flush()
    assert pq.read_table(tmp_path / "1" / "orders").num_rows == 4
    early = log.digest
    log.append("orders", orders(6, first=4))
    assert early == written(tmp_path / "2", [orders(4)])
    assert log.close([], {}) == written(tmp_path / "3", [orders(10)])


def test_optional_tables_are_in_logs_that_ask_for_them_alone(tmp_path):
    written(tmp_path / "plain", [orders(3)])
    asked = EventLog(tmp_path / "asked", channels=(), arms=("one", "two"), optional=["triggers"])
    asked.append("triggers", {"request": np.arange(3), "differs": np.arange(3) == 1})
    asked.close([], {})
    assert not (tmp_path / "plain" / "triggers").exists()
    assert not (tmp_path / "asked" / "contested").exists()
    table = pq.read_table(tmp_path / "asked" / "triggers")
    assert table["differs"].to_pylist() == [False, True, False]
