"""Operating characteristics that never were."""

from dataclasses import replace

from experiments.records.experiment.operating import (
    Characteristic,
    Estimand,
    Operating,
    PValues,
    Question,
    Verdict,
)
from experiments.records.interval import UNKNOWN, Interval

FALSE = Characteristic(
    design="shopper",
    metric="gmv",
    unit="shoppers",
    setting="aa",
    by="redraws",
    question="false_positive_rate",
    value=Interval(0.052, 0.035, 0.073),
    wanted=0.05,
    p_value=0.77,
    p_holm=1.0,
    verdict=Verdict.HOLDS,
    repetitions=1_000,
)
EVEN = replace(
    FALSE, question="uniformity", value=Interval(0.031, 0.0, 0.082), wanted=0.0, p_value=0.28
)
MANY = replace(
    FALSE,
    design="query_cluster",
    unit="query clusters",
    metric="orders",
    value=Interval(0.104, 0.081, 0.131),
    p_value=1e-9,
    p_holm=1e-8,
    verdict=Verdict.FAILS,
)
FAULT = replace(
    FALSE,
    metric="ctr",
    unit="exposures",
    value=Interval(0.303, 0.266, 0.342),
    p_value=1e-30,
    p_holm=1e-30,
    verdict=Verdict.FAILS,
    known_fault=True,
)
COVERS = replace(
    FALSE,
    setting="ab",
    question="coverage_naive",
    value=Interval(0.951, 0.931, 0.967),
    wanted=0.95,
)
TRUE = replace(
    COVERS,
    question="coverage_global",
    value=Interval(0.712, 0.334, 0.967),
    verdict=Verdict.UNTOLD,
)
POWER = replace(
    COVERS,
    question="power",
    value=Interval(0.34, 0.12, 0.61),
    wanted=None,
    p_value=None,
    p_holm=None,
    verdict=None,
)
SIGN = replace(POWER, question="type_s", value=Interval(0.012, 0.001, 0.04), repetitions=340)
SIZE = replace(POWER, question="type_m", value=Interval(1.74, 1.35, 2.9), repetitions=340)
OPEN = replace(SIGN, metric="orders", value=UNKNOWN, repetitions=0)

ESTIMAND = Estimand(
    design="shopper",
    metric="gmv",
    by="redraws",
    truth=Interval(12.0, 4.0, 20.0),
    naive=Interval(15.2, 14.9, 15.5),
    bias=Interval(3.2, -6.0, 12.4),
    spread=8.1,
    repetitions=1_000,
)


def histogram(row: Characteristic) -> PValues:
    """Twenty bins, a little uneven."""
    counts = tuple(50 + (7 * at) % 9 - 4 for at in range(20))
    return PValues(row.design, row.metric, row.unit, row.setting, row.by, counts)


def fake_operating(*rows: Characteristic) -> Operating:
    """A record of these rows, or of some of each question."""
    shown = rows or (FALSE, EVEN, FAULT, COVERS, TRUE, POWER, SIGN, SIZE, OPEN, MANY)
    worlds = tuple(replace(row, by="worlds", repetitions=200) for row in (FALSE, COVERS, POWER))
    return Operating(
        name="demo",
        confidence=0.95,
        monte_carlo=0.99,
        design="shopper",
        primary="gmv",
        control="control",
        treatment="<treatment>",
        days=14,
        redraws=1_000,
        worlds=0 if rows else 200,
        truth_pairs=5,
        rows=shown if rows else (*shown, *worlds),
        estimands=(ESTIMAND,),
        p_values=tuple(histogram(row) for row in (FALSE, FAULT)),
        missing=("switchback: world.days == 2, must be >= 4",),
    )


def asked(question: Question) -> Characteristic:
    """The row of a question."""
    return next(row for row in fake_operating().rows if row.question == question)
