import numpy as np
import pytest

from experiments.inference.offpolicy.support import WEAK_WEIGHT, Diagnosis
from experiments.inference.offpolicy.totals import Totals
from simulator.errors import DataError
from tests.experiments.inference.offpolicy.worlds import NAN, slots_of, totals_of


def test_the_sums_by_hand():
    """Weights 2, 0, 200; the last one and the slot that the log cannot show have weak support."""
    slots = slots_of(
        shopper=[0, 0, 1, 1],
        first=[1, 0, 1, 0],
        propensity=[0.5, 0.25, 0.005, NAN],
        target=[1, 0, 1, 0],
        outcome=[1, 1, 1, 0],
        model=[0.25, 0.5, 0.5, 0],
        judged_model=[0.25, 0.5, 0.5, 0.5],
        chance=[0.5, 0.25, 0.005, 0],
    )
    totals = totals_of(slots, shoppers=2)
    assert totals.weights_U.tolist() == [2.0, 200.0]
    assert totals.squares_U.tolist() == [4.0, 40_000.0]
    assert totals.largest_U.tolist() == [2.0, 200.0]
    assert totals.slots_U.tolist() == [2.0, 1.0]
    assert totals.judged_U.tolist() == [2.0, 2.0]
    assert totals.supported_U.tolist() == [2.0, 1.0]
    assert totals.weak_U.tolist() == [0.0, 2.0]
    assert totals.random_U.tolist() == [2.0, 1.0]
    assert totals.weighted_EU.tolist() == [[2.0, 200.0]]
    assert totals.kept_EU.tolist() == [[2.0, 0.0]]
    assert totals.modelled_EU.tolist() == [[0.75, 1.0]]
    assert totals.residual_EU.tolist() == [[1.5, 100.0]]
    effective = 202**2 / 40_004
    assert totals.diagnosis == Diagnosis(0.75, effective, 200.0, 3, True, 0.5)


def test_a_weight_at_the_limit_of_a_log_of_32_bits_is_kept_and_not_weak():
    """1 / float32(0.01) is 100.00000224: that is the limit, and the support is not weak."""
    propensity = float(np.float32(1 / WEAK_WEIGHT))
    slots = slots_of([0], [1], [propensity], [1], [1], [0], [0], [1 / WEAK_WEIGHT])
    totals = totals_of(slots, shoppers=1)
    assert totals.weights_U[0] > WEAK_WEIGHT
    assert totals.kept_EU[0, 0] == totals.weighted_EU[0, 0]
    assert totals.weak_U[0] == 0


def test_the_totals_are_the_same_bits_however_slots_are_cut_into_batches():
    rng = np.random.default_rng(4)
    n = 500
    columns = [
        rng.integers(0, 7, n), rng.random(n) < 0.3, rng.uniform(0.01, 1, n), rng.random(n) < 0.4,
        rng.random(n), rng.random(n), rng.random(n),
    ]  # fmt: skip
    whole = totals_of(slots_of(*columns), shoppers=7)
    cut = [slots_of(*(column[at : at + 37] for column in columns)) for at in range(0, n, 37)]
    parts = totals_of(*cut, shoppers=7)
    for name, total in vars(whole).items():
        np.testing.assert_array_equal(getattr(parts, name), total)


@pytest.mark.parametrize("propensity", [0.0, -0.5, 1.5, float("inf")])
def test_a_propensity_that_is_none_is_refused(propensity):
    slots = slots_of([0], [1], [propensity], [1], [1], [0], [0])
    with pytest.raises(DataError, match=rf"propensity == {propensity}, must be > 0 and <= 1"):
        totals_of(slots, shoppers=1)


@pytest.mark.parametrize(("name", "value"), [("target", -0.1), ("target", 1.1), ("chance", 2.0)])
def test_a_chance_that_is_none_is_refused(name, value):
    columns = {"target": [1], "chance": [1]} | {name: [value]}
    slots = slots_of([0], [1], [0.5], columns["target"], [1], [0], [0], columns["chance"])
    with pytest.raises(DataError, match=rf"{name}_N == {value}, must be >= 0 and <= 1"):
        totals_of(slots, shoppers=1)


def test_nobodys_totals_are_worth_nothing():
    assert Totals.empty(1, 0).diagnosis == Diagnosis(None, 0.0, 0.0, 0, False, None)
