"""What share of exposures, clicks, purchases and GMV each channel touched.

Any-touch: an event counts for every channel that found its item, so an arm's shares sum to more
than 1. A share is a ratio of sums over shoppers, and its interval the delta method's at shopper
level, because one shopper's events are not independent.
"""

import math
from pathlib import Path

import duckdb
from scipy import stats

from experiments.inference.logs import read_manifest, rows, scan
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Share

EVENTS = {
    "exposure": ("exposures", "1"),
    "click": ("exposures", "clicked::INTEGER"),
    "purchase": ("orders", "1"),
    "gmv": ("orders", "price::DOUBLE * quantity"),
}
"""By event: the table it is logged in, and what one row of it weighs."""

RULES = {"any_touch": "sources & {bit} != 0", "exclusive": "sources = {bit}"}
"""By rule: when an event counts for the channel of a bit: it found the item; no other one did."""


def channel_shares(
    connection: duckdb.DuckDBPyConnection, log: Path, *, confidence: float = 0.95
) -> list[Share]:
    """Any-touch shares of every channel, event and arm, from the `sources` bitmasks.

    The units are the shoppers with a row in the event's table (exposures or orders). There is no
    interval where all shoppers agree (a share of exactly 0 or 1, or a single shopper): no spread
    is no measure of certainty.
    """
    manifest = read_manifest(log)
    of_arm: dict[int, dict[str, float]] = {arm: {} for arm in range(len(manifest.arms))}
    for table in ("exposures", "orders"):
        for row in rows(connection, _statistics(log, table, len(manifest.channels))):
            of_arm[row["arm"]] |= row
    return [
        Share(channel, event, "any_touch", arm, _interval(of_arm[a], event, c, confidence))
        for event in EVENTS
        for a, arm in enumerate(manifest.arms)
        for c, channel in enumerate(manifest.channels)
    ]


def _statistics(log: Path, table: str, channels: int) -> str:
    """SQL of each arm's means, variances and covariances over the shoppers of one table.

    Column `click` is a shopper's clicks, `click_2` those that channel 2 touched.
    """
    events = {event: weight for event, (source, weight) in EVENTS.items() if source == table}
    sums, moments = [], []
    for event, weight in events.items():
        sums.append(f"sum({weight})::DOUBLE AS {event}")
        moments.append(f"count(*) AS {event}_n, avg({event}) AS {event}")
        moments.append(f"var_samp({event}) AS {event}_var")
        for touched, bit in ((f"{event}_{c}", 1 << c) for c in range(channels)):
            sums.append(
                f"coalesce(sum({weight}) FILTER ({RULES['any_touch'].format(bit=bit)}), 0)::DOUBLE "
                f"AS {touched}"
            )
            moments.append(f"avg({touched}) AS {touched}, var_samp({touched}) AS {touched}_var")
            moments.append(f"covar_samp({touched}, {event}) AS {touched}_cov")
    shoppers = f"SELECT arm, shopper, {', '.join(sums)} FROM {scan(log, table)} GROUP BY ALL"
    return f"SELECT arm, {', '.join(moments)} FROM ({shoppers}) GROUP BY arm"


def _interval(row: dict[str, float], event: str, channel: int, confidence: float) -> Interval:
    total, touched = row.get(event, 0.0), f"{event}_{channel}"
    if total <= 0:
        return UNKNOWN
    share, n = row[touched] / total, row[f"{event}_n"]
    alone = Interval(share, None, None)
    if n < 2 or share in (0.0, 1.0):
        return alone
    variance = (
        row[f"{touched}_var"] - 2 * share * row[f"{touched}_cov"] + share**2 * row[f"{event}_var"]
    ) / (total**2 * n)
    if variance <= 0:
        return alone
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * math.sqrt(variance)
    return Interval(share, share - half, share + half).within(0.0, 1.0)
