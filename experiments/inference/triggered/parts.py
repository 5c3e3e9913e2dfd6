"""Which requests count once it is known where the arms' pages differ.

A unit (a shopper, a session, a request) is triggered by the first of its requests whose page
another arm would have filled otherwise. Up to then all arms have shown it the same, so nothing that
it did can hang on its arm, and whether and when it is triggered hangs on no arm either. What it did
from then on is compared, and the rest is noise (Kohavi, Tang and Xu, "Trustworthy Online Controlled
Experiments", 2020, ch. 20). Latency is left apart: where arms make the same pages late in unlike
measure, that does reach units without a trigger.
"""

from pathlib import Path

from experiments.inference.logs import scan
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
    first = (
        f'SELECT {key} AS unit, min("at") AS since FROM {scan(log, "requests")} '
        f"JOIN {scan(log, TRIGGERS)} USING (request) WHERE differs GROUP BY {key}"
    )
    labelled = (
        f'SELECT request, session, {key} AS unit, "at", CASE WHEN since IS NULL THEN {NEVER} '
        f'WHEN "at" < since THEN {BEFORE} ELSE {SINCE} END AS part '
        f"FROM {scan(log, 'requests')} LEFT JOIN ({first}) AS first ON {key} = first.unit"
    )
    turn = 'row_number() OVER (PARTITION BY unit, part ORDER BY "at", request)'
    return (
        f"SELECT request, session, part, part <> {BEFORE} AND {turn} = 1 AS starts "
        f"FROM ({labelled})"
    )


def kept(log: Path, key: str, part: int) -> str:
    """SQL of the `request` and `session` of one part; arguments as of `parts`."""
    return f"SELECT request, session FROM ({parts(log, key)}) WHERE part = {part}"
