"""Queries and events in UBI's schema become rows of an experiment's log."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from experiments.analyze.reading.logunits import TABLE, build_units
from experiments.analyze.reading.ubi import METRICS, ubi_source
from experiments.analyze.settings import LogSpec
from simulator.errors import DataError

QUERIES = [
    {
        "application": "shop",
        "query_id": f"q{at}",
        "client_id": f"c{at % 4}",
        "user_query": "red shoes",
        "timestamp": f"2026-03-0{1 + at // 4}T10:00:00Z",
        "query_response_hit_ids": ["1", "2"],
        "query_attributes": {"arm": "B" if at % 2 else "A"},
    }
    for at in range(12)
]
EVENTS = [
    {
        "application": "shop",
        "action_name": action,
        "query_id": query,
        "client_id": client,
        "session_id": "s",
        "timestamp": "2026-03-01T10:00:05.250Z",
        "event_attributes": {
            "object": {"object_id": "1", "object_id_field": "sku"},
            "position": {"ordinal": 3},
        },
    }
    for action, query, client in [
        ("click", "q0", "c0"),
        ("click", "q0", "c0"),
        ("purchase", "q1", "c1"),
        ("add_to_cart", "q2", "c2"),
    ]
]


def written(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def test_events_have_the_arm_of_their_query_and_searches_are_events(
    connection, tmp_path: Path
) -> None:
    asked, done = written(tmp_path, "q.jsonl", QUERIES), written(tmp_path, "e.jsonl", EVENTS)
    source = ubi_source(connection, asked, done, "query_attributes.arm")
    rows = connection.execute(
        f"SELECT unit, arm, event, user_query, item, position FROM {source.sql} "
        "WHERE event <> 'search' ORDER BY ALL"
    ).fetchall()
    assert rows == [
        ("c0", "A", "click", "red shoes", "1", 3),
        ("c0", "A", "click", "red shoes", "1", 3),
        ("c1", "B", "purchase", "red shoes", "1", 3),
        ("c2", "A", "add_to_cart", "red shoes", "1", 3),
    ]
    spec = LogSpec(path="-", metrics=METRICS, time="moment")
    units = build_units(connection, source, spec)
    assert units.arms == ("A", "B")
    found = connection.execute(
        f"SELECT unit, arm, searches, clicks_per_search, carts, purchases FROM {TABLE} ORDER BY 1"
    ).fetchall()
    assert found == [
        ("c0", "A", 3, 2, 0, 0),
        ("c1", "B", 3, 0, 0, 1),
        ("c2", "A", 3, 0, 1, 0),
        ("c3", "B", 3, 0, 0, 0),
    ]


def test_tables_that_are_not_ubi_are_refused_by_what_they_lack(connection, tmp_path: Path) -> None:
    bare = [{key: row[key] for key in ("query_id", "timestamp")} for row in QUERIES]
    asked, done = written(tmp_path, "q.jsonl", bare), written(tmp_path, "e.jsonl", EVENTS)
    with pytest.raises(DataError, match=r"queries == .*, must have client_id \(UBI 1.3.0\)"):
        ubi_source(connection, asked, done)
    with pytest.raises(DataError, match=r"events == .*, must have action_name"):
        ubi_source(connection, written(tmp_path, "r.jsonl", QUERIES), asked.replace("q.", "r."))


def test_an_arm_that_neither_table_has_is_refused(connection, tmp_path: Path) -> None:
    asked, done = written(tmp_path, "q.jsonl", QUERIES), written(tmp_path, "e.jsonl", EVENTS)
    with pytest.raises(DataError, match=r"arm == 'query_attributes.variant', must be a field of"):
        ubi_source(connection, asked, done, "query_attributes.variant")
