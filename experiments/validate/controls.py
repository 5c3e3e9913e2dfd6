"""The third rung: what no arm can move must not move, and what is one must not be two.

Two families of tests, each corrected for its number (Holm). Negative controls: everything of a
shopper that is settled before the first page of the experiment is compared between control and each
other arm. A/A: control's shoppers are split in two by a hash of their number, which no arm knows.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.inference.diagnostics.srm import sample_ratio
from experiments.inference.intervals.crossed import Floats
from experiments.inference.intervals.student import student, wilson
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import Check, Verdict
from experiments.validate.evidence import Evidence, PeriodLog
from experiments.validate.verdicts import Wanted, in_range, one_family
from simulator.protocols import DAY
from simulator.randomness import Draws

SPLITS = 400
"""Further splits of control, that tell how often a test calls an A/A."""

ALARMS = Wanted(0.02, 0.08, "5 % by design of the test")
_LEVEL = 0.05
_TEXTS = 200  # most frequent first texts that are compared one by one
_FEWEST = 5.0  # askers of a text that every arm must expect for the chi-square law to hold
_FEWEST_SPLIT = 20  # shoppers that are split in two
_DRAWS = Draws(0).child("validity")

BEFORE = (
    "visits_before",
    "clicks_before",
    "orders_before",
    "gmv_before",
    "visits",
    "visits_on_the_first_day",
    "hour_of_the_first_visit",
    "phone",
    "first_query_never_asked_before",
)
"""What is settled before a shopper's first page of the experiment, where habit does not exist."""

AFTER = ("searches", "clicks", "orders", "gmv", "sessions_with_an_order")
"""What shoppers do in the experiment."""


def controls(evidence: Evidence) -> Iterator[Check]:
    """Negative controls and an A/A of control; nothing where no experiment splits shoppers."""
    log = evidence.experiment
    if log is None or log.layout is not None:
        return
    yield from one_family([*_assigned(evidence, log), *_unmoved(evidence, log)])
    yield from _alike(evidence, log)


def _test(log: PeriodLog, fact: str, arm: str, n: int, *, note: str = "") -> Check:
    return Check(
        rung="controls",
        period=log.period,
        arm=arm,
        fact=fact,
        unit="test",
        found=UNKNOWN,
        source="design",
        verdict=Verdict.UNTOLD,
        n=n,
        note=note,
    )


def _assigned(evidence: Evidence, log: PeriodLog) -> Iterator[Check]:
    """Whether the arms hold the shares of the shoppers that they should."""
    counted = {
        row["arm"]: row["n"]
        for row in log.rows(
            f"SELECT arm, count(DISTINCT unit) AS n FROM {log.table('assignments')} GROUP BY arm"
        )
    }
    counts = {name: counted.get(arm, 0) for arm, name in enumerate(log.manifest.arms)}
    found = sample_ratio("assigned", counts, evidence.shares)
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    check = _test(log, "assignment", "", sum(counts.values()), note=told)
    yield replace(check, p_value=found.p_value)


def _unmoved(evidence: Evidence, log: PeriodLog) -> Iterator[Check]:
    """Everything that is settled before the first page, of control and each other arm."""
    told = log.columns(_settled(evidence.history, log))
    names, control = log.manifest.arms, log.manifest.arms.index(evidence.control)
    for arm, name in enumerate(names):
        if arm == control:
            continue
        for fact in BEFORE:
            if evidence.config.world.habit.strength and fact == "visits":
                yield _test(log, fact, name, 0, note="not tested: shoppers have habits")
                continue
            known_U = np.isfinite(told[fact])
            one_U, other_U = (told[fact][known_U & (told["arm"] == at)] for at in (control, arm))
            check = _test(log, fact, name, len(one_U) + len(other_U))
            yield _compared(check, one_U, other_U, evidence.confidence)
        yield _same_texts(log, (control, arm), name)


