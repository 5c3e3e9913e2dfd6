"""What a log says beside its estimates: the funnel, overlap, latency, endings, health."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from experiments.inference.diagnostics.srm import SRM_ALARM
from experiments.inference.logs import Manifest, rows, scan
from experiments.inference.units import counted_rows
from experiments.records.metrics import (
    Dropped,
    EndReason,
    FunnelCount,
    Hour,
    Latency,
    SampleRatio,
    Traffic,
    Without,
)
from simulator.protocols import FaultReason

DROP_ALARM = 0.01
"""Share of an arm's requests for which a channel may be late before the report warns."""

SIMULATED = (FaultReason.DEADLINE, FaultReason.BUSY)
"""Reasons that are of the world's making: nothing failed."""


def funnel(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, *, slots: bool = False
) -> list[FunnelCount]:
    """How many candidates are left after each stage, in total and per request.

    What each channel recalled is known of the sampled requests only and scaled up by the merged
    candidates of all requests (a ratio estimate); without a sample these stages are left out.

    Args:
        slots: whether slots of one page count for several arms: all requests are every arm's then,
            shown is what it placed, and candidates are known of the arm that requests count for.
    """
    requests = _by_arm(
        connection,
        "SELECT arm, count(*) AS requests, sum(merged)::BIGINT AS merged, "
        f"sum(ranked)::BIGINT AS ranked, sum(shown)::BIGINT AS shown FROM {scan(log, 'requests')}",
    )
    exposures = _by_arm(
        connection,
        "SELECT arm, count(*) FILTER (clicked) AS clicked, count(*) FILTER (carted) AS carted "
        f"FROM {scan(log, 'exposures')}",
    )
    orders = _by_arm(connection, f"SELECT arm, count(*) AS purchased FROM {scan(log, 'orders')}")
    bits = [f"avg((sources >> {c} & 1)::DOUBLE) AS c{c}" for c in range(len(manifest.channels))]
    recalled = _by_arm(
        connection,
        f"SELECT arm, {', '.join(bits)} FROM {scan(log, 'candidates')} "
        f"JOIN (SELECT request, arm FROM {scan(log, 'requests')}) USING (request)",
    )
    if slots:
        placed = f"SELECT arm, count(*) AS shown FROM {scan(log, 'exposures')}"
        requests = _shared(requests, _by_arm(connection, placed), len(manifest.arms))
    result = []
    for arm, name in enumerate(manifest.arms):
        counts = requests.get(arm, dict.fromkeys(("requests", "merged", "ranked", "shown"), 0))
        stages: dict[str, int] = {"requests": counts["requests"]}
        for c, channel in enumerate(manifest.channels):
            if arm in recalled:
                stages[f"recalled:{channel}"] = round(recalled[arm][f"c{c}"] * counts["merged"])
        stages |= {s: counts[s] for s in ("merged", "ranked", "shown") if s in counts}
        stages |= exposures.get(arm, {"clicked": 0, "carted": 0})
        stages |= orders.get(arm, {"purchased": 0})
        result += [
            FunnelCount(
                arm=name,
                stage=stage,
                count=count,
                per_request=count / counts["requests"] if counts["requests"] else None,
            )
            for stage, count in stages.items()
        ]
    return result


def _shared(
    requests: Mapping[int, dict[str, Any]], placed: Mapping[int, dict[str, Any]], arms: int
) -> dict[int, dict[str, Any]]:
    """Counts of requests that all arms have served together, by arm."""
    asked = sum(counts["requests"] for counts in requests.values())
    every = {arm: {"requests": asked, "shown": 0} for arm in range(arms)}
    return {arm: requests.get(arm, {}) | own | placed.get(arm, {}) for arm, own in every.items()}


