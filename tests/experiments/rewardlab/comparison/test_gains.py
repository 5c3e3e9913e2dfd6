"""Offline measures and gains on one supervised model that all seeds share."""

import numpy as np
import pytest
from scipy import stats

from experiments.inference.intervals.crossed import difference, relative
from experiments.rewardlab.comparison.gains import offline_rows, tabled
from experiments.rewardlab.comparison.readings import OfflineReading
from simulator.errors import DataError

SHOPPERS = np.array([0, 0, 1, 2, 2, 3, 4, 5])


def readings(rng, *, policies=("a", "b"), seeds=3, measures=("clk@1", "clk@10")):
    """Random values, the supervised model's once."""

    def values():
        return {name: rng.random(len(SHOPPERS)) for name in measures}

    trained = [OfflineReading(name, seed, values()) for name in policies for seed in range(seeds)]
    return [OfflineReading("sft", 0, values()), *trained]


def rows_of(found, policies=("sft", "a", "b")):
    rows = offline_rows(tabled(found, policies), SHOPPERS, baseline="sft", confidence=0.95)
    return {(row.policy, row.measure): row for row in rows}


def test_every_policy_has_a_row_of_every_measure_the_supervised_model_first():
    rows = rows_of(readings(np.random.default_rng(0)))
    assert list(rows) == [(p, m) for p in ("sft", "a", "b") for m in ("clk@1", "clk@10")]
    assert {(row.n, row.shoppers) for row in rows.values()} == {(8, 6)}


def test_a_hand_checked_policy():
    base = np.array([0.0, 1, 0, 1, 0, 1, 0, 1])
    found = [OfflineReading("sft", 0, {"clk@1": base})]
    found += [OfflineReading("a", 1, {"clk@1": np.ones(8)})]  # out of order: seed 1 first
    found += [OfflineReading("a", 0, {"clk@1": base})]
    row = rows_of(found, ("sft", "a"))["a", "clk@1"]
    assert (row.value.estimate, row.effect.estimate, row.relative.estimate) == (
        0.75,
        0.25,
        pytest.approx(0.5),
    )
    assert row.per_seed == (0.5, 1.0)


def test_gains_are_paired_with_the_one_supervised_model_by_request():
    found = readings(np.random.default_rng(1))
    own = np.stack([row.values["clk@1"] for row in found if row.policy == "b"])
    base = np.stack([found[0].values["clk@1"]] * 3)
    row = rows_of(found)["b", "clk@1"]
    gap = difference(own, base, SHOPPERS, confidence=0.95)
    ratio = relative(own, base, SHOPPERS, confidence=0.95)
    assert (row.effect, row.p_value) == (gap.interval, gap.p_value)
    assert row.relative == ratio.interval


def test_the_supervised_models_own_level_has_the_interval_over_shoppers_and_no_difference():
    values = np.random.default_rng(2).random(6)
    found = [OfflineReading("sft", 0, {"clk@1": values})]
    (row,) = offline_rows(tabled(found, ["sft"]), np.arange(6), baseline="sft", confidence=0.95)
    known = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (row.value.low, row.value.high) == pytest.approx((known.low, known.high))
    assert (row.effect.estimate, row.relative.estimate, row.p_value, row.p_holm) == (None,) * 4
    assert len(row.per_seed) == 1


def test_a_policy_that_changed_nothing_gains_nothing_for_certain():
    found = readings(np.random.default_rng(3), policies=())
    found += [OfflineReading("a", seed, found[0].values) for seed in range(3)]
    row = rows_of(found, ("sft", "a"))["a", "clk@10"]
    assert (*row.effect.numbers, row.p_value) == (0, 0, 0, 1)


def test_p_values_are_adjusted_for_all_policies_and_measures():
    rows = rows_of(readings(np.random.default_rng(4)))
    tested = [row for row in rows.values() if row.policy != "sft"]
    least = min(tested, key=lambda row: row.p_value)
    assert least.p_holm == pytest.approx(min(1.0, 4 * least.p_value))
    assert all(row.p_holm >= row.p_value for row in tested)


def test_one_seed_gives_numbers_without_intervals():
    rows = rows_of(readings(np.random.default_rng(5), seeds=1))
    row = rows["a", "clk@1"]
    assert row.effect.estimate is not None
    assert (row.value.low, row.effect.low, row.relative.low, row.p_value, row.p_holm) == (None,) * 5
    assert rows["sft", "clk@1"].value.low is not None


def test_readings_that_are_missing_or_double_are_refused():
    found = readings(np.random.default_rng(6))
    with pytest.raises(DataError, match=r"readings of c: seeds == \[\], must be one of each"):
        tabled(found, ["sft", "c"])
    with pytest.raises(DataError, match=r"readings of a: seeds == \[0, 0, 1, 2\]"):
        tabled([*found, found[1]], ["sft", "a"])
    found[2] = OfflineReading("a", 1, {"clk@1": np.ones(8)})
    with pytest.raises(DataError, match=r"readings of a: clk@10 == nothing, must be there"):
        tabled(found, ["sft", "a"])
    short = {name: np.ones(7) for name in ("clk@1", "clk@10")}
    found[2] = OfflineReading("a", 1, short)
    with pytest.raises(DataError, match=r"readings of a, clk@1: shapes == .*must be one"):
        tabled(found, ["sft", "a"])
    with pytest.raises(DataError, match=r"must be \(seeds, 8 requests\)"):
        rows_of([found[0], OfflineReading("a", 0, short)], ("sft", "a"))
