"""Which requests count once it is known where the arms' pages differ.

A unit (a shopper, a session, a request) is triggered by the first of its requests whose page
another arm would have filled otherwise. Up to then all arms have shown it the same, so nothing that
it did can hang on its arm, and whether and when it is triggered hangs on no arm either. What it did
from then on is compared, and the rest is noise (Kohavi, Tang and Xu, "Trustworthy Online Controlled
Experiments", 2020, ch. 20). Latency is left apart: where arms make the same pages late in unlike
measure, that does reach units without a trigger.
"""

from pathlib import Path

import duckdb

from experiments.inference.logs import rows, scan
from simulator.errors import DataError
from simulator.log.tables import TRIGGERS

NEVER, BEFORE, SINCE = 0, 1, 2
"""Parts: units that are never triggered, others before they are, and from then on."""


def is_watched(log: Path) -> bool:
    """Whether a log tells where the arms' pages differ."""
    return (log / TRIGGERS).is_dir()


def parts(log: Path, key: str) -> str:
    """SQL of every request of a log with its session, its part, and whether it stands for its unit.

    Args:
        log: that tells where pages differ.
        key: the column of `requests` that numbers units.

    Returns:
        SQL of `request`, `session`, `part` and `starts`. The latter is true once for each unit: at
        its first request if it is never triggered, else at the one that triggers it.
    """
    turn = f'row_number() OVER (PARTITION BY {key} ORDER BY "at", request)'
    told = (
        f"SELECT request, session, {key} AS unit, differs, {turn} AS turn "
        f"FROM {scan(log, 'requests')} AS asked "
        f"JOIN {scan(log, TRIGGERS)} AS told USING (request)"
    )
    triggered = "min(turn) FILTER (WHERE differs) OVER (PARTITION BY unit)"
    return (
        f"SELECT request, session, CASE WHEN since IS NULL THEN {NEVER} "
        f"WHEN turn < since THEN {BEFORE} ELSE {SINCE} END AS part, "
        "turn = coalesce(since, 1) AS starts "
        f"FROM (SELECT *, {triggered} AS since FROM ({told}))"
    )


def check_watched(connection: duckdb.DuckDBPyConnection, log: Path) -> None:
    """Refuse a log that tells of some requests only whether pages differ.

    Raises:
        DataError: with how many requests it does not tell of.
    """
    asked = (
        f"SELECT count(*) AS n FROM {scan(log, 'requests')} AS asked "
        f"ANTI JOIN {scan(log, TRIGGERS)} AS told USING (request)"
    )
    (found,) = rows(connection, asked)
    if found["n"]:
        raise DataError(
            f"{log / TRIGGERS} == nothing of {found['n']} requests, must tell of each whether "
            "pages differ"
        )


def kept(log: Path, key: str, part: int) -> str:
    """SQL of the `request` and `session` of one part; arguments as of `parts`."""
    return f"SELECT request, session FROM ({parts(log, key)}) WHERE part = {part}"
