import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.inference.logs import EngineSpec
from experiments.inference.offpolicy.directmodel import two_way
from experiments.inference.offpolicy.estimators import ESTIMATORS
from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.openbandit.banditlog import open_bandit_log
from experiments.inference.offpolicy.openbandit.judging import judge_policy
from experiments.inference.offpolicy.openbandit.target import Target, shares, uniform
from experiments.inference.offpolicy.policyvalue import policy_values
from experiments.inference.offpolicy.support import ROUNDS
from experiments.records.interval import UNKNOWN
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.offpolicy.openbandit.bandits import (
    open_bandit,
    opened,
    random_table,
    spec_of,
    written,
)
from tests.experiments.inference.offpolicy.worlds import slots_of, totals_of

NAMES = {"policy": "policy", "context": ("user",)}


def half(unit):
    """The fold of a round, as the log engine has it."""
    return (unit * 2654435761 >> 16) & 1


def cells(log, table):
    """(N,) context, position and action of each row of a table."""
    users = [None if not each else each[0] for each in log.contexts]
    context_N = np.array([users.index(user) for user in table["user"]])
    place_N = np.array([log.positions.index(place) for place in table["place"]])
    return context_N, place_N, np.array([log.actions.index(str(each)) for each in table["item"]])


def model_of(log, table, fold_N):
    """(2, C, K, A) what is predicted for each half, learned from the other one, row by row."""
    shape = len(log.contexts), len(log.positions), len(log.actions)
    found = []
    for fold in (0, 1):
        other = table[fold_N != fold]
        seen_CKA, clicks_CKA = np.zeros((2, *shape))
        for cell, click in zip(np.transpose(cells(log, other)), other["click"], strict=True):
            seen_CKA[tuple(cell)] += 1
            clicks_CKA[tuple(cell)] += click
        rate_X, relative_A = two_way(
            *(each.reshape(-1, shape[2]) for each in (seen_CKA, clicks_CKA))
        )
        found.append((rate_X[:, None] * relative_A).reshape(shape))
    return np.array(found)


def slow_values(log, table, chance_CKA, fold_N):
    """The formulas of Open Bandit Pipeline's estimators (Saito et al., 2021), in plain loops."""
    model_FCKA = model_of(log, table, fold_N)
    rows = []
    for (c, k, a), (_, row), fold in zip(
        np.transpose(cells(log, table)), table.iterrows(), fold_N, strict=True
    ):
        weight = chance_CKA[c, k, a] / row["chance"]
        expected = sum(
            chance_CKA[c, k, b] * model_FCKA[fold, c, k, b] for b in range(len(log.actions))
        )
        residual = weight * (row["click"] - model_FCKA[fold, c, k, a])
        rows.append((weight, weight * row["click"], expected + residual))
    weight_N, weighted_N, doubly_N = np.array(rows).T
    return {
        "ips": weighted_N.mean(),
        "snips": (weighted_N / weight_N.mean()).mean(),
        "dr": doubly_N.mean(),
    }, (weight_N, weighted_N, doubly_N)


def chances(log, seed):
    rng = np.random.default_rng(seed)
    shape = len(log.contexts), len(log.positions), len(log.actions)
    return rng.dirichlet(np.ones(shape[2]), size=shape[:2])


@pytest.mark.parametrize("seed", [0, 1])
def test_estimates_are_those_of_the_formulas_row_by_row(tmp_path, seed):
    table = random_table(150, seed)
    with opened(tmp_path, table, **NAMES) as log:
        target = Target("mine", chances(log, seed))
        found = judge_policy(log, target, "new", confidence=0.9)
        unit_N = np.flatnonzero(table["policy"] == "new")
        mine = table.iloc[unit_N]
        slow, (weight_N, *_) = slow_values(log, mine, target.chance_CKA, half(unit_N))
    for name in ESTIMATORS:
        assert found.values[name].value.estimate == pytest.approx(slow[name], rel=1e-12)
        assert found.values[name].effective == pytest.approx(
            weight_N.sum() ** 2 / (weight_N**2).sum(), rel=1e-12
        )
        assert found.values[name].largest == pytest.approx(weight_N.max(), rel=1e-12)
    assert found.logged_value.estimate == pytest.approx(mine["click"].mean(), rel=1e-12)
    assert found.mean_weight.estimate == pytest.approx(weight_N.mean(), rel=1e-12)
    assert (found.rounds, found.rows) == (len(mine), len(mine))


