"""How arms differ in what passes their funnels, in how late pages are, and in how sessions end.

Every number is a smooth function of totals over shoppers, or a quantile of their pages. Its error
is that of the sum of what each shopper adds to it (the delta method), so pages of one shopper may
depend on each other. That of a quantile is read off the quantiles at the ends of the interval of
the share of pages below it (Deng, Knoblich and Lu, "Applying the delta method in metric analytics",
KDD 2018, section 4.3). Totals are of whole numbers, latencies of microseconds, so equal worlds give
equal numbers, to the bit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import duckdb

from experiments.inference.estimates import Level, blank, compared
from experiments.inference.logs import Manifest, rows, scan
from experiments.records.metrics import Contrast, EndReason, Estimate, Latency

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
LATENCY = "latency:"
ENDED = "ended:"
_MICRO = 1_000_000
_REACH = 1.959963984540054  # standard errors of the share below a quantile, to either side


@dataclass(frozen=True)
class _Totals:
    """Sums over the shoppers of an arm, of columns and of products of two columns.

    Attributes:
        n: shoppers with a request.
        sums, products: by name, and by both names in the order of the columns.
    """

    n: int
    sums: Mapping[str, int]
    products: Mapping[tuple[str, str], int]

    def ratio(self, *parts: tuple[str, str]) -> Level | None:
        """The product of ratios of sums, (numerator, denominator) each; None where one is 0 / 0."""
        if self.n == 0 or not all(self.sums[below] for _, below in parts):
            return None
        values = [self.sums[above] / self.sums[below] for above, below in parts]
        slope: dict[str, float] = {}
        for at, (above, below) in enumerate(parts):
            others = math.prod(values[:at] + values[at + 1 :]) / self.sums[below]
            slope[above] = slope.get(above, 0.0) + others
            slope[below] = slope.get(below, 0.0) - others * values[at]
        return Level(math.prod(values), self._error(slope), self.n)

    def _error(self, slope: Mapping[str, float]) -> float:
        """Standard error of a sum of what shoppers add, whose mean over them is 0."""
        if self.n < 2:
            return 0.0
        terms = [
            one * other * self.products[min(a, b), max(a, b)]
            for a, one in slope.items()
            for b, other in slope.items()
        ]
        squares = math.fsum(terms)
        rounding = 1e-13 * math.fsum(abs(term) for term in terms)
        return math.sqrt(squares * self.n / (self.n - 1)) if squares > rounding else 0.0


def service(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    manifest: Manifest,
    late: Sequence[Latency],
    ended: Sequence[EndReason],
    contrasts: Iterable[Contrast],
    confidence: float,
) -> tuple[Estimate, ...]:
    """A row for each number of the service and each contrast; only of what both arms have.

    The metric is a stage of the funnel (per request), `latency:` and `mean`, `p50`, `p90` or `p99`
    (s), or `ended:` and a reason (share of sessions).

    Args:
        connection: where the log is read.
        log: of an experiment that splits shoppers.
        manifest: the log's.
        late, ended: what the log says of latency and of ends of sessions.
        contrasts: of names of arms.
        confidence: level of the intervals.
    """
    asked = list(contrasts)
    levels = _levels(connection, log, manifest, late, ended) if asked else {}
    found = []
    for control, treatment in asked:
        one, two = levels.get(control, {}), levels.get(treatment, {})
        for metric in (name for name in one if name in two):
            row = blank(metric, (control, treatment), (one[metric].n, two[metric].n))
            found.append(compared(row, one[metric], two[metric], confidence)[0])
    return tuple(found)


def _levels(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    manifest: Manifest,
    late: Sequence[Latency],
    ended: Sequence[EndReason],
) -> dict[str, dict[str, Level]]:
    """By arm, every number that it has and that could be other."""
    below = {
        name: {manifest.arms.index(row.arm): float(getattr(row, name)) for row in late}
        for name in QUANTILES
    }
    ends = sorted({row.reason for row in ended})
    columns = _collect(connection, log, len(manifest.channels), ends, below)
    ratios: dict[str, list[tuple[str, str]]] = {
        **{
            f"recalled:{name}": [(f"found{c}", "sampled"), ("merged", "requests")]
            for c, name in enumerate(manifest.channels)
        },
        **{
            stage: [(stage, "requests")]
            for stage in ("merged", "ranked", "shown", "clicked", "carted", "purchased")
        },
        f"{LATENCY}mean": [("micros", "requests")],
        **{f"{LATENCY}{name}": [(name, "requests")] for name in QUANTILES},
        **{f"{ENDED}{reason}": [(f"end{at}", "sessions")] for at, reason in enumerate(ends)},
    }
    found: dict[str, dict[str, Level]] = {}
    for arm, totals in _totals(connection, columns, ratios.values()).items():
        levels = {name: totals.ratio(*parts) for name, parts in ratios.items()}
        known = {name: level for name, level in levels.items() if level is not None}
        mean = known.get(f"{LATENCY}mean")
        if mean is not None:
            known[f"{LATENCY}mean"] = Level(mean.mean / _MICRO, mean.error / _MICRO, mean.n)
        known |= _quantiles(connection, log, arm, known, {n: below[n][arm] for n in QUANTILES})
        found[manifest.arms[arm]] = known
    return found


def _quantiles(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    arm: int,
    shares: Mapping[str, Level],
    values: Mapping[str, float],
) -> dict[str, Level]:
    """Quantiles of an arm's page latency, by metric.

    The error of each is half as wide as it reaches, over as many errors.

    Args:
        shares: of the arm's pages that are no later than the quantile, by metric.
        values: the quantiles.
    """
    ends = []
    for name, share in QUANTILES.items():
        half = _REACH * shares[f"{LATENCY}{name}"].error
        ends += [max(share - half, 0.0), min(share + half, 1.0)]
    (row,) = rows(
        connection,
        f"SELECT quantile_cont(latency, {ends}) AS at FROM {scan(log, 'requests')} "
        f"WHERE arm = {arm}",
    )
    found = {}
    for at, name in enumerate(QUANTILES):
        low, high = row["at"][2 * at : 2 * at + 2]
        metric = f"{LATENCY}{name}"
        found[metric] = Level(values[name], (high - low) / (2 * _REACH), shares[metric].n)
    return found


def _collect(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    channels: int,
    ends: list[str],
    below: Mapping[str, Mapping[int, float]],
) -> list[str]:
    """Make a temporary table of the sums of each arm's shoppers; the names of its columns."""
    late = ", ".join(
        "count(*) FILTER (latency <= CASE arm "
        + " ".join(f"WHEN {arm} THEN {at!r}" for arm, at in (by_arm or {-1: 0.0}).items())
        + f" END) AS {name}"
        for name, by_arm in below.items()
    )
    found = "".join(f", sum(sources >> {c} & 1) AS found{c}" for c in range(channels))
    ended = "".join(
        f", count(*) FILTER (end_reason::VARCHAR = {_text(reason)}) AS end{at}"
        for at, reason in enumerate(ends)
    )
    requests = scan(log, "requests")
    parts = [
        "count(*) AS requests, sum(merged) AS merged, sum(ranked) AS ranked, sum(shown) AS shown, "
        f"sum(CAST(round(latency::DOUBLE * {_MICRO}) AS BIGINT)) AS micros"
        f", {late} FROM {requests}",
        "count(*) FILTER (clicked) AS clicked, count(*) FILTER (carted) AS carted "
        f"FROM {scan(log, 'exposures')}",
        f"count(*) AS purchased FROM {scan(log, 'orders')}",
        f"count(*) AS sampled{found} FROM {scan(log, 'candidates')} "
        f"JOIN (SELECT request, arm, shopper FROM {requests}) USING (request)",
        f"count(*) AS sessions{ended} FROM {scan(log, 'sessions')}",
    ]
    union = " UNION ALL BY NAME ".join(
        f"SELECT arm, shopper, {part} GROUP BY arm, shopper" for part in parts
    )
    named = ["requests", "merged", "ranked", "shown", "micros", *below, "clicked", "carted"]
    named += ["purchased", "sampled", *(f"found{c}" for c in range(channels)), "sessions"]
    named += [f"end{at}" for at in range(len(ends))]
    summed = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in named)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE service AS SELECT arm, shopper, {summed} FROM ({union}) "
        "GROUP BY arm, shopper HAVING sum(requests) > 0"
    )
    return named


def _text(value: str) -> str:
    """SQL of a text."""
    return "'" + value.replace("'", "''") + "'"


def _totals(
    connection: duckdb.DuckDBPyConnection,
    columns: list[str],
    ratios: Iterable[list[tuple[str, str]]],
) -> dict[int, _Totals]:
    """Sums over the shoppers of each arm: of the columns, and of the products that ratios need."""
    pairs = sorted(
        {
            (min(pair), max(pair))
            for parts in ratios
            for pair in combinations_with_replacement({name for part in parts for name in part}, 2)
        }
    )
    sums = ", ".join(f"sum({name})::HUGEINT AS {name}" for name in columns)
    products = "".join(
        f", sum({a}::HUGEINT * {b}) AS product{at}" for at, (a, b) in enumerate(pairs)
    )
    found = rows(
        connection,
        f"SELECT arm, count(*) AS n, {sums}{products} FROM service GROUP BY arm ORDER BY arm",
    )
    connection.execute("DROP TABLE service")
    return {
        row["arm"]: _Totals(
            row["n"],
            {name: int(row[name]) for name in columns},
            {pair: int(row[f"product{at}"]) for at, pair in enumerate(pairs)},
        )
        for row in found
    }
