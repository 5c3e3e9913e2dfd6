"""Credit of every channel by rule, of every kind of event, arm and part of a log; and overlap."""

import math
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.attribution.credit.checks import refuse
from experiments.attribution.credit.pages import order_bits
from experiments.attribution.credit.segments import (
    Items,
    drop_segments,
    make_segments,
)
from experiments.attribution.credit.sums import SOURCES, Moments, Pass, run
from experiments.config.attribution import PAGE_RULES, AttributionSpec
from experiments.inference.events import KINDS
from experiments.inference.intervals.student import ROUNDING, wilson
from experiments.inference.logs import Manifest, rows, scan
from experiments.records.attribution import EVENTS, FUNNEL, CreditRow, Event, Overlap
from experiments.records.interval import Interval

Floats = NDArray[np.float64]


def credit_rows(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    manifest: Manifest,
    spec: AttributionSpec,
    *,
    order: tuple[str, ...],
    catalog: Items,
    confidence: float,
) -> list[CreditRow]:
    """What each rule gives each channel, of every kind of event, arm and part of the log.

    Args:
        connection: of `experiments.inference.logs.engine`; rules over paths need `path_credits`.
        log, manifest: a log folder and what it says of itself.
        spec: head, torso, new_days and rules; "markov" credits no single event and is passed over.
        order: channels in the order in which rule "first" credits them; none: as the manifest.
        catalog: items, and the history log.
        confidence: level of the intervals.

    Returns:
        Rows by rule, event, arm, part and channel; parts without such an event are left out, but
        for the whole, whose share is then None.

    Raises:
        ConfigError: `order` does not name every channel once.
        DataError: the log cannot be credited by these rules (`events.refuse`).
        ContractError: `path_credits` lacks carts or purchases.
    """
    rules = [rule for rule in spec.rules if rule != "markov"]
    refuse(connection, log, manifest, rules)
    bits = order_bits(order, manifest.channels)
    page = tuple(rule for rule in rules if rule in PAGE_RULES)
    path = tuple(rule for rule in rules if rule not in PAGE_RULES)
    alone = page if "fractional" in page or not path else (*page, "fractional")
    segments = make_segments(connection, log, spec, catalog)
    tables: dict[Event, dict[str, list[CreditRow]]] = {}
    units_AP = np.zeros((0, 0))
    for source, events in SOURCES.items():
        known = (alone, ()) if source == "page" else (page, path)
        done = Pass(source, log, manifest, segments, *known, bits)
        moments = run(connection, done)
        units_AP = units_AP if source == "cart" else moments.units_AP
        for e, event in enumerate(events):
            tables[event] = _rows(done, moments, units_AP, e, event, confidence)
    drop_segments(connection)
    return [
        row if row.rule == rule else replace(row, rule=rule)
        for rule in (*page, *path)
        for event in EVENTS
        for row in tables[event].get(rule) or tables[event]["fractional"]
    ]


def _rows(
    one: Pass, found: Moments, units_AP: Floats, e: int, event: Event, confidence: float
) -> dict[str, list[CreditRow]]:
    """By rule, ratios of sums and their intervals (`wilson`), of one kind of event."""
    t_AP, x_APK = found.t_APE[:, :, e], found.x_APEK[:, :, e]
    xx_APK, xt_APK = found.xx_APEK[:, :, e], found.xt_APEK[:, :, e]
    tt_AP1, n_AP1 = found.tt_APE[:, :, e, None], units_AP[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        share_APK = np.where(t_AP[:, :, None] > 0, x_APK / t_AP[:, :, None], np.nan)
        square_APK = xx_APK - 2 * share_APK * xt_APK + share_APK**2 * tt_AP1
        spread = square_APK > ROUNDING * (xx_APK + share_APK**2 * tt_AP1)
        known = (n_AP1 >= 2) & spread & (share_APK != 0) & (share_APK != 1)
        variance_APK = square_APK * (n_AP1 / (n_AP1 - 1)) / t_AP[:, :, None] ** 2
        error_APK = np.where(known, np.sqrt(np.maximum(variance_APK, 0)), np.nan)
        freedom_AP1 = np.maximum(n_AP1 - 1, 1)
        low_APK, high_APK = wilson(share_APK, error_APK, freedom_AP1, confidence=confidence)
    ends_APK3 = np.stack([share_APK, low_APK, high_APK], axis=-1)
    rows: dict[str, list[CreditRow]] = {rule: [] for rule in one.rules}
    columns = list(enumerate((rule, each) for rule in one.rules for each in one.manifest.channels))
    for a, arm in enumerate(one.manifest.arms):
        for p, (cut, part) in enumerate(one.segments.parts):
            total, shoppers = float(t_AP[a, p]), int(found.having_APE[a, p, e])
            for k, (rule, channel) in columns if total > 0 or cut == "all" else ():
                ends = ends_APK3[a, p, k].tolist()
                share = Interval(*(None if math.isnan(end) else end for end in ends))
                names, credit = (rule, channel, event, arm, cut, part), float(x_APK[a, p, k])
                rows[rule].append(CreditRow(*names, credit, total, share, shoppers))
    return rows


def overlap(connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest) -> list[Overlap]:
    """How many events of `FUNNEL` each exact set of channels found, largest first."""
    result = []
    for event in FUNNEL:
        kind = KINDS[event]
        found = rows(
            connection,
            f"SELECT arm, sources, count(*) AS count, count(*) / sum(count(*)) OVER "
            f"(PARTITION BY arm) AS share FROM {scan(log, kind.table)} WHERE {kind.weight} > 0 "
            "GROUP BY arm, sources ORDER BY arm, count DESC, sources",
        )
        for row in found:
            held = (each for c, each in enumerate(manifest.channels) if row["sources"] >> c & 1)
            arm, counts = manifest.arms[row["arm"]], (row["count"], row["share"])
            result.append(Overlap(arm, event, tuple(held), *counts))
    return result
