from itertools import pairwise

import mam
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from experiments.attribution.credit.removal import removal_effects
from simulator.errors import DataError

START, A, B, NULL, CONVERSION = range(5)


def chain(*steps, size=5):
    counts_NN = np.zeros((size, size))
    for source, target, count in steps:
        counts_NN[source, target] = count
    return counts_NN


HAND = chain(
    (START, A, 2), (START, B, 1), (A, CONVERSION, 1), (A, B, 1), (B, NULL, 1), (B, CONVERSION, 1)
)
"""Paths A; A B that ends in null; B: conversions from A and from B."""


def plain_value(counts_NN, money_N=None, without=None):
    """By hand: the chain's fixed point, with one state's column led to null."""
    counts_NN = counts_NN.copy()
    money_N = counts_NN[:, -1] if money_N is None else money_N
    out_N = counts_NN.sum(axis=1)
    if without is not None:
        counts_NN[:, -2] += counts_NN[:, without]
        counts_NN[:, without] = 0
    per_N = 1 / np.where(out_N > 0, out_N, 1)
    inner = slice(0, -2)
    move = (counts_NN * per_N[:, None])[inner, inner]
    return np.linalg.solve(np.eye(len(move)) - move, (money_N * per_N)[inner])[0]


def random_chain(seed, touches, density=0.6):
    """Counts of a chain whose states all have a way to an end."""
    rng = np.random.default_rng(seed)
    size = touches + 3
    counts_NN = rng.integers(1, 20, (size, size)) * (rng.random((size, size)) < density)
    counts_NN[:, 0], counts_NN[-2:] = 0, 0
    counts_NN[:-2, -2] += 1
    counts_NN[0, 1:-2] += 1
    counts_NN[1, -1] += 1
    return counts_NN.astype(float), rng.uniform(1, 9, size) * counts_NN[:, -1]


def test_a_chain_that_was_worked_out_by_hand():
    found = removal_effects(HAND, np.array([A, B]))
    assert found.value == pytest.approx(2 / 3)
    np.testing.assert_allclose(found.loss_C, [1 / 2, 1 / 3])
    np.testing.assert_allclose(found.loss_C / found.value, [3 / 4, 1 / 2])
    np.testing.assert_allclose(found.share_C, [3 / 5, 2 / 5])


def test_money_weighs_the_conversions_that_carry_it():
    """B's conversion brings 9, A's 3: expected 2/3 (3/2 + 9/4) + 1/3 9/2 = 4."""
    found = removal_effects(HAND, np.array([A, B]), np.array([0, 3.0, 9.0, 0, 0]))
    assert found.value == pytest.approx(4)
    np.testing.assert_allclose(found.loss_C, [4 - 3 / 2, 4 - 1])


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), touches=st.integers(1, 12))
def test_losses_equal_solving_the_chain_without_each_state(seed, touches):
    counts_NN, money_N = random_chain(seed, touches)
    state_C = np.arange(1, touches + 1)
    for money in (None, money_N):
        found = removal_effects(counts_NN, state_C, money)
        whole = plain_value(counts_NN, money)
        wanted = [whole - plain_value(counts_NN, money, state) for state in state_C]
        assert found.value == pytest.approx(whole, rel=1e-10)
        np.testing.assert_allclose(found.loss_C, wanted, rtol=1e-8, atol=1e-10 * whole)
        np.testing.assert_allclose(found.share_C, np.array(wanted) / sum(wanted), atol=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_stays_in_a_state_change_nothing(seed):
    counts_NN, _ = random_chain(seed, 5)
    still_NN = counts_NN * (1 - np.eye(len(counts_NN)))
    more_NN = still_NN + np.diag([0, 3, 1, 4, 1, 5, 0, 0])
    state_C = np.arange(1, 6)
    plain, other = (removal_effects(each, state_C).share_C for each in (still_NN, more_NN))
    np.testing.assert_allclose(plain, other, rtol=1e-9, atol=1e-12)  # what is nothing is rounding


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), money=st.booleans())
def test_gradients_equal_finite_differences(seed, money):
    counts_NN, money_N = random_chain(seed, 5)
    money_N = money_N if money else counts_NN[:, -1] * 1.0
    state_C = np.array([1, 3, -1, 5])
    source_E, target_E = np.nonzero(counts_NN)
    found = removal_effects(counts_NN, state_C, money_N)
    by_count_CE = found.of_shares(found.loss_gradient(source_E, target_E))
    by_money_CE = found.money_gradient(source_E)
    step = 1e-4
    for e, (source, target) in enumerate(zip(source_E, target_E, strict=True)):
        moved = []
        for up in (step, -step):
            moved_NN = counts_NN.copy()
            moved_NN[source, target] += up
            moved.append(removal_effects(moved_NN, state_C, money_N).share_C)
        slope_C = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(by_count_CE[:, e], slope_C, atol=1e-8)
        moved_N = money_N.copy()
        moved_N[source] += 1.0  # losses are linear in money
        gained_C = removal_effects(counts_NN, state_C, moved_N).loss_C - found.loss_C
        np.testing.assert_allclose(by_money_CE[:, e], gained_C, atol=1e-10)


