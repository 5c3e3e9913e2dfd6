"""Logs in the schema of User Behavior Insights (UBI): queries and events, as OpenSearch keeps them.

UBI 1.3.0 (o19s, Apache-2.0) has two tables. A row of `ubi_queries` is a search: `query_id`,
`client_id` (who, by browser), `user_query`, `timestamp`, `query_attributes` (free). A row of
`ubi_events` is what somebody did: `action_name`, `query_id` (of the search it belongs to),
`client_id`, `session_id`, `timestamp`, `event_attributes` with `object.object_id` and
`position.ordinal`.

UBI has no field for the arm of an experiment. Shops put it among the attributes, such as
`query_attributes.arm`, or keep assignments in a table of their own.
"""

from typing import Any

import duckdb

from experiments.analyze.reading.source import Source, open_source, quoted
from simulator.errors import DataError

VERSION = "1.3.0"
SEARCH = "search"
"""The event that a row of queries is, beside the actions of the events."""

METRICS: tuple[dict[str, Any], ...] = (
    {"name": "clicks_per_search", "where": "event = 'click'", "over": "searches"},
    {"name": "searches", "where": f"event = '{SEARCH}'", "unit": "searches per client"},
    {"name": "carts", "where": "event = 'add_to_cart'", "unit": "cart additions per client"},
    {"name": "purchases", "where": "event = 'purchase'", "unit": "purchases per client"},
)
"""What is estimated where nobody says: by the action names of the UBI documentation."""

_NEEDED = ("query_id", "client_id", "timestamp")


def ubi_source(
    connection: duckdb.DuckDBPyConnection, queries: str, events: str, arm: str | None = None
) -> Source:
    """Both tables as one table of events, for `build_units`.

    Its columns: `unit` (client), `arm` (where it is told), `moment`, `event`, `query_id`,
    `user_query`, `session`, `item`, `position`. An event without an arm of its own has that of its
    query.

    Args:
        queries, events: paths, as of `open_source`.
        arm: dotted path of the arm in the rows of queries or events, such as
            `query_attributes.arm`; None: a table of assignments tells it.

    Raises:
        DataError: a table lacks a column that UBI has, or neither has the arm.
    """
    asked, done = (
        open_source(connection, path, setting)
        for path, setting in ((queries, "queries"), (events, "events"))
    )
    for source, setting, names in (
        (asked, "queries", _NEEDED),
        (done, "events", (*_NEEDED, "action_name")),
    ):
        missing = [name for name in names if name not in source.types]
        if missing:
            some = ", ".join(list(source.types)[:12])
            raise DataError(
                f"{setting} == {source.place} with columns {some}, must have {missing[0]} (UBI "
                f"{VERSION})"
            )
    arms = [_path(source, arm) for source in (asked, done)]
    if arm is not None and arms == ["NULL", "NULL"]:
        raise DataError(f"arm == {arm!r}, must be a field of {asked.place} or {done.place}")
    text = quoted("user_query") if "user_query" in asked.types else "NULL"
    item, position = (
        _path(done, path)
        for path in ("event_attributes.object.object_id", "event_attributes.position.ordinal")
    )
    session = quoted("session_id") if "session_id" in done.types else "NULL"
    moment = "try_cast(timestamp AS TIMESTAMPTZ)"
    connection.execute(
        f"CREATE TEMP VIEW ubi_searches AS SELECT client_id AS unit, ({arms[0]})::VARCHAR AS arm, "
        f"{moment} AS moment, query_id::VARCHAR AS query_id, ({text})::VARCHAR AS user_query "
        f"FROM {asked.sql}"
    )
    connection.execute(
        f"CREATE TEMP VIEW ubi_actions AS SELECT client_id AS unit, ({arms[1]})::VARCHAR AS arm, "
        f"{moment} AS moment, action_name AS event, query_id::VARCHAR AS query_id, "
        f"({item})::VARCHAR AS item, ({position})::INTEGER AS position, "
        f"({session})::VARCHAR AS session FROM {done.sql}"
    )
    connection.execute(_JOINED)
    found = connection.execute("DESCRIBE ubi_rows").fetchall()
    return Source("ubi_rows", f"{queries} and {events}", {row[0]: row[1] for row in found})


_JOINED = f"""
CREATE TEMP VIEW ubi_rows AS
WITH of_query AS (
    SELECT query_id, any_value(arm) AS arm, any_value(user_query) AS user_query
    FROM ubi_searches GROUP BY query_id
)
SELECT unit, arm, moment, '{SEARCH}' AS event, query_id, user_query FROM ubi_searches
UNION ALL BY NAME
SELECT
    ubi_actions.* EXCLUDE (arm),
    coalesce(ubi_actions.arm, of_query.arm) AS arm,
    of_query.user_query
FROM ubi_actions LEFT JOIN of_query USING (query_id)
"""
"""Searches and actions, of which an action without an arm has that of its query."""


def _path(source: Source, path: str | None) -> str:
    """SQL of a field; NULL where the table has none."""
    if path is None:
        return "NULL"
    try:
        found = source.column(path, "arm")
    except DataError:
        return "NULL"
    outer, _, inner = path.partition(".")
    if source.types.get(outer, "").startswith("STRUCT") and not _has(source.types[outer], inner):
        return "NULL"
    return found


def _has(kind: str, path: str) -> bool:
    """Whether a STRUCT has a field at a dotted path, by the names in its type."""
    return all(f"{part} " in kind or f'"{part}" ' in kind for part in path.split("."))
