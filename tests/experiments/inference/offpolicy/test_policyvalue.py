import numpy as np
import pytest

from experiments.inference.offpolicy.estimators import ESTIMATORS, estimates
from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.policyvalue import policy_values
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.offpolicy.worlds import enumerated, slots_of, totals_of

ALL = 0b111


def values_of(totals):
    moments = Moments.of(totals, 0)
    return policy_values(moments, totals.diagnosis, confidence=0.95)


def test_values_from_moments_are_those_from_shoppers():
    """Two ways to the same numbers: moments, and the linearised totals of the shoppers."""
    rng = np.random.default_rng(8)
    n = 900
    slots = slots_of(
        rng.integers(0, 50, n), rng.random(n) < 0.4, rng.uniform(0.1, 1, n),
        rng.random(n) < 0.5, rng.random(n), rng.random(n), rng.random(n),
    )  # fmt: skip
    totals = totals_of(slots, shoppers=50)
    found, peers = values_of(totals), estimates(totals, 0, confidence=0.95)
    for name in ESTIMATORS:
        assert found[name].value.numbers == pytest.approx(peers[name].value.numbers, rel=1e-12)


def test_a_value_says_what_it_rests_on():
    rng = np.random.default_rng(1)
    totals = enumerated(ALL).log(2_000, rng)
    found = values_of(totals)["ips"]
    assert found.effective == totals.diagnosis.effective > 100
    assert found.largest == totals.diagnosis.largest
    assert 0.5 < found.supported < 0.95
    assert found.events == Moments.of(totals, 0).events > 100
    assert found.refusal == ""
    (told,) = found.doubts
    assert "of the judged slots hold an item that the log could have shown" in told


def test_few_outcomes_are_doubted():
    found = values_of(enumerated(0b011).log(60, np.random.default_rng(2)))["ips"]
    assert found.events < 100
    assert found.doubts[-1].startswith("the weighted outcomes are worth")


def test_a_refused_value_is_unknown_and_says_why():
    totals = totals_of(
        slots_of([0, 1], [1, 1], [0.5, 0.5], [1, 1], [1, 0], [0, 0], [0, 0]), shoppers=2
    )
    for found in values_of(totals).values():
        assert found.value == UNKNOWN
        assert found.refusal.startswith("the weights leave 2 effective slots of 2, fewer than 10")
        assert found.doubts == ()
