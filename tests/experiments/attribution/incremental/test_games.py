from itertools import combinations, permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from experiments.attribution.incremental.games import Index, index_values, indices
from experiments.attribution.incremental.plans import (
    AllCoalitions,
    Asked,
    DrawnOrders,
    make_plan,
)
from simulator.protocols import REQUEST_BITS
from simulator.randomness import Draws


def games(channels, rows=1):
    worths = st.floats(-100, 100, allow_nan=False, width=32)
    return arrays(np.float64, (rows, 1 << channels), elements=worths).map(grounded)


def grounded(worths_XM):
    worths_XM = worths_XM.copy()
    worths_XM[:, 0] = 0
    return worths_XM


def any_game(most=5):
    return st.integers(1, most).flatmap(lambda n: st.tuples(st.just(n), games(n)))


def told(values_XJ, channels, kind):
    columns = [j for j, index in enumerate(indices(channels)) if index.kind == kind]
    return values_XJ[:, columns]


def shapley_by_definition(worth_M, n):
    value_C = np.zeros(n)
    for order in permutations(range(n)):
        before = 0
        for c in order:
            value_C[c] += worth_M[before | 1 << c] - worth_M[before]
            before |= 1 << c
    return value_C / factorial(n)


def interaction_by_definition(worth_M, n, i, j):
    """Over orders of the players with i and j merged into one."""
    others = [c for c in range(n) if c not in (i, j)]
    found = 0.0
    for order in permutations([*others, "pair"]):
        before = sum(1 << c for c in order[: order.index("pair")])
        one, other = before | 1 << i, before | 1 << j
        found += worth_M[one | other] - worth_M[one] - worth_M[other] + worth_M[before]
    return found / factorial(n - 1)


def test_the_glove_game_has_its_textbook_values():
    """One left glove (0), two right ones (1, 2): a pair is worth 1."""
    worth_M = np.array([[0, 0, 0, 1, 0, 1, 0, 1]], float)
    values = index_values(worth_M, 3)
    np.testing.assert_allclose(told(values, 3, "shapley"), [[2 / 3, 1 / 6, 1 / 6]])
    np.testing.assert_array_equal(told(values, 3, "leave_one_out"), [[1, 0, 0]])
    np.testing.assert_array_equal(told(values, 3, "alone"), [[0, 0, 0]])
    np.testing.assert_allclose(told(values, 3, "interaction"), [[0.5, 0.5, -0.5]])


def test_indices_are_in_the_order_of_their_columns():
    assert indices(2) == (
        Index("total"),
        Index("leave_one_out", 0),
        Index("leave_one_out", 1),
        Index("alone", 0),
        Index("alone", 1),
        Index("shapley", 0),
        Index("shapley", 1),
        Index("interaction", 0, 1),
    )


@settings(max_examples=30)
@given(any_game())
def test_indices_equal_their_definitions(game):
    n, worths = game
    values = index_values(worths, n)
    np.testing.assert_allclose(
        told(values, n, "shapley")[0], shapley_by_definition(worths[0], n), atol=1e-9
    )
    pairs = [interaction_by_definition(worths[0], n, i, j) for i, j in combinations(range(n), 2)]
    np.testing.assert_allclose(told(values, n, "interaction")[0], pairs, atol=1e-9)
    whole = (1 << n) - 1
    lost = [worths[0, whole] - worths[0, whole ^ 1 << c] for c in range(n)]
    np.testing.assert_array_equal(told(values, n, "leave_one_out")[0], lost)
    np.testing.assert_array_equal(
        told(values, n, "alone")[0], [worths[0, 1 << c] for c in range(n)]
    )


@settings(max_examples=50)
@given(any_game(most=8))
def test_shapley_values_add_up_to_the_worth_of_all(game):
    n, worths = game
    values = index_values(worths, n)
    assert told(values, n, "shapley").sum() == pytest.approx(worths[0, -1], abs=1e-9)


@settings(max_examples=50)
@given(games(4), st.permutations(range(4)))
def test_renaming_channels_renames_their_values(worths, order):
    renamed = [sum(1 << order[c] for c in range(4) if mask >> c & 1) for mask in range(16)]
    moved = np.empty_like(worths)
    moved[:, renamed] = worths
    before, after = (told(index_values(v, 4), 4, "shapley")[0] for v in (worths, moved))
    np.testing.assert_allclose(after[list(order)], before, atol=1e-9)


