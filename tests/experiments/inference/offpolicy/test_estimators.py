from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.attribution.incremental.offpolicy.directmodel import BINS, cross_fitted, folds
from experiments.attribution.incremental.offpolicy.estimators import (
    ESTIMATORS,
    Diagnosis,
    Slots,
    Totals,
    compared,
    diagnose,
    doubts,
    estimated,
    estimates,
)
from experiments.records.interval import UNKNOWN
from simulator.errors import DataError


def slots_of(shopper, first, propensity, target, outcome, model, judged_model, supported=None):
    """Slots that the judged pages all fill; nothing is logged where the propensity is NaN."""
    propensity_N = np.array(propensity, float)
    judged_N = np.ones(len(propensity_N), bool)
    return Slots(
        shopper_N=np.array(shopper),
        first_N=np.array(first, bool),
        logged_N=~np.isnan(propensity_N),
        propensity_N=propensity_N,
        target_N=np.array(target, float),
        outcomes_EN=np.array([outcome], float),
        model_EN=np.array([model], float),
        judged_N=judged_N,
        supported_N=judged_N if supported is None else np.array(supported, bool),
        judged_model_EN=np.array([judged_model], float),
    )


def totals_of(*batches, shoppers):
    totals = Totals.empty(1, shoppers)
    for batch in batches:
        totals.add(batch)
    return totals


NAN = float("nan")
SMALL = slots_of(
    shopper=[0, 0, 1, 1],
    first=[1, 0, 1, 0],
    propensity=[0.5, 0.25, 1.0, NAN],
    target=[1, 0, 1, 0],
    outcome=[1, 1, 0, 0],
    model=[0.25, 0.5, 0.25, 0],
    judged_model=[0.25, 0.5, 0.25, 0.5],
    supported=[1, 1, 1, 0],
)


def test_the_estimators_by_hand():
    """Weights 2, 0, 1: IPS 2; SNIPS 2 / 3 of 4 slots; DR models 1.5, and adds 2 x 0.75 - 0.25."""
    totals = totals_of(SMALL, shoppers=2)
    assert estimated(totals, "ips")[0].tolist() == [2.0, 0.0]
    assert estimated(totals, "snips")[0].sum() == pytest.approx(8 / 3, rel=1e-15)
    assert estimated(totals, "dr")[0].tolist() == [2.25, 0.5]
    assert totals.logged_EU.tolist() == [[2.0, 0.0]]
    assert totals.requests_U.tolist() == [1.0, 1.0]
    assert diagnose(totals) == Diagnosis(0.75, 1.8, 2.0, 3, True)


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
    assert doubts(diagnose(totals), "a", "b")  # 60 effective slots are few


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


def test_a_log_without_a_slot_in_common_estimates_nothing():
    slots = slots_of([0, 1], [1, 1], [0.5, 0.5], [0, 0], [1, 1], [0, 0], [0, 0], [0, 0])
    totals = totals_of(slots, shoppers=2)
    assert {each.value for each in estimates(totals, 0, confidence=0.9).values()} == {UNKNOWN}
    assert np.isfinite(estimated(totals, "snips")).all()
    assert (
        "0 effective slots of 2, fewer than 10: no estimate"
        in doubts(diagnose(totals), "a", "b")[0]
    )


SOUND = Diagnosis(supported=1.0, effective=5_000.0, largest=9.0, slots=10_000, explores=True)


