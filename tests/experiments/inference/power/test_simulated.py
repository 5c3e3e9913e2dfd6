"""Simulated tests decide as estimates do, and find what the formula says where it holds."""

import numpy as np
import pytest
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.intervals.binomial import exact_share
from experiments.inference.metrics import METRICS
from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import detectable, power_of
from experiments.inference.power.change import Change
from experiments.inference.power.pilot import CUPED, PLAIN
from experiments.inference.power.planting import Planted
from experiments.inference.power.simulated import replaced, simulate
from experiments.inference.reduction.cuped import PRE
from simulator.errors import ConfigError
from tests.experiments.inference.power.tables import shoppers, table_of

ORDERS = shoppers(3_000, 1)
NOTHING = Planted.of(ORDERS, None)
SIZES = (1_500, 1_500)


def rng(seed=0):
    return np.random.default_rng(seed)


def aggregates_of(table, layout):
    """tea-tasting's statistics of one arm, from its cross products."""
    n = table[0, 0]
    mean = table[0] / n
    covariance = (table - n * np.outer(mean, mean)) / (n - 1)
    names = layout.names
    own = range(1, len(names))
    return Aggregates(
        count_=int(n),
        mean_={names[i]: mean[i] for i in own},
        var_={names[i]: covariance[i, i] for i in own},
        cov_={
            tuple(sorted((names[i], names[j]))): covariance[i, j] for i in own for j in own if i < j
        },
    )


@pytest.mark.parametrize("name", ["orders", "ctr"])
def test_every_test_is_decided_as_estimates_decide(name):
    if name == "orders":
        units, change = ORDERS, Change(0.1, relative=True)
    else:
        luck = rng(3)
        shown = [1 + luck.poisson(9, 2_000), 1 + luck.poisson(9, 2_000)]
        clicks = [luck.binomial(each, luck.beta(1, 9, 2_000)) for each in shown]
        units = table_of(name, [clicks[0], shown[0], clicks[1], shown[1]], "count")
        change = Change(0.08, relative=True)
    tests = simulate(units, (900, 700), Planted.of(units, change), repetitions=60, rng=rng())
    for method in (PLAIN, CUPED):
        for aim in (Aim(), Aim(0.8), Aim(0.9, comparisons=2)):
            found = tests.found(method, aim)
            for at in range(60):
                arms = {
                    arm: aggregates_of(table[at], units.layout)
                    for arm, table in (("a", tests.control_RKK), ("b", tests.treatment_RKK))
                }
                row, _ = estimate(
                    METRICS[name],
                    ("a", "b"),
                    arms,
                    confidence=1 - 2 * aim.tail,
                    cuped=method == CUPED,
                )
                assert found[at] == (row.effect.holds(0.0) is False)
        assert 0 < found.sum() < 60


def test_non_inferiority_is_decided_by_the_bad_end_of_the_interval():
    tests = simulate(ORDERS, SIZES, NOTHING, repetitions=80, rng=rng())
    aim, margin = Aim(one_sided=True), 0.06
    up = tests.found(PLAIN, aim, margin=margin)
    down = tests.found(PLAIN, aim, margin=margin, better=-1)
    for at in range(80):
        arms = {
            arm: aggregates_of(table[at], ORDERS.layout)
            for arm, table in (("a", tests.control_RKK), ("b", tests.treatment_RKK))
        }
        effect = estimate(METRICS["orders"], ("a", "b"), arms)[0].effect
        assert up[at] == (effect.low > -margin)
        assert down[at] == (effect.high < margin)
    assert 0 < up.sum() < 80


def test_arms_have_their_sizes_and_units_are_used_once_while_there_are_enough():
    tests = simulate(ORDERS, SIZES, NOTHING, repetitions=5, rng=rng())
    np.testing.assert_allclose(
        tests.control_RKK + tests.treatment_RKK, np.repeat(ORDERS.table[None], 5, 0)
    )
    assert not replaced(ORDERS, SIZES)
    larger = (2_000, 5_000)
    assert replaced(ORDERS, larger)
    tests = simulate(ORDERS, larger, NOTHING, repetitions=5, rng=rng())
    assert tests.layout.units(tests.treatment_RKK).tolist() == [5_000] * 5


def test_the_first_tests_are_the_same_however_many_there_are():
    planted = Planted.of(ORDERS, Change(0.2, relative=True))
    few, many = (simulate(ORDERS, SIZES, planted, repetitions=n, rng=rng(7)) for n in (20, 50))
    np.testing.assert_array_equal(few.treatment_RKK, many.treatment_RKK[:20])
    np.testing.assert_array_equal(few.control_RKK, many.control_RKK[:20])
    other = simulate(ORDERS, SIZES, planted, repetitions=20, rng=rng(8))
    assert (other.treatment_RKK != few.treatment_RKK).any()


