"""Heavy tails: means that a few large spenders cannot move, and on how few a total rests.

Each is another question than the mean, and has its own name. A change that sells more to the few
dearest shoppers moves the mean, and may move none of these.

- capped: the mean of min(value, cap), the cap being set before the data are seen.
- winsorised: the same at a quantile of the values of all arms together, so that the cap is one and
  the same for all (as GrowthBook's percentile capping, which may leave zeros out of the quantile,
  as Statsig's does). The interval holds the difference at the cap that was found. The luck of
  finding it moves the difference by (S2 - S1) times the cap's error, S1 and S2 being the shares of
  the two arms above it. So the interval covers the difference at the population's own cap as it
  should where the arms are alike, and less often the less alike their tails are: in simulations of
  600 to 3,000 log-normal spenders an arm, 94 to 95 % of the time for a lift of a fifth, 91 to 94 %
  where treatment has thrice as many above the cap (nominal: 95 %).
- trimmed: the mean without a share of each arm's smallest and largest values (Yuen, Biometrika 61,
  1974, 165-170): of an arm's n values the g = floor(share n) least and greatest are left out, and
  h = n - 2 g are left. Its variance is (n - 1) / (h (h - 1)) times that of the winsorised values,
  with h - 1 degrees of freedom.

A history may be adjusted for first (CUPED, and then Yuen's mean: Charette and Boudreault,
arXiv 2510.03468, 2025): see `adjusted_rows`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from experiments.inference.estimates import Level
from experiments.inference.intervals.student import ROUNDING
from experiments.inference.logs import rows as fetched
from experiments.inference.scorecard.ranks import Arm, by_arm, order_statistics, sizes
from experiments.records.interval import Number
from simulator.errors import ConfigError


@dataclass(frozen=True)
class Robust:
    """A mean that large values cannot move, of every arm.

    Attributes:
        name: which, as outputs call it.
        levels: by arm, as `estimates.compared` takes them; none where there is a reason. Of a
            trimmed mean, n counts the values that are left.
        ends: by arm, the value below which and the one above which values are drawn in or left out.
        touched: by arm, the share of its units of which this is true.
        reason: why there is nothing; "" where there is.
    """

    name: str
    levels: Mapping[Arm, Level] = field(default_factory=dict)
    ends: Mapping[Arm, tuple[float, float]] = field(default_factory=dict)
    touched: Mapping[Arm, float] = field(default_factory=dict)
    reason: str = ""


TOP = 0.01
"""Share of an arm's units that counts as the top."""


@dataclass(frozen=True)
class Concentration:
    """On how few units of an arm a total rests.

    Attributes:
        units: of the arm, those without anything too.
        buyers: units whose value is not 0.
        effective: (sum x)^2 / sum x^2 (Kish, Survey Sampling, 1965): so many equal buyers would
            give the total the same relative spread; None without a total.
        top: part of the total that the top 1 % of units hold (the next whole number of them); None
            where the total is not positive.
        reason: why there is no number; "" where there are some.
    """

    units: int
    buyers: int
    effective: Number
    top: Number
    reason: str = ""


def capped(connection: duckdb.DuckDBPyConnection, rows: str, *, cap: float) -> Robust:
    """Means of values of which none counts for more than a cap.

    Args:
        connection: open; all sums are taken in it.
        rows: SQL of rows (arm, value), one of each unit.
        cap: in the unit of the values.

    Raises:
        ConfigError: the cap is not a number.
    """
    if not math.isfinite(cap):
        raise ConfigError(f"cap == {cap}, must be finite")
    name = f"capped at {cap:g}"
    found, reason = _sized(connection, rows)
    if reason:
        return Robust(name, reason=reason)
    return _clipped(connection, rows, name, dict.fromkeys(found, (-math.inf, cap)))


