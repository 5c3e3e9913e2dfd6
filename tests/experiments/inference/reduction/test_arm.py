import math

import numpy as np
import pytest
from tea_tasting.aggr import Aggregates

from experiments.inference.reduction.arm import Arm, Sample, summed
from tests.experiments.inference.reduction.shoppers import aggregates

ROWS = np.random.default_rng(0).gamma(1, 2, (2, 40))


def columns(rows):
    return {"gmv": rows[0], "x": rows[1]}


def same(found, wanted):
    assert found.count() == wanted.count()
    for name in ("gmv", "x"):
        assert found.mean(name) == pytest.approx(wanted.mean(name), rel=1e-12)
        assert found.var(name) == pytest.approx(wanted.var(name), rel=1e-12)
    assert found.cov("gmv", "x") == pytest.approx(wanted.cov("gmv", "x"), rel=1e-12)


@pytest.mark.parametrize("cuts", [[20], [0, 1, 2, 39], [1, 1, 40]])
def test_parts_also_empty_ones_and_single_shoppers_sum_to_the_whole(cuts):
    parts = [aggregates(columns(part)) for part in np.split(ROWS, cuts, axis=1)]
    same(summed(parts), aggregates(columns(ROWS)))


def test_a_single_shopper_without_a_variance_adds_none():
    nan = math.nan
    alone = Aggregates(1, {"gmv": 3.0, "x": 1.0}, {"gmv": nan, "x": nan}, {("gmv", "x"): nan})
    found = summed([alone, aggregates(columns(ROWS))])
    same(found, aggregates(columns(np.column_stack([[3.0, 1.0], ROWS]))))


def test_nobody_at_all_stays_nobody():
    nobody = aggregates(columns(ROWS[:, :0]))
    assert summed([nobody, nobody]).count() == 0


def test_an_arm_is_what_its_strata_are_together():
    strata = {"a": aggregates(columns(ROWS[:, :15])), "b": aggregates(columns(ROWS[:, 15:]))}
    same(Arm.of(strata).whole, aggregates(columns(ROWS)))


def test_arms_add_up_stratum_by_stratum():
    one = Arm.of({"a": aggregates(columns(ROWS[:, :10]))})
    two = Arm.of(
        {
            n: aggregates(columns(ROWS[:, at]))
            for n, at in (("a", slice(10, 15)), ("b", slice(15, 40)))
        }
    )
    both = one + two
    same(both.whole, aggregates(columns(ROWS)))
    same(both.strata["a"], aggregates(columns(ROWS[:, :15])))
    same(both.strata["b"], aggregates(columns(ROWS[:, 15:])))


@pytest.mark.parametrize("size", [2, 3, 8])
def test_a_sample_without_a_group_is_all_the_others(size):
    parts = np.array_split(ROWS, size, axis=1)
    sample = Sample([{"a": Arm(aggregates(columns(part)))} for part in parts])
    same(sample.whole["a"].whole, aggregates(columns(ROWS)))
    assert len(sample.without) == size
    for at, arms in enumerate(sample.without):
        others = np.concatenate([part for i, part in enumerate(parts) if i != at], axis=1)
        same(arms["a"].whole, aggregates(columns(others)))
