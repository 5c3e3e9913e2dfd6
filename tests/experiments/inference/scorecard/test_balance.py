import math

import numpy as np
import pytest
from scipy import stats
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.reduction.adjustment import IMBALANCE_ALARM
from experiments.inference.reduction.cuped import PRE, Before
from experiments.inference.scorecard.balance import balance, warnings, without_history
from tests.experiments.inference.scorecard.tables import within
from tests.experiments.inference.test_estimates import aggregates

PAIR = ("control", "treatment")
CHOSEN = [METRICS["orders"], METRICS["ctr"]]


def arm(rng, n, *, lift=1.0, clicks=0.3):
    """Shoppers whose history is like their days in the experiment."""
    taste = rng.gamma(1.0, 1.0, n)
    exposures = 1 + rng.poisson(10 * taste)
    columns = {}
    for prefix in ("", PRE):
        seen = rng.binomial(exposures, clicks)
        columns |= {
            f"{prefix}orders": rng.poisson(lift * taste),
            f"{prefix}exposures": exposures,
            f"{prefix}clicks": seen,
        }
    return columns


def checked(one, two, metrics=CHOSEN):
    arms = {"control": aggregates(one), "treatment": aggregates(two)}
    return balance(metrics, [PAIR], arms), without_history(metrics, arms)


def told(one, two):
    return warnings(*checked(one, two))


def test_it_is_welchs_test_of_the_history():
    rng = np.random.default_rng(1)
    one, two = arm(rng, 300), arm(rng, 200, lift=1.1)
    (orders, _), _ = checked(one, two)
    peer = stats.ttest_ind(two[f"{PRE}orders"], one[f"{PRE}orders"], equal_var=False)
    assert orders.history.p_value == pytest.approx(peer.pvalue, rel=1e-10)
    assert orders.metric == "orders"
    assert orders.history.metric == "pre_orders"


def test_it_is_the_same_comparison_as_of_the_experiments_own_period():
    """The metric before, estimated as any metric is."""
    rng = np.random.default_rng(2)
    arms = {"control": aggregates(arm(rng, 300)), "treatment": aggregates(arm(rng, 200))}
    for metric, row in zip(CHOSEN, balance(CHOSEN, [PAIR], arms), strict=True):
        assert row.history == estimate(Before(metric), PAIR, arms)[0]


def test_fair_arms_raise_no_alarm_and_unlike_ones_do():
    rng = np.random.default_rng(3)
    one = arm(rng, 3_000)
    assert told(one, arm(rng, 2_000)) == ()
    (warning,) = told(one, arm(rng, 2_000, lift=1.3))
    assert warning.startswith("orders differed between treatment and control before")


def test_a_period_that_was_not_logged_in_one_arm_is_told_however_few_have_a_history():
    rng = np.random.default_rng(4)
    one, two = arm(rng, 60), arm(rng, 60)
    rare = one | {f"{PRE}{c}": np.arange(60) < 3 for c in ("orders", "exposures", "clicks")}
    none = two | {f"{PRE}{c}": np.zeros(60) for c in ("orders", "exposures", "clicks")}
    rows, silent = checked(rare, none)
    assert silent == ("treatment",)
    assert not any(row.alarm for row in rows)  # three shoppers prove nothing by a test
    assert told(rare, none) == (
        "arm treatment has no history at all while another has: the arms cannot be compared before "
        "the experiment, nor adjusted by it",
    )
    assert told(none, none) == ()  # nobody has one


def test_a_history_that_is_one_value_in_each_arm_differs_or_does_not():
    flat = {"orders": [1, 2, 3], f"{PRE}orders": [1, 1, 1]}
    other = {"orders": [1, 2, 3], f"{PRE}orders": [2, 2, 2]}
    (same,), _ = checked(flat, flat, [METRICS["orders"]])
    (apart,), _ = checked(flat, other, [METRICS["orders"]])
    assert (same.alarm, apart.alarm) == (False, True)
    assert apart.reason == "no variation between shoppers"


@pytest.mark.parametrize(
    ("two", "reason"),
    [
        ({"orders": [], f"{PRE}orders": []}, "an arm has no exposed shoppers"),
        ({"orders": [1], f"{PRE}orders": [5]}, "an arm has fewer than 2 exposed shoppers"),
        ({"orders": [1, 2], f"{PRE}orders": [5, math.nan]}, "a shopper's value is not a finite"),
    ],
)
def test_what_the_data_do_not_tell_is_no_alarm_but_a_reason(two, reason):
    one = {"orders": [1, 0, 2], f"{PRE}orders": [0, 1, 2]}
    (row,), _ = checked(one, two, [METRICS["orders"]])
    assert not row.alarm
    assert reason in row.reason


def test_p_values_of_fair_arms_are_uniform():
    rng, metrics = np.random.default_rng(5), [METRICS["orders"]]
    p_values = []
    for one, two in rng.normal(2.0, 0.05, (1_500, 2)):
        arms = {
            name: Aggregates(400, {f"{PRE}orders": mean}, {f"{PRE}orders": 1.0})
            for name, mean in zip(PAIR, (one, two), strict=True)
        }
        (row,) = balance(metrics, [PAIR], arms)
        assert row.alarm == (row.history.p_value < IMBALANCE_ALARM)
        p_values.append(row.history.p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4
    assert within(np.array(p_values) < 0.05, 0.05)
