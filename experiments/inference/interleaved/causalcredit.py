"""The causal credit of interleaved pages: what is bought because an item was shown.

Credit of slots favours a channel that finds again what would have been bought anyway: the item is
bought from its slot, and would have been bought from another page of the visit without it. So what
is bought of items that were left off counts, too (Sato, "Online evaluation methods for the causal
effect of recommendations", RecSys 2021).

A first page is drawn so (`ranking.interleaving.draft.contest`): what only one arm's page has is
paired with what only the other's has, and a fair coin shows one item of each pair. For a contested
item i let Z[i] be 1 where it is shown and Y[i] what the shopper buys of it in the same session from
that page on, whether from this page or a later one. Y[i] may hang on all of the page; let

    tau[i] = E(Y[i] | Z[i] = 1) - E(Y[i] | Z[i] = 0)

over the shopper's luck and the coins of all other items. Z[i] is a coin, independent of both, and
shows i with p = 1/2, so by inverse propensities (Sato's eq. 8)

    E(Z[i] Y[i] / p - (1 - Z[i]) Y[i] / (1 - p)) = tau[i]

and x[i] = 2 (2 Z[i] - 1) Y[i] is an unbiased estimate of it. The credit of an arm is the sum of x
over its contested items, per shopper. What both pages have is shown under either arm and cancels;
what has no rival, because the other arm found less, is always shown, and nothing is known of it
without. (Team drafts without these coins will not do: both arms' best items are always there, so
that p = 1, which Sato's positivity forbids.)

Since an item is left off where its rival is shown, the difference of a pair (a, b) of treatment and
control is x[a] - x[b] = 2 (2 Z[a] - 1) (Y[a] + Y[b]): what is bought of both where a is shown, less
what is bought of both where b is.

Pairs of a shopper are alike, so shoppers are what varies: the credit is a mean over exposed
shoppers, with their sample variance and the covariance of both arms.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import duckdb

from experiments.inference.intervals.student import student
from experiments.inference.logs import exact_sum, read_manifest, rows, scan
from experiments.inference.metrics import UNIT_COLUMNS, Metric
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import CausalCredit, Contrast
from simulator.log.tables import CONTESTED

OUTCOMES = MappingProxyType(
    {
        "clicks": ("exposures", "clicked::INTEGER"),
        "carts": ("exposures", "carted::INTEGER"),
        "orders": ("orders", "1"),
        "gmv": ("orders", UNIT_COLUMNS["gmv"].value),
    }
)
"""By column of the unit table what can be told item by item: its table, and SQL of a row's part."""


def has_contest(log: Path) -> bool:
    """Whether coins have left items off the pages of a log."""
    return (log / CONTESTED).is_dir()


def told_by_item(metrics: Iterable[Metric]) -> list[Metric]:
    """Those of the metrics that have a causal credit: totals of what is done with items."""
    return [each for each in metrics if each.denominator is None and each.numerator in OUTCOMES]


def causal_credit(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    metrics: Sequence[Metric],
    contrast: Contrast,
    *,
    confidence: float,
) -> list[tuple[CausalCredit, str]]:
    """The causal credit of both arms' items.

    Args:
        connection: of the log engine.
        log: with contested items.
        metrics: of `told_by_item`.
        contrast: (control, treatment) arm names.
        confidence: level of the intervals.

    Returns:
        a row for each metric, and the reason why something in it is None; "" where nothing is.
    """
    arms = read_manifest(log).arms
    numbers = arms.index(contrast[0]), arms.index(contrast[1])
    pairs = f"SELECT count(*) // 2 AS pairs FROM {scan(log, CONTESTED)}"
    (found,) = rows(connection, pairs)
    return [
        _credit(metric, contrast, int(found["pairs"]), moments, confidence)
        for metric in metrics
        for moments in rows(connection, _moments(log, metric, numbers))
    ]


def _credit(
    metric: Metric,
    contrast: Contrast,
    pairs: int,
    moments: Mapping[str, float | None],
    confidence: float,
) -> tuple[CausalCredit, str]:
    """A row from the moments of both arms' credit over shoppers."""
    shoppers = int(moments["n"] or 0)
    row = CausalCredit(metric.name, contrast, shoppers, pairs, None, None, UNKNOWN, None)
    if not pairs:
        return row, "no arm has an item on its first pages that the other has not"
    control, treatment = float(moments["c"] or 0.0), float(moments["t"] or 0.0)
    levels = metric.name, contrast, shoppers, pairs, control, treatment
    variance = moments["cc"], moments["tt"], moments["ct"]
    if any(each is None for each in variance):
        alone = Interval(treatment - control, None, None)
        return CausalCredit(*levels, alone, None), "there are fewer than 2 exposed shoppers"
    own, other, both = (float(each or 0.0) for each in variance)
    spread = max(own + other - 2 * both, 0.0)
    if not spread:
        alone = Interval(treatment - control, None, None)
        return CausalCredit(*levels, alone, None), f"contested items have no {metric.numerator}"
    error = (spread / shoppers) ** 0.5
    size = treatment - control
    effect, p_value = student(size, error, shoppers - 1, confidence=confidence)
    return CausalCredit(*levels, effect, p_value), ""


def _moments(log: Path, metric: Metric, arms: tuple[int, int]) -> str:
    """SQL of means, variances and covariance of both arms' credit over exposed shoppers."""
    table, value = OUTCOMES[metric.numerator]
    asked = scan(log, "requests")
    outcome = (
        f"SELECT request, session, item, {value} AS value FROM {scan(log, table)}"
        if table == "orders"
        else f"SELECT e.request, r.session, e.item, {value} AS value "
        f"FROM {scan(log, table)} AS e JOIN {asked} AS r USING (request)"
    )
    signed = "CASE WHEN on_page THEN 2 ELSE -2 END * value"
    sums = (
        f"SELECT c.shopper, c.arm, {exact_sum(signed)} AS x FROM ("
        f"SELECT k.request, k.item, k.arm, k.on_page, r.session, r.shopper "
        f"FROM {scan(log, CONTESTED)} AS k JOIN {asked} AS r USING (request)) AS c "
        f"JOIN ({outcome}) AS o ON o.session = c.session AND o.item = c.item "
        "AND o.request >= c.request GROUP BY ALL"
    )
    by_arm = ", ".join(
        f"coalesce(sum(x) FILTER (arm = {arm}), 0) AS {name}"
        for name, arm in zip("ct", arms, strict=True)
    )
    shoppers = (
        f"SELECT shopper, {by_arm} FROM (SELECT DISTINCT shopper FROM {asked}) "
        f"LEFT JOIN ({sums}) USING (shopper) GROUP BY shopper"
    )
    return (
        "SELECT count(*) AS n, avg(c) AS c, avg(t) AS t, var_samp(c) AS cc, var_samp(t) AS tt, "
        f"covar_samp(c, t) AS ct FROM ({shoppers})"
    )