def rate(units, sizes, change, aim=None, *, times=2_000, method=PLAIN, seed=11):
    """How many of the tests find something, with a 99 % interval."""
    planted = Planted.of(units, change)
    tests = simulate(units, sizes, planted, repetitions=times, rng=rng(seed))
    found = tests.found(method, aim or Aim())
    return exact_share(int(found.sum()), times, confidence=0.99)


@pytest.mark.parametrize("method", [PLAIN, CUPED])
@pytest.mark.parametrize("sizes", [SIZES, (2_000, 1_000), (6_000, 6_000)])
def test_tests_of_nothing_find_something_as_often_as_they_may(method, sizes):
    assert rate(ORDERS, sizes, None, method=method).holds(0.05)


@pytest.mark.parametrize("sizes", [SIZES, (2_000, 1_000), (6_000, 6_000)])
def test_the_formula_and_the_simulation_agree_on_an_additive_effect(sizes):
    layout, table = ORDERS.layout, ORDERS.table
    variance, share = float(layout.variance(table)), float(layout.explained(table))
    least = float(detectable(variance, sizes, Aim()))
    assert rate(ORDERS, sizes, Change(least, relative=False)).holds(0.8)
    adjusted = float(detectable(variance * (1 - share), sizes, Aim(power=0.7)))
    assert share > 0.1
    assert rate(ORDERS, sizes, Change(adjusted, relative=False), method=CUPED).holds(0.7)


def test_a_small_lift_of_counts_is_found_as_the_formula_says():
    sizes = (60_000, 60_000)
    layout, table = ORDERS.layout, ORDERS.table
    least = float(detectable(layout.variance(table), sizes, Aim())) / float(layout.level(table))
    assert least < 0.05
    assert rate(ORDERS, sizes, Change(least, relative=True), times=600).holds(0.8)


def test_a_great_lift_of_rare_counts_is_found_less_often_than_the_formula_says():
    """The treatment's orders vary more than control's, which the formula does not know."""
    rare = table_of("orders", [np.repeat([0, 1, 2], [2_800, 150, 50])], "count")
    layout, table = rare.layout, rare.table
    least = float(detectable(layout.variance(table), SIZES, Aim())) / float(layout.level(table))
    assert least > 0.3
    assert rate(rare, SIZES, Change(least, relative=True)).high < 0.75


def test_skewed_spend_in_unequal_arms_is_found_where_there_is_nothing():
    """A treatment of a tenth has less spread than control whenever it lacks the dear orders."""
    luck = rng(2)
    spend = np.where(luck.random(3_000) < 0.03, luck.lognormal(3, 2.2, 3_000), 0)
    skewed = table_of("gmv", [spend], "amount")
    assert rate(skewed, (2_700, 300), None).low > 0.06
    assert rate(skewed, SIZES, None).low < 0.05  # equal arms are safe


def test_arms_that_do_not_vary_find_nothing():
    constant = table_of("orders", [np.ones(50)], "count")
    tests = simulate(constant, (25, 25), Planted.of(constant, None), repetitions=10, rng=rng())
    assert not tests.found(PLAIN, Aim()).any()


def test_every_repetition_is_told_and_tests_that_cannot_be_are_refused():
    told = []
    simulate(ORDERS, (5, 5), NOTHING, repetitions=4, rng=rng(), advance=lambda: told.append(1))
    assert len(told) == 4
    with pytest.raises(ConfigError, match="units of an arm == 1, must be >= 2"):
        simulate(ORDERS, (1, 5), NOTHING, repetitions=4, rng=rng())
    with pytest.raises(ConfigError, match="repetitions == 0, must be >= 1"):
        simulate(ORDERS, (5, 5), NOTHING, repetitions=0, rng=rng())


def test_the_formula_is_told_of_the_same_test():
    aim = Aim(one_sided=True)
    layout, table = ORDERS.layout, ORDERS.table
    margin = 0.08
    wanted = float(power_of(margin, layout.variance(table), SIZES, aim))
    tests = simulate(ORDERS, SIZES, NOTHING, repetitions=2_000, rng=rng(4))
    found = tests.found(PLAIN, aim, margin=margin)
    assert exact_share(int(found.sum()), 2_000, confidence=0.99).holds(wanted)
    assert PRE + "orders" in layout.names
