from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from experiments.inference.offpolicy.estimators import ESTIMATORS, compared, estimated, estimates
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.offpolicy.worlds import NAN, slots_of, totals_of

SMALL = slots_of(
    shopper=[0, 0, 1, 1],
    first=[1, 0, 1, 0],
    propensity=[0.5, 0.25, 1.0, NAN],
    target=[1, 0, 1, 0],
    outcome=[1, 1, 0, 0],
    model=[0.25, 0.5, 0.25, 0],
    judged_model=[0.25, 0.5, 0.25, 0.5],
    chance=[1, 1, 1, 0],
)


def test_the_estimators_by_hand():
    """Weights 2, 0, 1: IPS 2; SNIPS 2 / 3 of 4 slots; DR models 1.5, and adds 2 x 0.75 - 0.25."""
    totals = totals_of(SMALL, shoppers=2)
    assert estimated(totals, "ips")[0].tolist() == [2.0, 0.0]
    assert estimated(totals, "snips")[0].sum() == pytest.approx(8 / 3, rel=1e-15)
    assert estimated(totals, "dr")[0].tolist() == [2.25, 0.5]
    assert totals.logged_EU.tolist() == [[2.0, 0.0]]
    assert totals.requests_U.tolist() == [1.0, 1.0]


def test_the_interval_is_the_delta_methods_over_shoppers():
    """Totals 3 and 1 of one request each: mean 2, standard error 1, one degree of freedom."""
    ones = np.ones(2)
    found = compared(np.array([3.0, 1.0]), 2 * ones, ones, confidence=0.9)
    reach = stats.t(1).isf(0.05)
    assert found.value.estimate == 2.0
    assert (found.value.low, found.value.high) == pytest.approx((2 - reach, 2 + reach))
    assert found.relative.estimate == 0.0
    assert found.relative.high == pytest.approx(np.expm1(0.5 * reach))


def test_snips_varies_over_shoppers_as_its_derivative_does():
    rng = np.random.default_rng(1)
    n, shoppers = 400, 20
    sample = slots_of(
        rng.integers(0, shoppers, n), rng.random(n) < 0.2, rng.uniform(0.1, 1, n),
        rng.random(n) < 0.5, rng.random(n), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    totals = totals_of(sample, shoppers=shoppers)

    def snips(times_U):
        sums = [totals.weighted_EU[0], totals.judged_U, totals.weights_U]
        weighted, judged, weight = (float(times_U @ each_U) for each_U in sums)
        return weighted * judged / weight

    ones, step = np.ones(shoppers), 1e-6
    slope_U = [
        (snips(ones + step * unit) - snips(ones - step * unit)) / (2 * step)
        for unit in np.eye(shoppers)
    ]
    np.testing.assert_allclose(estimated(totals, "snips")[0], slope_U, rtol=1e-6)
    assert estimated(totals, "snips").sum() == pytest.approx(snips(ones))


RATE, RANKED, SHOWN = 0.4, 3, 2
LUCK = [((0, 1), 1 - RATE), *((order[:SHOWN], RATE / 6) for order in permutations(range(RANKED)))]
"""Every page that a log may show, two of three items, the greedy one first, and how likely."""


@pytest.mark.parametrize("judged", [(0, 1), (1, 0), (2, 0), (1, 2)])
@pytest.mark.parametrize("model", [0.0, 0.5, -3.0])
def test_ips_and_dr_are_unbiased_over_all_pages_that_the_log_may_show(judged, model):
    outcome_IK = np.array([[0.9, 0.4], [0.5, 0.3], [0.2, 0.7]])
    means = dict.fromkeys(("ips", "dr"), 0.0)
    weight = 0.0
    for shown, chance in LUCK:
        slots = slots_of(
            shopper=[0, 0],
            first=[1, 0],
            propensity=[(1 - RATE) * (item == k) + RATE / RANKED for k, item in enumerate(shown)],
            target=[item == judged[k] for k, item in enumerate(shown)],
            outcome=[outcome_IK[item, k] for k, item in enumerate(shown)],
            model=[model * (1 + item) for item in shown],
            judged_model=[model * (1 + item) for item in judged],
        )
        totals = totals_of(slots, shoppers=1)
        weight += chance * totals.weights_U[0]
        for name in means:
            means[name] += chance * estimated(totals, name)[0, 0]
    truth = sum(outcome_IK[item, k] for k, item in enumerate(judged))
    assert means == pytest.approx({"ips": truth, "dr": truth}, rel=1e-12)
    assert weight == pytest.approx(SHOWN)


def test_a_policy_judged_by_its_own_log_gets_the_logs_own_mean_exactly():
    rng = np.random.default_rng(3)
    outcome_N, n = rng.integers(0, 2, 60), 60
    slots = slots_of(
        np.arange(n) // 3, np.arange(n) % 3 == 0, np.full(n, 0.125), np.full(n, 0.125),
        outcome_N, np.zeros(n), np.zeros(n),
    )  # fmt: skip
    totals = totals_of(slots, shoppers=20)
    found = estimates(totals, 0, confidence=0.9)
    assert {found[name].value.estimate for name in ESTIMATORS} == {outcome_N.sum() / 20}
    assert found["ips"].relative.estimate == 0.0


def test_a_log_without_a_slot_in_common_estimates_nothing():
    slots = slots_of([0, 1], [1, 1], [0.5, 0.5], [0, 0], [1, 1], [0, 0], [0, 0], [0, 0])
    totals = totals_of(slots, shoppers=2)
    assert {each.value for each in estimates(totals, 0, confidence=0.9).values()} == {UNKNOWN}
    assert np.isfinite(estimated(totals, "snips")).all()


def test_where_most_would_be_guessed_ips_stands_alone():
    n = 100
    slots = slots_of(
        np.arange(n), np.ones(n), np.full(n, 0.5), np.ones(n), np.ones(n), np.ones(n), np.ones(n),
        chance=np.arange(n) < 40,
    )  # fmt: skip
    found = estimates(totals_of(slots, shoppers=n), 0, confidence=0.9)
    assert [name for name, each in found.items() if each.value != UNKNOWN] == ["ips"]
