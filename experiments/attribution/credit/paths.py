"""Outcomes of a log and the touches before them, as tables inside DuckDB.

Conventions, ours:

- A touch is a clicked exposure, at the time of its request (`requests.at`). Touches are in the
  order of time, then request, then position on the page.
- An outcome is a carted exposure, at the time of its request, or an order, at the time when it was
  bought (`orders.at`). Its own touch is the exposure on which the item was found: the carted one,
  or the one on the order's (request, item).
- The touches of an outcome are the same shopper's touches at or before it and not older than the
  window, in any arm; of a cart's own page, those at no later position than the carted one.
- Its own touch is always among them: also one older than the window, not clicked, or not logged.
  It is taken from the outcome's own row, so that it is there once. A request that is not in the log
  has no time: a click on it is nobody's touch but its own outcome's, of age 0.
- A touch is of the same session as an order if its request's session is the order's.

Only clicks, carts and orders are ever joined, which are few per cent of the exposures.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from experiments.inference.logs import Manifest, scan
from simulator.errors import DataError

DAY = 86_400.0
_TABLES = ("path_clicks", "path_outcomes", "path_touches")
_LAST = (2**63 - 1, 2**31 - 1)  # request and position after all others


@contextmanager
def open_paths(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest
) -> Iterator[None]:
    """Read a log's clicks and outcomes into temporary tables, which go when the context ends.

    `path_clicks`(shopper, arm, session, moment, request, position, item, sources, best_ranked) has
    a row for each touch of known time, its moment.

    `path_outcomes`(outcome, event, arm, shopper, session, moment, last_request, last_position,
    request, position, item, own_moment, own_age, sources, best_ranked, money) has a row for each
    outcome, numbered from 0; no touch after (moment, last_request, last_position) is one of its.
    event: "cart" or "purchase"; own_age: seconds from its own touch, 0 where that is not known;
    money: price times quantity, 0 for carts.

    Raises:
        DataError: a click, a cart or an order whose item no channel of the manifest found.
    """
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE path_pages AS {_pages(log)}")
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE path_clicks AS SELECT shopper, arm, session, moment, "
            "request, position, item, sources, best_ranked FROM path_pages "
            "WHERE clicked AND moment IS NOT NULL"
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE path_outcomes AS {_outcomes(log)}")
        _check_sources(connection, len(manifest.channels))
        connection.execute("DROP TABLE path_pages")
        yield
    finally:
        for table in ("path_pages", *_TABLES):
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def make_touches(connection: duckdb.DuckDBPyConnection, window_days: float) -> None:
    """Temporary table `path_touches`: a row for each outcome and touch of it; in `open_paths`.

    Columns: outcome; age, seconds before the outcome, never negative; moment, request, position,
    the order of an outcome's touches; sources, best_ranked; same_session; own, whether it is the
    outcome's own touch. Each (event, request, item) has touches once, also where a log repeats it.

    Args:
        window_days: how long before an outcome a click still counts.
    """
    window = repr(float(window_days * DAY))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE path_touches AS
        WITH once AS (
            SELECT * FROM path_outcomes
            QUALIFY row_number() OVER (PARTITION BY event, request, item ORDER BY outcome) = 1
        )
        SELECT outcome, o.moment - t.moment AS age, t.moment, t.request, t.position,
               t.sources, t.best_ranked,
               coalesce(t.session = o.session, false) AS same_session, false AS own
        FROM once AS o JOIN path_clicks AS t ON t.shopper = o.shopper
            AND t.moment <= o.moment AND o.moment - t.moment <= {window}::DOUBLE
            AND (t.moment < o.moment OR t.request < o.last_request
                 OR (t.request = o.last_request AND t.position <= o.last_position))
            AND NOT (t.request = o.request AND t.item = o.item)
        UNION ALL
        SELECT outcome, own_age, own_moment, request, position, sources, best_ranked, true, true
        FROM once
        """
    )


def _pages(log: Path) -> str:
    """SQL of the clicked and the carted exposures, with the session and time of their requests."""
    return f"""
        SELECT e.*, r.session::BIGINT AS session, r.at::DOUBLE AS moment
        FROM (SELECT request::BIGINT AS request, shopper::BIGINT AS shopper, arm::INTEGER AS arm,
                     item::INTEGER AS item, position::INTEGER AS position,
                     sources::BIGINT AS sources, best_ranked::BIGINT AS best_ranked,
                     clicked, carted
              FROM {scan(log, "exposures")} WHERE clicked OR carted) AS e
        LEFT JOIN {scan(log, "requests")} AS r USING (request)"""


def _outcomes(log: Path) -> str:
    """SQL of `path_outcomes`; its numbers do not depend on the order in which rows are met."""
    return f"""
        WITH found AS (
            SELECT 'cart' AS event, arm, shopper, session,
                   coalesce(moment, '-infinity'::DOUBLE) AS moment, request AS last_request,
                   position AS last_position, request, position, item,
                   coalesce(moment, '-infinity'::DOUBLE) AS own_moment,
                   0.0::DOUBLE AS own_age, sources, best_ranked, 0.0::DOUBLE AS money
            FROM path_pages WHERE carted
            UNION ALL
            SELECT 'purchase', o.arm::INTEGER, o.shopper::BIGINT, o.session::BIGINT, o.at,
                   {_LAST[0]}, {_LAST[1]}, o.request::BIGINT, o.position::INTEGER, o.item::INTEGER,
                   coalesce(r.at, o.at), greatest(coalesce(o.at - r.at, 0), 0), o.sources::BIGINT,
                   o.best_ranked::BIGINT, o.price::DOUBLE * o.quantity
            FROM {scan(log, "orders")} AS o LEFT JOIN {scan(log, "requests")} AS r USING (request)
        )
        SELECT row_number() OVER (
                   ORDER BY event, request, position, item, moment, money, sources, best_ranked
               ) - 1 AS outcome, *
        FROM found"""


def _check_sources(connection: duckdb.DuckDBPyConnection, channels: int) -> None:
    """Credit goes to channels: a touch that none of them found could not be credited."""
    everything = (1 << channels) - 1
    for table, what in (("path_clicks", "clicked"), ("path_outcomes", "carted or bought")):
        found = connection.execute(
            f"SELECT request, item, sources FROM {table} WHERE sources IS NULL OR sources <= 0 "
            f"OR sources > {everything} ORDER BY request, item LIMIT 1"
        ).fetchone()
        if found:
            raise DataError(
                f"log: sources of item {found[1]} {what} on request {found[0]} == {found[2]}, "
                f"must be a set of the manifest's {channels} channels (1 to {everything})"
            )