def _by_arm(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[int, dict[str, Any]]:
    return {row.pop("arm"): row for row in rows(connection, f"{sql} GROUP BY arm")}


def latency(connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest) -> list[Latency]:
    """Page latency of each arm: mean, quantiles (interpolated) and the slowest page, in seconds."""
    found = rows(
        connection,
        "SELECT arm, avg(latency::DOUBLE) AS mean, "
        "quantile_cont(latency, [0.5, 0.9, 0.99]) AS quantiles, max(latency) AS max "
        f"FROM {scan(log, 'requests')} GROUP BY arm ORDER BY arm",
    )
    return [
        Latency(manifest.arms[row["arm"]], row["mean"], p50, p90, p99, row["max"])
        for row in found
        for p50, p90, p99 in [row["quantiles"]]
    ]


def by_hour(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest
) -> tuple[tuple[Hour, ...], tuple[Without, ...]]:
    """Page latency by hour of the day, and the pages that came without a channel."""
    channels = manifest.channels
    bits = [f"sum(dropped >> {c} & 1)::BIGINT AS c{c}" for c in range(len(channels))]
    found = rows(
        connection,
        'SELECT arm, (floor("at" / 3600) % 24)::INTEGER AS hour, count(*) AS requests, '
        f"avg(latency::DOUBLE) AS mean, quantile_cont(latency, 0.99) AS p99, {', '.join(bits)} "
        f"FROM {scan(log, 'requests')} GROUP BY arm, hour ORDER BY arm, hour",
    )
    ever = {(row["arm"], c) for row in found for c in range(len(channels)) if row[f"c{c}"]}
    hours = [
        Hour(manifest.arms[row["arm"]], row["hour"], row["requests"], row["mean"], row["p99"])
        for row in found
    ]
    without = [
        Without(manifest.arms[arm], name, row["hour"], row[f"c{c}"], row[f"c{c}"] / row["requests"])
        for c, name in enumerate(channels)
        for row in found
        for arm in (row["arm"],)
        if (arm, c) in ever
    ]
    return tuple(hours), tuple(without)


def end_reasons(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest
) -> list[EndReason]:
    """Why sessions ended, the commonest reason first."""
    found = rows(
        connection,
        "SELECT arm, end_reason::VARCHAR AS reason, count(*) AS sessions, "
        "count(*) / sum(count(*)) OVER (PARTITION BY arm) AS share "
        f"FROM {scan(log, 'sessions')} GROUP BY arm, reason ORDER BY arm, sessions DESC, reason",
    )
    return [EndReason(**row | {"arm": manifest.arms[row["arm"]]}) for row in found]


def traffic(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, *, slots: bool = False
) -> list[Traffic]:
    """Requests, sessions, shoppers, zero-result rate and abandonment of each arm.

    Where slots of one page count for several arms (`slots`), all have all.
    """
    served = _by_arm(
        connection,
        "SELECT arm, count(*) AS requests, count(DISTINCT shopper) AS shoppers, "
        "count(*) FILTER (page = 0 AND shown = 0) / nullif(count(*) FILTER (page = 0), 0) "
        f"AS zero_result_rate FROM {scan(log, 'requests')}",
    )
    lived = _by_arm(
        connection,
        "SELECT arm, count(*) AS sessions, count(*) FILTER (NOT clicked) / count(*) AS abandonment "
        f"FROM {counted_rows(log, 'sessions')}",
    )
    none = {"requests": 0, "shoppers": 0, "zero_result_rate": None}
    nobody = {"sessions": 0, "abandonment": None}
    if slots:
        served = {arm: each for each in served.values() for arm in range(len(manifest.arms))}
        lived = {arm: each for each in lived.values() for arm in range(len(manifest.arms))}
    return [
        Traffic(arm=name, **served.get(arm, none), **lived.get(arm, nobody))
        for arm, name in enumerate(manifest.arms)
    ]


def dropped(manifest: Manifest, requests: Mapping[str, int]) -> list[Dropped]:
    """The channels that failed, and the share of their arm's requests that went without them."""
    served = [(fault, requests.get(fault["arm"])) for fault in manifest.faults]
    return [
        Dropped(**{"detail": ""} | fault, share=fault["requests"] / of if of else None)
        for fault, of in served
    ]


def warnings(
    failed: Iterable[Dropped],
    srm: Iterable[SampleRatio],
    stages: Iterable[FunnelCount],
    estimates: Iterable[str],
    strays: int,
) -> list[str]:
    """What a reader must know before believing the numbers, in plain words, gravest first.

    A channel that failed is told however seldom it did, one that was late or busy where that was
    often.

    Args:
        failed: channels that were dropped.
        srm: sample ratio tests.
        stages: counts of the funnel.
        estimates: warnings of the estimates; "" of those that have none.
        strays: shoppers served by an arm that they were not assigned to.
    """
    result = [
        f"sample ratio mismatch among {test.population} {test.unit} (p = {test.p_value:.2g}): the "
        "arms do not hold the shares they should, so their difference may not be the treatment's"
        for test in srm
        if test.p_value is not None and test.p_value < SRM_ALARM
    ]
    if strays:
        result.append(f"{strays} shoppers were served by an arm that they were not assigned to")
    result += [
        f"arm {row.arm} has no {row.stage} at all"
        for row in stages
        if row.count == 0 and row.stage in ("requests", "shown", "clicked", "purchased")
    ]
    result += [
        f"arm {row.arm}: channel {row.channel} was dropped from {row.share:.1%} of "
        f"requests ({row.reason}{': ' + row.detail if row.detail else ''})"
        for row in failed
        if row.share is not None and (row.share > DROP_ALARM or row.reason not in SIMULATED)
    ]
    return result + [warning for warning in estimates if warning]