def winsorised(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    *,
    upper: float = 0.99,
    lower: float = 0.0,
    zeros: bool = True,
) -> Robust:
    """Means of values that are drawn in to two quantiles of all arms together.

    Quantiles are interpolated between neighbours, as NumPy's and PostgreSQL's are.

    Args:
        connection: open; all sums are taken in it.
        rows: SQL of rows (arm, value), one of each unit.
        upper, lower: the quantiles, as shares; 1 and 0 draw nothing in.
        zeros: whether units of value 0 count in the quantiles. Where nine in ten buy nothing, a
            quantile of all units is that of a tenth of the buyers.

    Raises:
        ConfigError: the quantiles are not in order.
    """
    if not 0 <= lower < upper <= 1:
        raise ConfigError(f"lower, upper == {lower}, {upper}, must be 0 <= lower < upper <= 1")
    among = "" if zeros else " of values other than 0"
    part = f"{lower:.4g} and {upper:.4g}" if lower else f"{upper:.4g}"
    name = f"winsorised at quantile{'s' if lower else ''} {part}{among}"
    found, reason = _sized(connection, rows)
    if reason:
        return Robust(name, reason=reason)
    some = f"SELECT 0 AS arm, value FROM ({rows}){'' if zeros else ' WHERE value <> 0'}"
    n = sizes(connection, some).get(0, (0, 0))[0]
    if not n:
        return Robust(name, reason="every value is 0")
    places = [1 + (n - 1) * share for share in (lower, upper)]
    ranks = {math.floor(place) for place in places} | {math.ceil(place) for place in places}
    value = order_statistics(connection, some, {0: sorted(ranks)})[0]
    low, high = (_between(value, place) for place in places)
    ends = (low if lower else -math.inf, high if upper < 1 else math.inf)
    return _clipped(connection, rows, name, dict.fromkeys(found, ends))


def trimmed(connection: duckdb.DuckDBPyConnection, rows: str, *, share: float) -> Robust:
    """Means without a share of each arm's smallest values and the same share of its largest.

    Args:
        connection: open; all sums are taken in it.
        rows: SQL of rows (arm, value), one of each unit.
        share: left out at each end.

    Raises:
        ConfigError: nothing would be left out, or nothing be left.
    """
    if not 0 < share < 0.5:
        raise ConfigError(f"share == {share}, must be > 0 and < 0.5")
    name = f"trimmed by {share:.4g} at each end"
    found, reason = _sized(connection, rows)
    if reason:
        return Robust(name, reason=reason)
    out = {arm: int(share * n) for arm, n in found.items()}
    if any(n - 2 * out[arm] < 2 for arm, n in found.items()):
        return Robust(name, reason="an arm has fewer than 2 shoppers left")
    asked = {arm: (out[arm] + 1, n - out[arm]) for arm, n in found.items()}
    values = order_statistics(connection, rows, asked)
    ends = {arm: (values[arm][low], values[arm][high]) for arm, (low, high) in asked.items()}
    drawn = _clipped(connection, rows, name, ends)
    if drawn.reason:
        return drawn
    levels = {}
    for arm, n in found.items():
        left, level = n - 2 * out[arm], drawn.levels[arm]
        mean = (n * level.mean - out[arm] * sum(ends[arm])) / left
        scale = math.sqrt(n * (n - 1) / (left * (left - 1)))  # of the winsorised mean's error
        levels[arm] = Level(mean, level.error * scale, left)
    touched = {arm: 2 * out[arm] / n for arm, n in found.items()}
    return Robust(name, levels, ends, touched)


def adjusted_rows(rows: str) -> str:
    """SQL of rows (arm, value) less what a covariate explains of the values (CUPED).

    Theta is that of all arms together (Deng, Xu, Kohavi and Walker, WSDM 2013, eq. 4); 0 where the
    covariate does not vary.

    Args:
        rows: SQL of rows (arm, value, covariate), one of each unit.
    """
    return (
        "SELECT arm, value - theta * (covariate - middle) AS value "
        f"FROM ({rows}), (SELECT coalesce(covar_samp(value, covariate) "
        "/ nullif(var_samp(covariate), 0), 0) AS theta, avg(covariate) AS middle "
        f"FROM ({rows}))"
    )