def test_a_log_that_carries_its_estimates_is_not_doubted():
    assert doubts(SOUND, "new", "old") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effective": 9.9}, "the weights leave 9.9 effective slots of 10,000, fewer than 10: no"),
        ({"effective": 99.0}, "the weights leave 99 effective slots of 10,000, fewer than 100 or"),
        ({"effective": 800.0, "slots": 90_000}, "leave 800 effective slots of 90,000"),
        ({"supported": 0.94}, "94.0% of the judged slots hold an item that the log could have"),
        ({"supported": 0.49}, "and SNIPS and DR, which would guess most, are not given"),
        ({"explores": False}, "the log has no exploration (funnel.exploration), every propensity"),
        ({"largest": 1_000.5}, "the largest weight is 1,000, more than 1,000"),
    ],
)
def test_each_doubt_is_told_by_name(change, said):
    (told,) = doubts(Diagnosis(**(vars(SOUND) | change)), "new", "old")
    assert told.startswith("off-policy: new by the log of old: ")
    assert said in told


def test_where_most_would_be_guessed_ips_stands_alone():
    n = 100
    slots = slots_of(
        np.arange(n), np.ones(n), np.full(n, 0.5), np.ones(n), np.ones(n), np.ones(n), np.ones(n),
        supported=np.arange(n) < 40,
    )  # fmt: skip
    found = estimates(totals_of(slots, shoppers=n), 0, confidence=0.9)
    assert [name for name, each in found.items() if each.value != UNKNOWN] == ["ips"]


def bandit(data, campaign, policy):
    """The uniformly random policy, judged by one of the logs of the Open Bandit data."""
    table = pd.read_parquet(data / "open_bandit_small" / "obd_men_women.parquet")
    log = table[(table["campaign"] == campaign) & (table["policy"] == policy)]
    items, n = log["item_id"].nunique(), len(log)
    assert items == {"men": 34, "women": 46}[campaign]
    shopper_N, click_N = np.arange(n), log["click"].to_numpy(float)
    cell = folds(shopper_N), log["position"].to_numpy() - 1, np.zeros(n, int), np.zeros(n, int)
    slots, clicks = np.zeros((2, 3, 2, BINS)), np.zeros((2, 3, 2, BINS))
    np.add.at(slots, cell, 1)
    np.add.at(clicks, cell, click_N)
    model_N = cross_fitted(slots, clicks[None])[0][cell]
    sample = slots_of(
        shopper_N, np.ones(n), log["propensity_score"], np.full(n, 1 / items), click_N,
        model_N, model_N,
    )  # fmt: skip
    return totals_of(sample, shoppers=n), click_N


@pytest.mark.parametrize("campaign", ["men", "women"])
def test_a_random_log_of_the_open_bandit_tells_its_own_click_rate(data, campaign):
    totals, click_N = bandit(data, campaign, "random")
    found = estimates(totals, 0, confidence=0.95)
    assert found["ips"].value.estimate == pytest.approx(click_N.mean(), rel=1e-12)
    assert found["snips"].value.estimate == pytest.approx(click_N.mean(), rel=1e-9)
    assert found["dr"].value.estimate == pytest.approx(click_N.mean(), abs=1e-4)
    assert diagnose(totals).effective == pytest.approx(10_000)
    assert doubts(diagnose(totals), "random", "random") == []


def test_thompson_sampling_in_men_tells_of_the_random_policy_within_error(data):
    _, random_N = bandit(data, "men", "random")
    totals, _ = bandit(data, "men", "bts")
    assert diagnose(totals).effective == pytest.approx(655.7, abs=0.1)
    for each in estimates(totals, 0, confidence=0.95).values():
        error = np.hypot((each.value.high - each.value.low) / 3.92, random_N.std() / 100)
        assert abs(each.value.estimate - random_N.mean()) < 4 * error


def test_thompson_sampling_in_women_is_warned_of_and_not_reported(data):
    """Weights up to 21,739: two effective slots of 10,000."""
    totals, _ = bandit(data, "women", "bts")
    assert {each.value for each in estimates(totals, 0, confidence=0.95).values()} == {UNKNOWN}
    told = " ".join(doubts(diagnose(totals), "random", "bts"))
    assert "leave 2.08 effective slots of 10,000, fewer than 10: no estimate is given" in told
    assert "the largest weight is 21,739, more than 1,000" in told
