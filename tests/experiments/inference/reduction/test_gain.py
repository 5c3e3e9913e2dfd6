import math

import numpy as np
import pytest

from experiments.inference.reduction.arm import Arm, Sample
from experiments.inference.reduction.covariate import known_before
from experiments.inference.reduction.gain import gain
from experiments.inference.reduction.regression import Regression, Slopes
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.reduction.shoppers import CONTRAST, GMV, aggregates, many, near

HOW = Regression(known_before("x"), Slopes.POOLED)


def samples(columns, sizes, groups):
    """Of (E, N) shoppers of many tests, each in groups of equal size."""
    parts = []
    for at in range(groups):
        of = {name: each[:, at::groups] for name, each in columns.items()}
        order = np.arange(sum(sizes))[at::groups] < sizes[0]
        split = int(order.sum())
        parts.append(
            [dict(zip(CONTRAST, s, strict=True)) for s in many(of, (split, len(order) - split))]
        )
    return [Sample(each) for each in zip(*parts, strict=True)]


def test_the_interval_of_a_gain_holds_it_at_its_rate():
    """A covariate with correlation 0.8 is worth 1 / (1 - 0.64) shoppers for each."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 400))
    columns = {"gmv": 0.8 * x + 0.6 * rng.normal(size=(200, 400)), "x": x}
    found = [gain(GMV, CONTRAST, each, HOW) for each in samples(columns, (200, 200), 10)]
    hits = np.array([each.holds(1 / 0.36) for each in found])
    assert near(hits)
    assert hits.mean() > 0.9
    assert np.median([each.estimate for each in found]) == pytest.approx(1 / 0.36, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "lowest"), [("normal", 0.93), ("heavy", 0.91)])
def test_the_interval_of_a_gain_holds_it_in_a_thousand_tests(kind, lowest):
    """With heavy tails it is a little short."""
    rng, shape = np.random.default_rng(1), (1_000, 2_000)
    x, noise = rng.normal(size=shape), rng.normal(size=shape)
    if kind == "heavy":
        x, noise = (np.exp(each) for each in (x, noise))
    columns = {"gmv": x + noise, "x": x}
    found = [gain(GMV, CONTRAST, each, HOW) for each in samples(columns, (1_000, 1_000), 20)]
    assert lowest < np.mean([each.holds(2.0) for each in found]) < 0.97


def test_a_gain_is_of_all_shoppers_and_its_interval_of_groups():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1, 200))
    columns = {"gmv": x + rng.normal(size=(1, 200)), "x": x}
    (five,), (ten,) = (samples(columns, (100, 100), groups) for groups in (5, 10))
    one, two = (gain(GMV, CONTRAST, each, HOW) for each in (five, ten))
    assert one.estimate == pytest.approx(two.estimate, rel=1e-10)
    logs = []
    for arms in five.without:
        sides = arms["control"], arms["treatment"]
        means = HOW.adjust(GMV, *sides)
        plain = sum(arm.whole.var("gmv") / arm.whole.count() for arm in sides)
        logs.append(math.log(plain / means.error**2))
    error = math.sqrt(4 / 5 * sum((each - np.mean(logs)) ** 2 for each in logs))
    half = math.log(one.high / one.estimate)
    assert half == pytest.approx(2.776445 * error, rel=1e-6)  # Student's t with 4 degrees
    assert one.low * one.high == pytest.approx(one.estimate**2)


def test_a_gain_that_cannot_be_told_is_none():
    rng = np.random.default_rng(3)
    columns = {"gmv": rng.normal(size=40), "x": np.ones(40)}
    arm = Arm(aggregates(columns))
    same = {"control": arm, "treatment": arm}
    assert gain(GMV, CONTRAST, Sample([same, same]), HOW) == UNKNOWN
    columns["x"] = columns["gmv"] + rng.normal(size=40)
    arm = Arm(aggregates(columns))
    whole = {"control": arm, "treatment": arm}
    found = gain(GMV, CONTRAST, Sample([whole]), HOW)
    assert found.estimate > 1
    assert found.low is found.high is None
    few = {name: Arm(aggregates({k: v[:1] for k, v in columns.items()})) for name in CONTRAST}
    assert gain(GMV, CONTRAST, Sample([whole, few]), HOW).ends is None


def test_an_adjustment_that_hurts_gains_less_than_one():
    rng = np.random.default_rng(4)
    shape = (1, 60)
    columns = {"gmv": rng.normal(size=shape), "x": rng.normal(size=shape)}
    (sample,) = samples(columns, (30, 30), 10)
    assert gain(GMV, CONTRAST, sample, HOW).estimate < 1.05