def _settled(history: PeriodLog, log: PeriodLog) -> str:
    """SQL of a row for each shopper with the columns of `BEFORE`; not a number where none is."""
    before = (
        "SELECT shopper, sum(visits) AS visits_before, sum(clicks) AS clicks_before, "
        "sum(orders) AS orders_before, sum(gmv) AS gmv_before FROM ("
        "SELECT shopper, count(*) AS visits, 0 AS clicks, 0 AS orders, 0.0::DOUBLE AS gmv "
        f"FROM {history.table('sessions')} GROUP BY shopper UNION ALL "
        f"SELECT shopper, 0, count(*) FILTER (clicked), 0, 0 FROM {history.table('exposures')} "
        "GROUP BY shopper UNION ALL SELECT shopper, 0, 0, count(*), sum(price * quantity) "
        f"FROM {history.table('orders')} GROUP BY shopper) GROUP BY shopper"
    )
    during = (
        "SELECT shopper, count(*) AS visits, "
        f"count(*) FILTER (start < {log.start + DAY!r}) AS visits_on_the_first_day, "
        f"(min(start) % {DAY!r}) / 3600.0 AS hour_of_the_first_visit "
        f"FROM {log.table('sessions')} GROUP BY shopper"
    )
    first = (
        "SELECT shopper, (device = 0)::INTEGER AS phone, "
        "(k.text IS NULL)::INTEGER AS first_query_never_asked_before FROM ("
        'SELECT shopper, arg_min(device, "at") AS device, arg_min(text, "at") AS text '
        f"FROM {log.table('requests')} GROUP BY shopper) LEFT JOIN "
        f"(SELECT DISTINCT text FROM {history.table('requests')}) AS k USING (text)"
    )
    zeros = ", ".join(f"coalesce({name}, 0)::DOUBLE AS {name}" for name in BEFORE[:6])
    others = ", ".join(f"coalesce({name}::DOUBLE, 'nan'::DOUBLE) AS {name}" for name in BEFORE[6:])
    return (
        f"SELECT a.arm, {zeros}, {others} FROM {log.table('assignments')} AS a "
        f"LEFT JOIN ({before}) AS b ON a.unit = b.shopper "
        f"LEFT JOIN ({during}) AS d ON a.unit = d.shopper "
        f"LEFT JOIN ({first}) AS f ON a.unit = f.shopper ORDER BY a.unit"
    )


def _same_texts(log: PeriodLog, arms: tuple[int, int], name: str) -> Check:
    """Whether the first query of a shopper is the same mixture of texts in two arms (chi-square).

    The most frequent texts one by one, all others as one.
    """
    firsts = (
        'SELECT arg_min(text, "at") AS text, arg_min(arm, "at") AS arm '
        f"FROM {log.table('requests')} WHERE arm IN {arms} GROUP BY shopper"
    )
    counts = ", ".join(f"count(*) FILTER (arm = {arm}) AS n{arm}" for arm in arms)
    ranked = (
        f"SELECT {counts}, row_number() OVER (ORDER BY count(*) DESC, text) AS rank "
        f"FROM ({firsts}) GROUP BY text"
    )
    sums = ", ".join(f"sum(n{arm})::BIGINT AS n{arm}" for arm in arms)
    rows = log.rows(
        f"SELECT {sums} FROM ({ranked}) GROUP BY least(rank, {_TEXTS + 1}) "
        f"ORDER BY least(rank, {_TEXTS + 1})"
    )
    table_TA = np.array([[row[f"n{arm}"] for arm in arms] for row in rows], np.float64)
    check = _test(log, "first_query_text", name, int(table_TA.sum()))
    p_value, note = _mixture(table_TA)
    return replace(check, p_value=p_value, note=note)


def _mixture(table_TA: Floats) -> tuple[float | None, str]:
    """The p-value of a table of texts by arms, and what it is of; rare texts go to the last row."""
    if not table_TA.size or not (table_TA.sum(axis=0) > 0).all():
        return None, "an arm in which nobody searched"
    expected_T = table_TA.sum(axis=1) * table_TA.sum(axis=0).min() / table_TA.sum()
    often_T = expected_T >= _FEWEST
    often_T[-1] = False
    rest_A = table_TA[~often_T].sum(axis=0, keepdims=True)
    kept_TA = np.concatenate((table_TA[often_T], rest_A)) if rest_A.sum() else table_TA[often_T]
    if len(kept_TA) < 2:
        return None, "no text is frequent enough"
    p_value = float(stats.chi2_contingency(kept_TA, correction=False).pvalue)
    return p_value, f"{len(kept_TA) - 1} texts and all others"


