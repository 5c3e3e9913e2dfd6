"""Whether a metric hangs on few shoppers, so that formulas promise too much."""

from experiments.inference.logs import rows
from experiments.inference.metrics import Metric
from experiments.inference.power.accrual import VISITS
from experiments.inference.units import Units, unit_sums
from experiments.records.experiment.power import TailsOfLog

FEW = 100.0
"""Effective number of those who count below which nothing can be planned on what they did: the
standard error of their total is a tenth of it, and that of the variance is larger."""
SKEWED = 355.0
"""Units of an arm, for each square of the skewness, from which on its mean is near enough to normal
(Kohavi, Deng, Longbotham and Xu, "Seven rules of thumb for web site experimenters", KDD 2014, rule
7): each side of its interval of 95 % then misses in 2 to 3 %, by Edgeworth's first term. Where arms
are equally large, the skewness of their difference cancels, and fewer do."""
_TOP = 100  # the part of the units that is the top one: a hundredth


def tails(units: Units, metric: Metric, level: float, last_day: int) -> TailsOfLog:
    """The tails of a metric in a log.

    The effective number is (sum)^2 over the sum of squares (Kish, Survey Sampling, 1965, 8.2).

    Args:
        units: its unit table.
        metric: what is tested.
        level: of the metric.
        last_day: up to and including which.
    """
    top = metric.numerator
    value = f"{top}::DOUBLE"
    if metric.denominator is not None:
        value = f"({top} - {float(level)!r}::DOUBLE * {metric.denominator})"
    table = (
        f"SELECT {unit_sums(metric.columns)} FROM shopper_days WHERE day <= {last_day} "
        f"GROUP BY arm, shopper HAVING sum({VISITS}) > 0"
    )
    found = rows(
        units.connection,
        f"WITH units AS ({table}), ranked AS (SELECT *, row_number() OVER (ORDER BY {top} DESC) "
        "AS place, count(*) OVER () AS n FROM units) "
        f"SELECT count(*) AS n, count(*) FILTER ({top} > 0) AS counting, "
        f"sum({top})::DOUBLE AS total, sum({top}::DOUBLE * {top}) AS squares, "
        f"sum({top}) FILTER (place <= ceil(n / {_TOP}.0))::DOUBLE AS highest, "
        f"avg({value}) AS mean, var_pop({value}) AS spread, "
        f"avg(pow({value} - (SELECT avg({value}) FROM units), 3)) AS third FROM ranked",
    )[0]
    total, squares = found["total"] or 0.0, found["squares"] or 0.0
    spread = found["spread"] or 0.0
    skewness = float(found["third"] / spread**1.5) if spread > 0 else 0.0
    return TailsOfLog(
        units=int(found["n"]),
        counting=int(found["counting"]),
        effective=total**2 / squares if squares > 0 else 0.0,
        top=(found["highest"] or 0.0) / total if total > 0 else 0.0,
        skewness=skewness,
        units_for_normal=SKEWED * skewness**2 if abs(skewness) > 1 else 0.0,
    )
