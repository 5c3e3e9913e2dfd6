"""What peeking costs: the rates that docs/sequential.md tells, and how they are counted."""

import math

import duckdb
import numpy as np
import pytest
from scipy import special

from experiments.inference.sequential.groupsequential import crossing_chances
from experiments.inference.sequential.paths import (
    Paths,
    UnitPaths,
    gaussian_paths,
    rerandomised_paths,
)
from experiments.inference.sequential.peeking import peeking_rates, rule_bars
from experiments.inference.sequential.spending import OBRIEN_FLEMING, POCOCK
from experiments.records.interval import UNKNOWN

RUNS = 20_000


def even(looks):
    return np.arange(1, looks + 1) / looks


def rates(looks, drift=0.0):
    paths = gaussian_paths(even(looks), paths=RUNS, drift=drift, rng=np.random.default_rng(0))
    return {row.rule: row for row in peeking_rates(paths)}


@pytest.mark.parametrize("looks", [14, 200])
def test_false_alarms_of_every_rule_are_those_that_integration_says(looks):
    """14 looks: 5, 22, 1 and 5 %; 200 looks: 5, 42, 1.6 and 5 %."""
    found = rates(looks)
    bars = rule_bars(even(looks), alpha=0.05, spending=OBRIEN_FLEMING)
    for rule, bar in bars.items():
        exact = float(np.sum(crossing_chances(bar, even(looks), drift=0.0)))
        error = math.sqrt(exact * (1 - exact) / RUNS)
        assert abs(found[rule].decided.estimate - exact) < 4 * error, rule
        assert found[rule].wrong == UNKNOWN
    assert found["sequence"].decided.high < 0.05


def test_fourteen_peeks_at_a_fixed_test_cry_wolf_in_22_per_cent_and_the_sequence_in_one():
    found = rates(14)
    assert found["every_look"].decided.low > 0.15
    assert found["every_look"].decided.holds(0.2196)
    assert found["sequence"].decided.high < 0.0125
    assert found["once"].decided.holds(0.05)
    assert found["group"].decided.holds(0.05)


def test_with_an_effect_each_rule_decides_as_often_and_as_early_as_integration_says():
    drift = float(special.ndtri(0.975) + special.ndtri(0.8))
    found = rates(14, drift)
    bars = rule_bars(even(14), alpha=0.05, spending=OBRIEN_FLEMING)
    for rule, bar in bars.items():
        above, below = crossing_chances(bar, even(14), drift=drift)
        exact = float(np.sum(above + below))
        assert abs(found[rule].decided.estimate - exact) < 4 * math.sqrt(0.25 / RUNS)
        assert abs(found[rule].wrong.estimate - below.sum()) < 4 * math.sqrt(0.01 / RUNS)
        used = float((above + below) @ even(14)) + 1 - exact
        assert abs(found[rule].used.estimate - used) < 4 * 0.4 / math.sqrt(RUNS)
    assert found["once"].used.numbers == (1.0, 1.0, 1.0)
    assert found["group"].decided.estimate > found["sequence"].decided.estimate


def test_rates_are_counted_path_by_path():
    """Five runs of three looks, decided by hand at |z| > 1.96."""
    z = np.array([[0, 0, 0], [2, 0, 0], [0, -2, 2], [0, 0, -3], [1, 1, 1.97]], float)
    paths = Paths(z, np.array([0.2, 0.6, 1.0]), "gaussian", 1.0)
    row = {row.rule: row for row in peeking_rates(paths)}["every_look"]
    assert (row.looks, row.paths, row.effect) == (3, 5, 1.0)
    assert row.decided.estimate == 4 / 5
    assert row.wrong.estimate == 2 / 5
    assert row.used.estimate == pytest.approx((1 + 0.2 + 0.6 + 1 + 1) / 5)


def test_a_rate_of_none_still_has_an_interval_and_a_single_run_has_no_mean_with_one():
    none = Paths(np.zeros((100, 2)), np.array([0.5, 1.0]), "gaussian", 0.0)
    for row in peeking_rates(none):
        assert row.decided.numbers == pytest.approx((0.0, 0.0, 1 - 0.025 ** (1 / 100)))
    (row, *_) = peeking_rates(Paths(np.zeros((1, 2)), np.array([0.5, 1.0]), "gaussian", 0.0))
    assert row.used.numbers == (1.0, None, None)


def test_a_look_without_information_decides_by_no_rule_that_counts_it():
    bars = rule_bars(np.array([0.0, 0.5, 1.0]), alpha=0.05, spending=POCOCK)
    assert math.isinf(bars["sequence"][0])
    assert math.isinf(bars["group"][0])


def test_units_whose_values_grow_are_looked_at_without_more_false_alarms():
    """Shoppers who come over 14 days and go on buying, assigned anew 2,000 times."""
    rng = np.random.default_rng(60)
    entered = rng.integers(0, 14, 4_000)
    entered[:50] = 0
    here = np.arange(14) >= entered[:, None]
    taste = rng.gamma(0.5, 2.0, (4_000, 1))
    spent = here * (rng.random((4_000, 14)) < 0.1 * taste) * rng.lognormal(0, 1, (4_000, 14))
    paths = rerandomised_paths(UnitPaths(spent.cumsum(axis=1), entered), paths=2_000, rng=rng)
    found = {row.rule: row for row in peeking_rates(paths)}
    assert found["every_look"].decided.low > 0.15
    assert found["sequence"].decided.high < 0.05
    assert found["group"].decided.low < 0.06


@pytest.fixture(scope="module")
def customers(data):
    """Customers of UCI Online Retail II, 1 September to 7 December 2010, and what they had spent
    up to the end of each of 14 weeks; each counts from the first purchase on."""
    file = data / "online_retail_ii" / "online_retail_2009_2010.parquet"
    found = duckdb.sql(
        "SELECT customer_id AS id, date_diff('day', DATE '2010-09-01', invoice_date::DATE) // 7 "
        f"AS week, sum(price * quantity) AS spent FROM '{file}' WHERE NOT is_cancel AND "
        "customer_id IS NOT NULL AND invoice_date BETWEEN DATE '2010-09-01' AND DATE '2010-12-08' "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchnumpy()
    _, unit = np.unique(found["id"], return_inverse=True)
    week = np.asarray(found["week"], int)
    spent, entered = np.zeros((unit.max() + 1, 14)), np.full(unit.max() + 1, 14)
    np.add.at(spent, (unit, week), found["spent"])
    np.minimum.at(entered, unit, week)
    return UnitPaths(spent.cumsum(axis=1), entered)


@pytest.mark.parametrize(
    ("share", "once", "every_look", "sequence", "group"),
    [(0.5, 0.051, 0.152, 0.001, 0.041), (0.1, 0.130, 0.358, 0.098, 0.149)],
)
def test_real_customers_assigned_anew_show_what_the_page_says(
    customers, share, once, every_look, sequence, group
):
    """4,000 assignments of 2,962 customers, seed 50; even arms hold, an arm of a tenth does not."""
    paths = rerandomised_paths(customers, paths=4_000, share=share, rng=np.random.default_rng(50))
    found = {row.rule: round(row.decided.estimate, 3) for row in peeking_rates(paths)}
    assert found == {
        "once": once,
        "every_look": every_look,
        "sequence": sequence,
        "group": group,
    }