def test_a_log_of_four_rounds_by_hand(tmp_path):
    """Weights 0.5 / 0.5, 0.5 / 0.25, 0.5 / 0.5, 0.5 / 0.25; clicks on the second and the third.

    IPS (2 + 1) / 4, SNIPS 3 / 6; repeated eight times, lest too few rounds be refused.
    """
    once = pd.DataFrame(
        {"item": ["a", "b", "a", "b"], "click": [0, 1, 1, 0], "chance": [0.5, 0.25, 0.5, 0.25]}
    )
    table = pd.concat([once] * 8, ignore_index=True).assign(place=1, at=np.arange(32))
    with opened(tmp_path, table) as log:
        found = judge_policy(log, uniform(log), "logged")
    assert found.values["ips"].value.estimate == pytest.approx(0.75, rel=1e-14)
    assert found.values["snips"].value.estimate == pytest.approx(0.5, rel=1e-14)
    assert found.mean_weight.estimate == pytest.approx(1.5, rel=1e-14)
    assert found.values["ips"].effective == pytest.approx(8 * 36 / 10, rel=1e-14)


def test_intervals_are_those_of_rounds_as_shoppers_of_a_log_of_slots(tmp_path):
    """Rounds of three rows: the same numbers by way of totals in memory."""
    table = random_table(600, 3, rounds=3)
    with opened(tmp_path, table, round="page", **NAMES) as log:
        target = Target("mine", chances(log, 3))
        found = judge_policy(log, target, "new", confidence=0.9)
        mine = table[table["policy"] == "new"]
        unit_N = mine["page"].to_numpy()
        c, k, a = cells(log, mine)
        fold_N = half(unit_N)
        model_FCKA = model_of(log, mine, fold_N)
    expected_N = (target.chance_CKA[c, k] * model_FCKA[fold_N, c, k]).sum(axis=1)
    of_page_N = np.unique(unit_N, return_inverse=True)[1]
    slots = slots_of(
        of_page_N, np.ones(len(mine)), mine["chance"], target.chance_CKA[c, k, a], mine["click"],
        model_FCKA[fold_N, c, k, a], expected_N,
    )  # fmt: skip
    totals = totals_of(slots, shoppers=of_page_N.max() + 1)
    peers = policy_values(Moments.of(totals, 0), totals.diagnosis, confidence=0.9, wording=ROUNDS)
    assert found.rounds == 100
    for name in ESTIMATORS:
        got, wanted = found.values[name], peers[name]
        assert got.value.numbers == pytest.approx(wanted.value.numbers, rel=1e-10)
        assert got.effective == pytest.approx(wanted.effective, rel=1e-12)


def test_the_interval_is_that_of_a_bootstrap_over_rounds(tmp_path):
    table = random_table(2_000, 5)
    with opened(tmp_path, table, **NAMES) as log:
        target = Target("mine", chances(log, 5))
        found = judge_policy(log, target, "new", confidence=0.95)
        mine = table[table["policy"] == "new"]
        unit_N = np.flatnonzero(table["policy"] == "new")
        _, parts = slow_values(log, mine, target.chance_CKA, half(unit_N))
    weight_N, weighted_N, doubly_N = parts
    rng, n = np.random.default_rng(1), len(mine)
    times_BN = rng.multinomial(n, np.full(n, 1 / n), 1_000)
    again = {
        "ips": times_BN @ weighted_N / n,
        "snips": times_BN @ weighted_N / (times_BN @ weight_N),
        "dr": times_BN @ doubly_N / n,
    }
    for name, drawn_B in again.items():
        value = found.values[name].value
        assert (value.high - value.low) / 3.92 == pytest.approx(drawn_B.std(), rel=0.08)


def test_a_policy_judged_by_its_own_log_has_the_logs_mean(tmp_path):
    table = random_table(300, 6)
    table["chance"] = 1 / 3
    with opened(tmp_path, table, **NAMES) as log:
        found = judge_policy(log, uniform(log), "old")
    for name in ("ips", "snips"):
        assert found.values[name].value.estimate == pytest.approx(found.logged_value.estimate)
    assert found.mean_weight.alone == found.mean_weight  # nothing varies
    assert found.values["ips"].effective == pytest.approx(found.rows)


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_weights_that_are_not_one_on_average_are_told(tmp_path, spread):
    """The propensities are those of a page of two, say, and not of the action at its position."""
    table = random_table(600, 7)
    right = np.full(600, 1 / 3) + spread * np.where(np.arange(600) % 2, 1, -1)
    for chance_N, wrong in ((right, False), (right / 3, True)):
        with opened(tmp_path, table.assign(chance=chance_N), **NAMES) as log:
            found = judge_policy(log, uniform(log), "new")
        assert [told.startswith("weights are 3") for told in found.warnings] == [True] * wrong