def concentration(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[Arm, Concentration]:
    """How concentrated a column is in each arm.

    Args:
        connection: open; all sums are taken in it.
        rows: SQL of rows (arm, value), one of each unit.
    """
    found = sizes(connection, rows)
    if any(odd for _, odd in found.values()):
        reason = "a shopper's value is not a finite number"
        return {arm: Concentration(n, 0, None, None, reason) for arm, (n, _) in found.items()}
    many = {arm: math.ceil(TOP * n) for arm, (n, _) in found.items()}
    rank = {arm: n - many[arm] + 1 for arm, (n, _) in found.items()}
    edge = order_statistics(connection, rows, {arm: (at,) for arm, at in rank.items()})
    if not found:
        return {}
    least = {arm: values[rank[arm]] for arm, values in edge.items()}
    sums = fetched(
        connection,
        "SELECT arm, count(*) FILTER (value <> 0) AS buyers, sum(value) AS total, "
        "sum(value * value) AS square, sum(value) FILTER (value > edge) AS above, "
        "count(*) FILTER (value > edge) AS over FROM ("
        f"SELECT arm, value::DOUBLE AS value, {by_arm(least)} AS edge FROM ({rows})) "
        "GROUP BY arm ORDER BY arm",
    )
    result = {}
    for row in sums:
        arm, total, square = row["arm"], row["total"], row["square"]
        top = (row["above"] or 0.0) + (many[arm] - row["over"]) * least[arm]
        result[arm] = Concentration(
            units=found[arm][0],
            buyers=row["buyers"],
            effective=total**2 / square if square > 0 else None,
            top=top / total if total > 0 else None,
            reason="" if square > 0 else "nobody has anything",
        )
    return result


def _sized(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[dict[Arm, int], str]:
    """How many units each arm has, and why no mean can be told."""
    found = sizes(connection, rows)
    counts = {arm: n for arm, (n, _) in found.items()}
    if any(odd for _, odd in found.values()):
        return counts, "a shopper's value is not a finite number"
    if not counts:
        return counts, "there are no shoppers"
    if min(counts.values()) < 2:
        return counts, "an arm has fewer than 2 shoppers"
    return counts, ""


def _clipped(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    name: str,
    ends: Mapping[Arm, tuple[float, float]],
) -> Robust:
    """Means of values that are drawn in to two ends, which may differ by arm."""
    low, high = (by_arm({arm: pair[end] for arm, pair in ends.items()}) for end in (0, 1))
    found = fetched(
        connection,
        "SELECT arm, count(*) AS n, avg(drawn) AS mean, var_samp(drawn) AS variance, "
        "avg(drawn * drawn) AS square, avg((value <> drawn)::INTEGER) AS touched FROM ("
        f"SELECT arm, value, least(greatest(value::DOUBLE, {low}), {high}) AS drawn FROM ({rows})) "
        "GROUP BY arm ORDER BY arm",
    )
    levels, touched = {}, {}
    for row in found:
        varies = row["variance"] > ROUNDING * row["square"]
        error = math.sqrt(row["variance"] / row["n"]) if varies else 0.0
        levels[row["arm"]] = Level(row["mean"], error, row["n"])
        touched[row["arm"]] = row["touched"]
    if not any(level.error for level in levels.values()):
        return Robust(name, reason="no variation between shoppers is left")
    return Robust(name, levels, dict(ends), touched)


def _between(value: Mapping[int, float], place: float) -> float:
    """The value at a place between two ranks."""
    low, high = value[math.floor(place)], value[math.ceil(place)]
    return low + (place - math.floor(place)) * (high - low)