def _alike(evidence: Evidence, log: PeriodLog) -> Iterator[Check]:
    """An A/A within control: one split in full, and how often many would call a difference."""
    told = log.columns(_outcomes(log))
    half_U = _split(told["shopper"], 0)
    n = len(half_U)
    fact = "control_against_control_in_{}"
    yield from one_family(
        [
            _compared(
                _test(log, fact.format(name), log.arm_name, n),
                told[name][half_U],
                told[name][~half_U],
                evidence.confidence,
            )
            for name in AFTER
        ]
    )
    value_UM = np.stack([told[name] for name in AFTER], axis=1)
    p_KM = _p_values(value_UM, told["shopper"])
    for name, p_K in zip(AFTER, p_KM.T, strict=True):
        yield _calls(log, name, p_K, n, evidence.confidence)


def _calls(log: PeriodLog, name: str, p_K: Floats, shoppers: int, confidence: float) -> Check:
    """How many of K random splits a test calls at 5 %: of a sound test about 5 %.

    The splits are of the same shoppers, and independent of each other given these.
    """
    found = UNKNOWN
    if len(p_K) and np.isfinite(p_K).all():
        share = float((p_K < _LEVEL).mean())
        error = np.sqrt(share * (1 - share) / len(p_K))
        found = Interval(share, share, share)
        if 0 < share < 1:
            low, high = wilson(share, error, len(p_K) - 1, confidence=confidence)
            found = Interval(share, float(low), float(high))
    return Check(
        rung="controls",
        period=log.period,
        arm=log.arm_name,
        fact=f"calls_among_splits_in_{name}",
        unit="share",
        found=found,
        low=ALARMS.low,
        high=ALARMS.high,
        source=ALARMS.source,
        verdict=in_range(found, ALARMS),
        n=len(p_K),
        note=f"random halves of {shoppers} shoppers",
    )


def _p_values(value_UM: Floats, shopper_U: NDArray[np.int64]) -> Floats:
    """(K, M) Welch's p-values of `SPLITS` random halves; none of too few shoppers.

    Args:
        value_UM: of each shopper in each metric.
        shopper_U: whose they are.
    """
    if len(shopper_U) < _FEWEST_SPLIT:
        return np.empty((0, value_UM.shape[1]))
    return np.array(
        [
            stats.ttest_ind(value_UM[half_U], value_UM[~half_U], equal_var=False).pvalue
            for half_U in (_split(shopper_U, number) for number in range(1, SPLITS + 1))
        ]
    )


def _outcomes(log: PeriodLog) -> str:
    """SQL of a row for each shopper of control who came, with the columns of `AFTER`."""
    return (
        "SELECT shopper, sum(searches)::DOUBLE AS searches, sum(clicks)::DOUBLE AS clicks, "
        "sum(orders)::DOUBLE AS orders, sum(gmv)::DOUBLE AS gmv, "
        "sum(sold)::DOUBLE AS sessions_with_an_order FROM ("
        "SELECT shopper, count(*) FILTER (page = 0) AS searches, 0 AS clicks, 0 AS orders, "
        f"0.0::DOUBLE AS gmv, 0 AS sold FROM {log.own('requests')} GROUP BY shopper UNION ALL "
        f"SELECT shopper, 0, count(*) FILTER (clicked), 0, 0, 0 FROM {log.own('exposures')} "
        "GROUP BY shopper UNION ALL SELECT shopper, 0, 0, count(*), sum(price * quantity), "
        f"count(DISTINCT session) FROM {log.own('orders')} GROUP BY shopper) "
        "GROUP BY shopper ORDER BY shopper"
    )


def _split(shopper_U: NDArray[np.int64], number: int) -> NDArray[np.bool_]:
    """The half of the shoppers that a hash of their numbers chooses."""
    return np.asarray(_DRAWS.uniform("half", shopper_U, number) < 0.5)


def _compared(check: Check, one_U: Floats, other_U: Floats, confidence: float) -> Check:
    """A test with the difference of two means, the second minus the first (Welch)."""
    if min(len(one_U), len(other_U)) < 2:
        return check
    parts = [float(np.var(side, ddof=1)) / len(side) for side in (one_U, other_U)]
    size = float(np.mean(other_U) - np.mean(one_U))
    if sum(parts) == 0:
        return replace(check, found=Interval(size, size, size), p_value=float(size == 0))
    smaller = (
        part**2 / (len(side) - 1) for part, side in zip(parts, (one_U, other_U), strict=True)
    )
    freedom = sum(parts) ** 2 / sum(smaller)
    found, p_value = student(size, sum(parts) ** 0.5, freedom, confidence=confidence)
    return replace(check, found=found, p_value=p_value)
