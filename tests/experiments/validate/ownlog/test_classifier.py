"""A classifier cannot tell a log from one of the same shop, and tells it from another's."""

import numpy as np
import pytest

from experiments.records.validity import Verdict
from experiments.validate.ownlog.classifier import area, labelled, told_apart
from experiments.validate.ownlog.sales import Sales


def sales(seed, shoppers=300, items=0.3, evening=0.0):
    """A shop whose orders have more or fewer items, earlier or later in the day."""
    rng = np.random.default_rng(seed)
    columns = {name: [] for name in ("shopper", "order", "item", "at", "price", "quantity")}
    number = 0
    for shopper in range(shoppers):
        level = rng.normal(0, 0.7)
        for _ in range(1 + rng.poisson(0.8)):
            number += 1
            at = 86_400 * rng.integers(28) + 3_600 * (rng.normal(14 + evening, 3) % 24)
            for _ in range(1 + rng.poisson(items)):
                row = shopper, number, rng.integers(500), at, np.exp(level + rng.normal()), 1.0
                for name, value in zip(columns, row, strict=True):
                    columns[name].append(value)
    return Sales.of({name: np.array(column) for name, column in columns.items()}, 0.0, 28)


def judged(own, simulated, seed=0):
    rng = np.random.default_rng(seed)
    return told_apart(labelled(own.orders, simulated.orders, rng=rng), confidence=0.95, rng=rng)


def test_two_logs_of_one_shop_cannot_be_told_apart():
    """Orders of a shopper are alike, so a classifier that had seen shoppers would tell."""
    ends = [judged(sales(2 * seed), sales(2 * seed + 1), seed)[0] for seed in range(5)]
    assert {check.verdict for check in ends} <= {Verdict.PASS, Verdict.WARN}
    assert sum(check.found.low <= 0.5 for check in ends) >= 4
    assert abs(np.mean([check.found.estimate for check in ends]) - 0.5) < 0.04


def lives(seed, *, spread=1.0):
    """Orders of one item each, of 400 items whose share of the sales is luck of this life."""
    rng = np.random.default_rng([seed, 5])
    price_I = np.exp(np.random.default_rng(77).normal(3, spread, 400)).round(1) + 0.1  # the shop's
    weight_I = rng.exponential(size=400)
    item = rng.choice(400, 3_000, p=weight_I / weight_I.sum())
    return Sales.of(
        {
            "shopper": rng.integers(700, size=3_000),
            "order": np.arange(3_000),
            "item": item,
            "at": rng.uniform(0, 28 * 86_400, 3_000),
            "price": price_I[item],
            "quantity": np.ones(3_000),
        },
        0.0,
        28,
    )


def against_lives(own, simulated, others):
    rng = np.random.default_rng(1)
    pairs = [labelled(each.orders, simulated.orders, rng=rng) for each in (own, *others)]
    return told_apart(pairs[0], pairs[1:], confidence=0.95, rng=rng)[0]


def test_two_lives_of_one_shop_are_told_apart_by_bestsellers_and_no_more_than_other_lives():
    own, simulated, others = lives(1), lives(2), [lives(seed) for seed in range(3, 7)]
    alone, held = against_lives(own, simulated, ()), against_lives(own, simulated, others)
    assert alone.verdict in (Verdict.WARN, Verdict.FAIL)
    assert held.verdict is Verdict.PASS
    assert held.found.estimate == pytest.approx(alone.found.estimate, abs=0.02)
    assert held.high > held.found.estimate
    assert "other lives of the simulated shop: 0.59, 0." in held.note
    assert against_lives(lives(1, spread=2.0), simulated, others).verdict is Verdict.FAIL


def test_a_log_of_larger_orders_is_told_by_their_items():
    check, telling = judged(sales(1), sales(2, items=2.0))
    assert check.verdict is Verdict.FAIL
    assert check.found.low > 0.6
    assert telling[0].feature == "items"
    assert telling[0].lost > 0.05
    assert telling[0].alone.low > 0.6


def test_a_log_of_other_hours_is_told_by_them():
    check, telling = judged(sales(3), sales(4, evening=5.0))
    assert check.verdict is Verdict.FAIL
    assert telling[0].feature.startswith("hour")


def test_a_log_in_another_currency_is_not_told_by_it():
    own, other = sales(5), sales(6)
    dear = Sales(
        *(other.shopper_L, other.order_L, other.item_L, other.at_L, 7.5 * other.price_L),
        *(other.quantity_L, other.days),
    )
    assert judged(own, dear)[0].found == judged(own, other)[0].found


def test_too_few_shoppers_tell_nothing():
    check, telling = judged(sales(7, shoppers=12), sales(8))
    assert check.verdict is Verdict.UNTOLD
    assert "needs 20 shoppers" in check.note
    assert telling == ()


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    score_N = np.array([1.0, 3.0, 2.0, 3.0, 5.0])
    simulated_N = np.array([False, False, True, True, True])
    pairs = [
        1.0 if two > one else 0.5 if two == one else 0.0
        for one in score_N[~simulated_N]
        for two in score_N[simulated_N]
    ]
    found = area(score_N, simulated_N, np.arange(5), np.zeros(5, int), 0.95)
    assert found.estimate == pytest.approx(np.mean(pairs))


def test_the_interval_of_an_area_holds_the_true_one_although_shoppers_hang_together():
    """Scores of one shopper are nearly the same; the true area of two normal laws is 0.76."""
    rng, covered, naive = np.random.default_rng(9), [], []
    for _ in range(200):
        shopper_N = np.repeat(np.arange(120), 5)
        simulated_N = shopper_N >= 60
        level_U = rng.normal(0, 1, 120) + (np.arange(120) >= 60)
        score_N = level_U[shopper_N] + rng.normal(0, 1e-3, len(shopper_N))
        one_N = np.zeros(len(score_N), int)
        true = 0.7602
        covered.append(area(score_N, simulated_N, shopper_N, one_N, 0.95).holds(true))
        rows = np.arange(len(score_N))
        naive.append(area(score_N, simulated_N, rows, one_N, 0.95).holds(true))
    assert abs(np.mean(covered) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 200)
    assert np.mean(naive) < 0.8