def test_a_log_in_which_nothing_is_drawn_is_told(tmp_path):
    table = random_table(200, 8).assign(chance=1.0)
    with opened(tmp_path, table, **NAMES) as log:
        found = judge_policy(log, uniform(log), "new")
    assert found.warnings[0].startswith("every propensity is 1: the log took one action")


def test_a_reward_outside_of_the_range_is_refused(tmp_path):
    with opened(tmp_path, random_table(200), **NAMES) as log:
        for rewards, value in (((0.0, 0.5), "1.0"), ((0.5, 2.0), "0.0")):
            with pytest.raises(DataError, match=f"reward == {value}, must be >= {rewards[0]}"):
                judge_policy(log, uniform(log), "new", rewards=rewards)


def test_bounds_need_a_range_of_the_reward(tmp_path):
    with opened(tmp_path, random_table(200), **NAMES) as log:
        assert judge_policy(log, uniform(log), "new").bounds is None
        bounds = judge_policy(log, uniform(log), "new", rewards=(0.0, 1.0)).bounds
        assert bounds.low.estimate < bounds.high.estimate
        with pytest.raises(ConfigError, match="least == 1, must be < most == 0"):
            judge_policy(log, uniform(log), "new", rewards=(1, 0))


def test_bounds_and_the_cautious_interval_row_by_row(tmp_path):
    """Weights up to 167: those above 100 are left to the bounds."""
    table = random_table(300, 11)
    table.loc[::9, "chance"] = 0.002
    with opened(tmp_path, table, **NAMES) as log:
        found = judge_policy(log, uniform(log), "new", rewards=(0.0, 2.0), confidence=0.9)
    mine = table[table["policy"] == "new"]
    weight_N, click_N = 1 / 3 / mine["chance"].to_numpy(), mine["click"].to_numpy()
    kept_N = np.where(weight_N <= 100, weight_N, 0)
    n = len(mine)
    assert kept_N.sum() < weight_N.sum()
    assert found.bounds.weak == pytest.approx(1 - kept_N.mean(), rel=1e-12)
    assert found.bounds.low.estimate == pytest.approx((kept_N * click_N).mean(), rel=1e-12)
    assert found.bounds.high.estimate == pytest.approx(
        (kept_N * click_N).mean() + 2 * (1 - kept_N.mean()), rel=1e-12
    )
    assert found.values["ips"].largest == pytest.approx(weight_N.max(), rel=1e-12)
    value, part = (weight_N * click_N).mean(), 2 * weight_N.max() / n
    variance = ((weight_N * click_N) ** 2).sum() / n**2
    above, spread = value + part, variance + part**2
    high = spread / (2 * above) * stats.chi2.isf(0.05, 2 * above**2 / spread)
    assert found.cautious.high == pytest.approx(high, rel=1e-10)


def test_a_cautious_interval_needs_single_rows_and_rewards_from_zero_up(tmp_path):
    known = {"rewards": (0.0, 1.0)}
    with opened(tmp_path, random_table(300), **NAMES) as log:
        found = judge_policy(log, uniform(log), "new", **known)
        assert found.cautious.ends is not None
        assert found.cautious.low >= 0
        assert judge_policy(log, uniform(log), "new").cautious == UNKNOWN
        assert judge_policy(log, uniform(log), "new", rewards=(-1, 1)).cautious == UNKNOWN
    with opened(tmp_path, random_table(300, rounds=3), round="page", **NAMES) as log:
        assert judge_policy(log, uniform(log), "new", **known).cautious == UNKNOWN


def test_one_thread_says_the_same(tmp_path):
    path = written(tmp_path, random_table(3_000, 9))
    found = []
    for threads in (1, 2):
        with open_bandit_log(
            spec_of(path, **NAMES), engine_spec=EngineSpec(threads=threads)
        ) as log:
            found.append(judge_policy(log, uniform(log), "new").values)
    for name in ESTIMATORS:
        one, two = (each[name].value.numbers for each in found)
        assert one == pytest.approx(two, rel=1e-11)


