"""A log in the schema of User Behavior Insights 1.3.0: queries and events, as JSON lines.

A page is a query: its `query_response_hit_ids` are the shop's own ids of what was shown, in order.
Events are `impression`, `click`, `add_to_cart` and `purchase`; `position.ordinal` counts from 1
over all pages of a search. UBI has no field for an experiment, so `query_attributes` has `arm`,
`experiment`, `page` and `device`, and events have the arm of their query. What the shopper did on a
page has the time at which it came.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from experiments.notebook.logtables import NamedLog, named_log, text
from experiments.notebook.results import Results
from experiments.running.models import LOG
from simulator.errors import DataError

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
"""What the first simulated day is called, for the log counts seconds from it."""

APPLICATION, FIELD = "funnelab", "item_id"
ACTIONS = {"impression": "true", "click": "clicked", "add_to_cart": "carted"}
"""By name of the event, the exposures that it is of."""


def write_ubi(results: Results, folder: Path) -> list[Path]:
    """Write `ubi_queries.ndjson` and `ubi_events.ndjson`; memory does not grow with the log.

    Raises:
        DataError: both arms filled each page, so no page is of an arm.
    """
    queries, events = folder / "ubi_queries.ndjson", folder / "ubi_events.ndjson"
    with named_log(results.folder / LOG, results.catalog) as log:
        if results.config.design.type == "interleaving":
            raise DataError("design.type == 'interleaving', must be a design with pages of one arm")
        _copy(log.connection, _queries(log, text(results.name)), queries)
        _copy(log.connection, _events(log), events)
    return [queries, events]


def _copy(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> None:
    connection.execute(f"COPY ({sql}) TO {text(str(path))} (FORMAT JSON)")


def _queries(log: NamedLog, name: str) -> str:
    shown = (
        "SELECT request, list(item_id ORDER BY position) AS hits "
        f"FROM ({log.sql('exposures')}) GROUP BY request"
    )
    return (
        f"SELECT '{APPLICATION}' AS application, request::VARCHAR AS query_id, "
        "shopper::VARCHAR AS client_id, text AS user_query, "
        f"{_moment('at')} AS timestamp, '{FIELD}' AS object_id_field, "
        f"{{'experiment': {name}, 'arm': arm, 'page': page, 'device': device}} "
        "AS query_attributes, "
        "coalesce(hits, []) AS query_response_hit_ids "
        f"FROM ({log.sql('requests')}) LEFT JOIN ({shown}) USING (request) ORDER BY request"
    )


def _events(log: NamedLog) -> str:
    """What was done on pages, and what was bought, perhaps later."""
    asked = f'SELECT request, session, "at" + latency AS came FROM ({log.sql("requests")})'
    parts = [
        f"SELECT '{action}' AS action_name, request, session, shopper, item_id, title, position, "
        f"came AS moment, NULL AS price, NULL AS quantity FROM ({log.sql('exposures')}) "
        f"JOIN ({asked}) USING (request) WHERE {where}"
        for action, where in ACTIONS.items()
    ]
    parts.append(
        "SELECT 'purchase' AS action_name, request, session, shopper, item_id, title, position, "
        f'"at" AS moment, price, quantity FROM ({log.sql("orders")})'
    )
    return (
        f"SELECT '{APPLICATION}' AS application, action_name, request::VARCHAR AS query_id, "
        "session::VARCHAR AS session_id, shopper::VARCHAR AS client_id, "
        f"{_moment('moment')} AS timestamp, "
        f"{{'object': {{'object_id': item_id, 'object_id_field': '{FIELD}', "
        "'description': title}, "
        "'position': {'ordinal': position + 1}, 'price': price, 'quantity': quantity} "
        f"AS event_attributes FROM ({' UNION ALL BY NAME '.join(parts)}) ORDER BY moment, request"
    )


def _moment(column: str) -> str:
    """SQL of an ISO 8601 time with its zone, as OpenSearch wants it."""
    start = FIRST.replace(tzinfo=None).isoformat(sep=" ")
    moment = f"TIMESTAMP '{start}' + to_microseconds((\"{column}\" * 1e6)::BIGINT)"
    return f"strftime({moment}, '%Y-%m-%dT%H:%M:%S.%gZ')"
