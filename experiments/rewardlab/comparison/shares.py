"""What share of exposures, clicks, purchases and GMV one channel holds in a policy's worlds.

A share is composition, not lift: it says who found what was bought, not whether more was bought.
Two rules: any touch (the channel found the item, others perhaps too) and exclusive (no other
channel of the funnel did). A share is a ratio of sums over training seeds and shoppers; its
interval is linearised (delta method) and goes across both, or across shoppers alone where there is
one seed (`experiments.inference.intervals.share`). Over several lucks a shopper's events are one
cluster.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals import share
from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.inference.shares import EVENTS, RULES
from experiments.inference.units import exact_sum
from experiments.records.interval import UNKNOWN
from experiments.records.rewards import PolicyShare
from simulator.errors import DataError

Floats = NDArray[np.float64]


def share_rows(
    policy: str,
    logs: Sequence[Sequence[Path]],
    *,
    channel: str,
    confidence: float,
    spec: EngineSpec | None = None,
) -> list[PolicyShare]:
    """The channel's shares by rule and event; None where a policy's worlds hold no such event.

    There is no interval where all shoppers agree, as in `experiments.inference.shares`.

    Args:
        policy: name of the rows.
        logs: a list for each training seed, with one log for each luck.
        channel: name of the channel, as the logs' manifests have it.
        confidence: level of the intervals.
        spec: threads and memory.

    Raises:
        DataError: there is no log, or one whose manifest does not name the channel.
    """
    if not logs or not all(logs):
        raise DataError(f"worlds of {policy} == {[len(each) for each in logs]}, must be > 0 each")
    tables: dict[str, Floats] = {}
    with engine(spec or EngineSpec()) as connection:
        for table in sorted({table for table, _ in EVENTS.values()}):
            tables |= _totals(connection, logs, table, channel)
    return [
        _row(policy, rule, event, tables[f"{event}_{rule}"], tables[event], confidence)
        for rule in RULES
        for event in EVENTS
    ]


def _totals(
    connection: duckdb.DuckDBPyConnection, logs: Sequence[Sequence[Path]], table: str, channel: str
) -> dict[str, Floats]:
    """(S, U) totals of each event of one table, and of those that count for the channel."""
    events = [event for event, (source, _) in EVENTS.items() if source == table]
    columns = [name for event in events for name in (event, *(f"{event}_{r}" for r in RULES))]
    parts = [
        f"SELECT {seed} AS seed, shopper, {_sums(events, _bit(log, channel))} "
        f"FROM {scan(log, table)} GROUP BY shopper"
        for seed, of_seed in enumerate(logs)
        for log in of_seed
    ]
    summed = ", ".join(f"sum({column})::DOUBLE AS {column}" for column in columns)
    cells = connection.execute(
        f"SELECT seed, shopper, {summed} FROM ({' UNION ALL '.join(parts)}) GROUP BY seed, shopper"
    ).fetchnumpy()
    shopper_U, place = np.unique(cells["shopper"], return_inverse=True)
    totals = {column: np.zeros((len(logs), len(shopper_U))) for column in columns}
    for column, table_SU in totals.items():
        table_SU[cells["seed"], place] = cells[column]
    return totals


def _sums(events: Sequence[str], bit: int) -> str:
    """SQL of a shopper's totals; exact sums, so that they do not depend on the order of rows."""
    listed = []
    for event in events:
        total = exact_sum(EVENTS[event][1])
        listed.append(f"{total} AS {event}")
        for rule, holds in RULES.items():
            part = exact_sum(
                f"CASE WHEN {holds.format(bit=bit)} THEN {EVENTS[event][1]} ELSE 0 END"
            )
            listed.append(f"{part} AS {event}_{rule}")
    return ", ".join(listed)


def _bit(log: Path, channel: str) -> int:
    channels = read_manifest(log).channels
    if channel not in channels:
        raise DataError(f"{log}: channels == {list(channels)}, must hold {channel!r}")
    return 1 << channels.index(channel)


def _row(
    policy: str, rule: str, event: str, held_SU: Floats, all_SU: Floats, confidence: float
) -> PolicyShare:
    if not all_SU.any():
        return PolicyShare(policy, rule, event, UNKNOWN)
    found = share(held_SU, all_SU, confidence=confidence)
    return PolicyShare(policy, rule, event, found.interval)