@settings(max_examples=50)
@given(games(3))
def test_channels_that_stand_in_for_each_other_are_worth_the_same(worths):
    """Channel 3 is channel 0 again."""
    mask = np.arange(16)
    seen = (mask & 0b111) | (mask >> 3)
    values = index_values(worths[:, seen], 4)
    shapley = told(values, 4, "shapley")[0]
    assert shapley[0] == pytest.approx(shapley[3], abs=1e-9)
    assert told(values, 4, "leave_one_out")[0, [0, 3]].tolist() == [0, 0]


@settings(max_examples=50)
@given(games(3))
def test_a_channel_that_changes_nothing_is_worth_exactly_nothing(worths):
    """Channel 1 of four."""
    mask = np.arange(16)
    values = index_values(worths[:, (mask & 1) | (mask >> 1 & 0b110)], 4)
    of_it = [j for j, index in enumerate(indices(4)) if 1 in (index.channel, index.other)]
    assert values[0, of_it].tolist() == [0.0] * len(of_it)


@settings(max_examples=50)
@given(games(4, rows=2))
def test_the_value_of_a_sum_of_games_is_the_sum_of_values(worths):
    together = index_values(worths.sum(axis=0, keepdims=True), 4)
    np.testing.assert_allclose(together[0], index_values(worths, 4).sum(axis=0), atol=1e-9)


def test_the_matrix_is_the_same_map():
    worths = grounded(np.random.default_rng(0).normal(size=(5, 32)))
    matrix = index_values(np.eye(32), 5)
    np.testing.assert_allclose(worths @ matrix, index_values(worths, 5), atol=1e-12)


def test_a_game_does_not_depend_on_the_others_in_its_batch():
    worths = grounded(np.random.default_rng(0).normal(size=(40, 64)))
    alone = np.concatenate([index_values(row[None], 6) for row in worths])
    np.testing.assert_array_equal(alone, index_values(worths, 6))


def test_the_empty_coalition_counts_as_nothing_whatever_its_column_holds():
    worths = np.random.default_rng(0).normal(size=(3, 8))
    np.testing.assert_array_equal(index_values(worths, 3), index_values(grounded(worths), 3))


def test_few_channels_get_all_coalitions_and_many_get_drawn_orders():
    assert isinstance(make_plan(8, 2, Draws(0)), AllCoalitions)
    assert isinstance(make_plan(9, 2, Draws(0)), DrawnOrders)


def sessions(count):
    """Ids of the first requests of so many sessions."""
    return np.arange(count) << REQUEST_BITS


def plan_of(n, orders=2, seed=0):
    return DrawnOrders(n, orders, Draws(seed))


def looked_up(worth_M, masks_BX):
    return np.ascontiguousarray(worth_M[masks_BX])


def all_orders(plan):
    """Every order of the channels as if it had been drawn, each with its reverse."""
    orders = list(permutations(range(plan.channels)))
    order_BPC = np.array([[order, order[::-1]] for order in orders], np.int64)
    drawn = DrawnOrders(plan.channels, 2, plan.draws)
    drawn._orders = lambda id_B: order_BPC
    return drawn, drawn.ask(sessions(len(orders)))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_drawn_orders_are_unbiased_for_every_index(n):
    worth_M = grounded(np.random.default_rng(n).normal(size=(1, 1 << n)))
    plan, asked = all_orders(plan_of(n))
    values_BJ, _ = plan.values(asked, looked_up(worth_M[0], asked.masks_BX))
    np.testing.assert_allclose(values_BJ.mean(axis=0), index_values(worth_M, n)[0], atol=1e-12)


def substitutes(n, seed=0):
    """A coalition brings what one of its channels would bring at least once."""
    miss_C = np.random.default_rng(seed).uniform(0.3, 0.9, n)
    held = np.arange(1 << n)[:, None] >> np.arange(n) & 1
    return 1 - np.prod(np.where(held, miss_C, 1.0), axis=1)