def test_a_channel_without_a_state_of_its_own_loses_nothing():
    found = removal_effects(HAND, np.array([A, -1, B]))
    np.testing.assert_allclose(found.share_C, [3 / 5, 0, 2 / 5])


def test_shares_are_not_invented_where_nothing_is_lost():
    assert removal_effects(HAND, np.array([-1, -1])).share_C is None
    without = chain((START, A, 2), (A, NULL, 2))
    found = removal_effects(without, np.array([A, B]))
    assert (found.value, found.share_C) == (0.0, None)
    assert found.loss_C.tolist() == [0.0, 0.0]


def test_a_state_that_leads_nowhere_good_loses_nothing():
    counts_NN = chain((START, A, 1), (START, B, 1), (A, CONVERSION, 1), (B, NULL, 1))
    np.testing.assert_array_equal(removal_effects(counts_NN, np.array([A, B])).share_C, [1, 0])


@pytest.mark.parametrize(
    ("counts_NN", "told"),
    [
        (np.zeros((2, 2)), r"shape == \(2, 2\), must be square"),
        (np.zeros((4, 5)), r"shape == \(4, 5\), must be square"),
        (chain((START, A, -1.0)), "negative or not finite"),
        (chain((START, A, np.nan)), "negative or not finite"),
        (chain((START, A, 1), (A, B, 1), (B, A, 1)), "state 0 == never left for null or conv"),
    ],
)
def test_what_is_no_chain_of_paths_is_told(counts_NN, told):
    with pytest.raises(DataError, match=told):
        removal_effects(counts_NN, np.array([A]))


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_effects_equal_those_of_marketing_attribution_models(seed, stays):
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d"]
    paths = [rng.integers(0, 4, rng.integers(1, 7)).tolist() for _ in range(60)]
    converted, times = rng.random(60) < 0.4, rng.integers(1, 9, 60)
    table = pl.DataFrame(
        {
            "path": [" > ".join(names[c] for c in path) for path in paths],
            "converted": converted,
            "occurrences": times,
        }
    )
    peer = mam.MAM(
        table,
        format_type="grouped_journey",
        channels_colname="path",
        journey_with_conv_colname="converted",
        occurrences_colname="occurrences",
    ).run_markov(transition_to_same_state=stays)
    wanted = peer.metadata["removal_effect"].loc[names, "removal_effect"].to_numpy()

    counts_NN = np.zeros((7, 7))
    for path, good, count in zip(paths, converted, times, strict=True):
        states = [0, *(1 + c for c in path), 6 if good else 5]
        for source, target in pairwise(states):
            counts_NN[source, target] += count * (stays or source != target)
    found = removal_effects(counts_NN, np.arange(1, 5))
    np.testing.assert_allclose(found.loss_C / found.value, wanted, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.share_C, wanted / wanted.sum(), rtol=0, atol=1e-10)