def test_an_action_that_the_log_never_took_is_not_supported(tmp_path):
    table = random_table(400, 2)
    table = table[(table["policy"] != "new") | (table["item"] != 2)]
    with opened(tmp_path, table, **NAMES) as log:
        found = judge_policy(log, uniform(log), "new")
    value = found.values["dr"]
    assert value.supported == pytest.approx(2 / 3, rel=1e-12)
    assert "66.7% of the judged rounds take an action that the log has taken" in value.doubts[0]


def test_the_policy_and_the_target_must_be_there(tmp_path):
    with opened(tmp_path, random_table(50), **NAMES) as log:
        with pytest.raises(DataError, match="policy == 'best', must be one of the log's"):
            judge_policy(log, uniform(log), "best")
        with pytest.raises(DataError, match="must be"):
            judge_policy(log, Target("mine", np.ones((1, 1, 1))), "new")


@pytest.mark.parametrize("campaign", ["men", "women"])
def test_the_random_log_of_the_open_bandit_tells_its_own_click_rate(data, campaign):
    with open_bandit(data, campaign) as log:
        assert log.warnings == ()
        found = judge_policy(log, uniform(log), "random")
    for name in ("ips", "snips"):
        assert found.values[name].value.estimate == pytest.approx(0.0046, rel=1e-9)
    assert found.values["dr"].value.estimate == pytest.approx(0.0046, abs=1e-4)
    assert found.values["ips"].effective == pytest.approx(10_000)
    (told,) = found.values["ips"].doubts
    assert told.startswith("the weighted outcomes are worth 46 equal ones")


def errors_apart(value, truth):
    """How many standard errors of both an estimate is from the mean of the other log."""
    error = np.hypot(*(each.high - each.low for each in (value, truth))) / 3.92
    return abs(value.estimate - truth.estimate) / error


def test_thompson_sampling_in_men_tells_of_the_random_policy_within_error(data):
    with open_bandit(data, "men") as log:
        found = judge_policy(log, uniform(log), "bts")
        truth = judge_policy(log, uniform(log), "random").logged_value
    assert found.values["ips"].effective == pytest.approx(655.7, abs=0.1)
    assert found.values["ips"].largest == pytest.approx(178.3, abs=0.1)
    for value in found.values.values():
        assert value.refusal == ""
        assert errors_apart(value.value, truth) < 3
    assert found.values["ips"].value.estimate == pytest.approx(0.00301, abs=1e-5)
    assert found.mean_weight.holds(1.0)
    assert found.warnings == ()


def test_69_clicks_of_thompson_sampling_in_men_are_worth_15_and_it_is_said(data):
    """The plain interval ends just below the mean of the other log; the cautious one holds it."""
    with open_bandit(data, "men") as log:
        found = judge_policy(log, uniform(log), "bts", rewards=(0.0, 1.0))
        truth = judge_policy(log, uniform(log), "random").logged_value.estimate
    ips = found.values["ips"]
    assert ips.events == pytest.approx(15.1, abs=0.1)
    assert "the weighted outcomes are worth 15.1 equal ones" in ips.doubts[-1]
    assert ips.value.holds(truth) is False
    assert found.cautious.holds(truth)
    assert found.cautious.estimate == ips.value.estimate


@pytest.mark.parametrize("campaign", ["men", "women"])
def test_the_random_log_tells_of_thompson_sampling_within_error(data, campaign):
    """Its chances change over time, so the target is how often it took each action."""
    with open_bandit(data, campaign) as log:
        found = judge_policy(log, shares(log, "bts"), "random")
        truth = judge_policy(log, shares(log, "bts"), "bts").logged_value
    for value in found.values.values():
        assert value.refusal == ""
        assert value.effective > 2_500
        assert errors_apart(value.value, truth) < 3


def test_thompson_sampling_in_women_is_refused_with_the_reason(data):
    with open_bandit(data, "women") as log:
        found = judge_policy(log, uniform(log), "bts", rewards=(0.0, 1.0))
        truth = judge_policy(log, uniform(log), "random").logged_value
    for value in found.values.values():
        assert value.value == UNKNOWN
        assert value.effective == pytest.approx(2.08, abs=0.01)
        assert value.largest == pytest.approx(21_739.13, abs=0.01)
        assert value.refusal == (
            "the weights leave 2.08 effective rounds of 10,000, fewer than 10; "
            "the largest weight is 2.174e+04"
        )
    assert found.cautious == UNKNOWN
    low, high = found.bounds.ends
    assert 0 <= low < truth.estimate < high
    assert found.bounds.weak > 0.05