def test_the_stated_variance_of_one_pair_is_at_least_the_true_one_for_substitutes():
    plan, asked = all_orders(plan_of(5))
    values_BJ, variance_BC = plan.values(asked, looked_up(substitutes(5), asked.masks_BX))
    true_C = told(values_BJ, 5, "shapley").var(axis=0)
    assert (variance_BC.mean(axis=0) >= true_C).all()
    assert (true_C > 0).all()


def test_the_stated_variance_of_several_pairs_is_the_true_one():
    n, orders, worth_M = 4, 6, np.random.default_rng(1).normal(size=16)
    worth_M[0] = 0
    plan = plan_of(n, orders)
    asked = plan.ask(sessions(40_000))
    values_BJ, variance_BC = plan.values(asked, looked_up(worth_M, asked.masks_BX))
    np.testing.assert_allclose(
        variance_BC.mean(axis=0), told(values_BJ, n, "shapley").var(axis=0), rtol=0.05
    )


def test_sums_over_many_requests_agree_with_exact_values_within_the_stated_error():
    n, requests = 9, 3_000
    worth_M, plan = substitutes(n), plan_of(n)
    asked = plan.ask(sessions(requests))
    values_BJ, variance_BC = plan.values(asked, looked_up(worth_M, asked.masks_BX))
    exact = index_values(worth_M[None], n)[0]
    kinds = np.array([index.kind for index in plan.indices])
    error_C = np.sqrt(variance_BC.sum(axis=0))
    missed = values_BJ.sum(axis=0) - requests * exact
    assert (np.abs(missed[kinds == "shapley"]) < 4 * error_C).all()
    assert (error_C < 0.05 * requests * exact[kinds == "shapley"]).all()
    np.testing.assert_allclose(missed[kinds != "interaction"][: 1 + 2 * n], 0, atol=1e-9)
    spread = values_BJ[:, kinds == "interaction"].std(axis=0) * np.sqrt(requests)
    assert (np.abs(missed[kinds == "interaction"]) < 4.5 * spread).all()


def test_sampled_shapley_values_add_up_to_the_worth_of_all_in_every_request():
    worth_M = np.random.default_rng(0).normal(size=1 << 9)
    plan = plan_of(9, orders=4)
    asked = plan.ask(sessions(50))
    values_BJ, _ = plan.values(asked, looked_up(worth_M, asked.masks_BX))
    np.testing.assert_allclose(told(values_BJ, 9, "shapley").sum(axis=1), worth_M[-1], atol=1e-12)


def test_orders_belong_to_the_session_and_come_with_their_reverse():
    plan = plan_of(12, orders=4)
    whole, part = plan.ask(sessions(100)), plan.ask(sessions(100)[[70, 3]] + [5, 9])
    np.testing.assert_array_equal(whole.order_BPC[[70, 3]], part.order_BPC)
    np.testing.assert_array_equal(whole.masks_BX[[70, 3]], part.masks_BX)
    assert (np.sort(whole.order_BPC, axis=2) == np.arange(12)).all()
    np.testing.assert_array_equal(whole.order_BPC[:, 1::2], whole.order_BPC[:, ::2, ::-1])
    assert whole.masks_BX.shape == (100, plan.columns)
    first_C = np.bincount(plan.ask(sessions(12_000)).order_BPC[:, 0, 0], minlength=12)
    assert np.abs(first_C - 1_000).max() < 5 * 1_000**0.5


def test_told_columns_are_all_channels_all_but_one_and_one():
    plan = plan_of(10)
    masks = plan.ask(sessions(2)).masks_BX[0]
    np.testing.assert_array_equal(masks[: len(plan.told_M)], plan.told_M)
    assert masks[plan.all_column] == 1023
    assert [int(mask) ^ 1023 for mask in masks[plan.without_C]] == [1 << c for c in range(10)]


def test_a_game_of_one_channel_has_no_pairs():
    assert index_values(np.array([[0.0, 3.0]]), 1).tolist() == [[3.0, 3.0, 3.0, 3.0]]
    plan = AllCoalitions(1)
    values, variance = plan.values(plan.ask(sessions(1)), np.array([[0.0, 3.0]]))
    assert values.shape == (1, 4)
    assert variance.tolist() == [[0.0]]
    assert isinstance(plan.ask(sessions(1)), Asked)
