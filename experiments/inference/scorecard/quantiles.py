"""Quantiles of rows that belong to shoppers: the slowest pages, the dearest baskets.

Shoppers are drawn into the arms, with all of their rows, so the rows of one are no independent
witnesses. The share of rows at or below the quantile q is a ratio of sums over shoppers, and its
standard error s is that of a ratio (delta method). From it follows the quantile's own, without a
density: the share p lies within p - z s and p + z s, so the quantile lies between the values of
these ranks, and its error is the width of that interval over 2 z (Woodruff, Journal of the American
Statistical Association 47, 1952, 635-646; outer ranks: Deng, Knoblich and Lu, "Applying the delta
method in metric analytics", KDD 2018, sections 4.1 and 4.2).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
from scipy import special

from experiments.inference.estimates import Level
from experiments.inference.logs import rows as fetched
from experiments.inference.scorecard.ranks import Arm, by_arm, order_statistics, sizes
from simulator.errors import ConfigError

_WITHIN = float(special.ndtri(0.975))  # of the interval whose width gives the error
_ROUNDING = 1e-9  # of a rank: a share times a count that is a whole number is one


@dataclass(frozen=True)
class Quantiles:
    """A quantile of the rows of every arm.

    Attributes:
        quantile: which, as a share.
        values: by arm, the least value that so large a share of its rows does not exceed.
        levels: by arm, the same with its error, for `estimates.compared`; n counts shoppers.
        reasons: by arm, why it has no level.
    """

    quantile: float
    values: Mapping[Arm, float] = field(default_factory=dict)
    levels: Mapping[Arm, Level] = field(default_factory=dict)
    reasons: Mapping[Arm, str] = field(default_factory=dict)


def quantiles(connection: duckdb.DuckDBPyConnection, rows: str, *, quantile: float) -> Quantiles:
    """A quantile of rows in each arm, with the error that shoppers give it.

    Args:
        connection: open; all sums are taken in it.
        rows: SQL of rows (arm, unit, value), as many of each unit as it has.
        quantile: as a share, such as 0.99.

    Raises:
        ConfigError: it is not a share.
    """
    if not 0 < quantile < 1:
        raise ConfigError(f"quantile == {quantile}, must be > 0 and < 1")
    counts = sizes(connection, rows)
    reasons = {
        arm: "a row's value is not a finite number" for arm, (_, odd) in counts.items() if odd
    }
    n = {arm: count for arm, (count, _) in counts.items() if arm not in reasons}
    places = {arm: max(math.ceil(quantile * count - _ROUNDING), 1) for arm, count in n.items()}
    found = order_statistics(connection, rows, {arm: (at,) for arm, at in places.items()})
    values = {arm: found[arm][at] for arm, at in places.items()}
    shares = _shares(connection, rows, values) if values else {}
    ranks = {}
    for arm, (units, share, error) in shares.items():
        low, high = (quantile + side * _WITHIN * error for side in (-1, 1))
        if units < 2:
            reasons[arm] = "an arm has fewer than 2 shoppers with a row"
        elif share == 1:
            reasons[arm] = "no row lies above the quantile, so its error cannot be told"
        elif low * n[arm] < 1 or high >= 1:
            reasons[arm] = "too few shoppers for a quantile so far out"
        else:
            ranks[arm] = math.floor(low * n[arm]), min(math.floor(high * n[arm]) + 1, n[arm])
    ends = order_statistics(connection, rows, ranks)
    levels = {}
    for arm, (low_rank, high_rank) in ranks.items():
        width = ends[arm][high_rank] - ends[arm][low_rank]
        if width > 0:
            levels[arm] = Level(values[arm], width / (2 * _WITHIN), shares[arm][0])
        else:
            reasons[arm] = "many rows share the quantile's value, so its error cannot be told"
    return Quantiles(quantile, values, levels, reasons)


def _shares(
    connection: duckdb.DuckDBPyConnection, rows: str, values: Mapping[Arm, float]
) -> dict[Arm, tuple[int, float, float]]:
    """By arm: its units, the share of rows at or below a value, and that share's standard error."""
    known = f"SELECT * FROM ({rows}) WHERE {by_arm(values)} IS NOT NULL"
    found = fetched(
        connection,
        "SELECT arm, count(*) AS units, avg(below) AS below, avg(n) AS n, var_samp(below) AS vb, "
        "var_samp(n) AS vn, covar_samp(below, n) AS cov FROM ("
        f"SELECT arm, unit, count(*) AS n, count(*) FILTER (value::DOUBLE <= {by_arm(values)}) "
        f"AS below FROM ({known}) GROUP BY arm, unit) GROUP BY arm",
    )
    shares = {}
    for row in found:
        share, error = row["below"] / row["n"], 0.0
        if row["units"] > 1:
            variance = row["vb"] + share**2 * row["vn"] - 2 * share * row["cov"]
            error = math.sqrt(max(variance, 0.0) / row["units"]) / row["n"]
        shares[row["arm"]] = row["units"], share, error
    return shares
