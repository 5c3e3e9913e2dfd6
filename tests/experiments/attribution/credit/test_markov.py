import math
from itertools import pairwise

import numpy as np
import pytest

from experiments.attribution.credit.markov import markov_rows
from experiments.config.attribution import AttributionSpec
from experiments.inference.intervals.student import wilson
from experiments.records.attribution import OUTCOMES
from tests.experiments.attribution.credit.pathlogs import CHANNELS, Story, ask, plain_paths
from tests.experiments.attribution.credit.test_pathrules import _story
from tests.experiments.attribution.credit.test_removal import plain_value

SPEC = AttributionSpec()


def markov(log, spec=SPEC, confidence=0.9):
    found = ask(log, markov_rows, spec, confidence=confidence)
    return {(row.event, row.arm, row.channel): row for row in found}


def shares(found, event, arm="control"):
    return [found[event, arm, channel].share.estimate for channel in CHANNELS]


def plain_shares(paths):
    """Shares, from paths of all shoppers, each with a weight: removal by solving again."""
    states = sorted({mask for path, _, _, _ in paths for mask in path})
    place = {mask: 1 + n for n, mask in enumerate(states)}
    size = len(states) + 3
    counts_NN, money_N = np.zeros((size, size)), np.zeros(size)
    for path, end, money, weight in paths:
        walk = [0, *(place[mask] for mask in path), size - 1 if end == "conversion" else size - 2]
        for source, target in pairwise(walk):
            counts_NN[source, target] += weight
        money_N[walk[-2]] += weight * money
    whole = plain_value(counts_NN, money_N)
    loss_C = [
        whole - plain_value(counts_NN, money_N, place[1 << c]) if 1 << c in place else 0.0
        for c in range(len(CHANNELS))
    ]
    return np.array(loss_C) / sum(loss_C) if sum(loss_C) > 1e-12 else None


def test_a_log_that_was_worked_out_by_hand(tmp_path):
    """Shoppers: A buys; A, then B, and no more; B buys 4 days later. As in test_removal."""
    story = Story().page(1, shopper=1).page(2, shopper=2).page(3, shopper=2, day=1)
    story.page(4, shopper=3).shown(1, 10, 1).shown(2, 10, 1).shown(3, 11, 2).shown(4, 11, 2)
    story.bought(1, 10, 1, day=0, price=3.0).bought(4, 11, 2, day=4, price=9.0)
    found = markov(story.write(tmp_path / "log"))
    assert shares(found, "purchase") == pytest.approx([3 / 5, 2 / 5, 0])
    row = found["purchase", "control", "lexical"]
    assert (row.rule, row.cut, row.part) == ("markov", "all", "")
    assert (row.credit, row.total, row.shoppers) == (pytest.approx(1.2), 2.0, 2)
    loss_A, loss_B = 5 / 2, 3
    assert shares(found, "gmv") == pytest.approx([loss_A / 5.5, loss_B / 5.5, 0])
    assert found["gmv", "control", "popular"].credit == pytest.approx(12 * loss_B / 5.5)


def test_every_event_arm_and_channel_has_one_row_in_order(tmp_path):
    story = _story(np.random.default_rng(0))
    found = ask(story.write(tmp_path / "log"), markov_rows, SPEC, confidence=0.9)
    keys = [(row.event, row.arm, row.channel) for row in found]
    assert keys == [
        (event, arm, channel)
        for event in OUTCOMES
        for arm in ("control", "treatment")
        for channel in CHANNELS
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("window", [1.0, 30.0])
def test_rows_equal_a_slow_reading_of_the_log(tmp_path, seed, window):
    """Shares by solving the chain again; intervals by moving each shopper's weight a little."""
    story = _story(np.random.default_rng(seed), masks=(1, 2, 3, 4, 6), shoppers=8, pages=40)
    spec = AttributionSpec(window_days=window)
    found = markov(story.write(tmp_path / "log"), spec)
    for event in OUTCOMES:
        for arm, name in enumerate(("control", "treatment")):
            lived = plain_paths(story, event, arm, window)
            share_C = plain_shares(_weighted(lived))
            np.testing.assert_allclose(shares(found, event, name), share_C, atol=1e-10)
            step = 1e-4
            moved_UC = [
                plain_shares(_weighted(lived, who, +step))
                - plain_shares(_weighted(lived, who, -step))
                for who in lived
            ]
            part_UC, n = np.array(moved_UC) / (2 * step), len(lived)
            error_C = np.sqrt((part_UC**2).sum(axis=0) * n / (n - 1))
            for c, channel in enumerate(CHANNELS):
                row = found[event, name, channel]
                low, high = wilson(share_C[c], error_C[c], n - 1, confidence=0.9)
                assert (row.share.low, row.share.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))  # fmt: skip  # noqa: E501
            weights = [w for each in lived.values() for _, _, w in each]
            assert row.total == pytest.approx(sum(weights))
            assert row.shoppers == sum(any(w for _, _, w in each) for each in lived.values())


def _weighted(lived, who=None, step=0.0):
    return [
        (*path, 1 + step * (shopper == who)) for shopper, each in lived.items() for path in each
    ]


def test_a_channel_that_another_always_accompanies_loses_nothing(tmp_path):
    story = Story().page(1, shopper=1).page(2, shopper=2).shown(1, 10, 0b011).shown(2, 11, 0b100)
    story.bought(1, 10, 0b011, day=1).bought(2, 11, 0b100, day=1)
    assert shares(markov(story.write(tmp_path / "log")), "purchase") == [0, 0, 1]


def test_no_share_is_told_where_nobody_loses_anything(tmp_path):
    story = Story().page(1, shopper=1).shown(1, 10, 0b011, carted=True)
    story.bought(1, 10, 0b011, day=1)
    found = markov(story.write(tmp_path / "log"))
    for event in OUTCOMES:
        row = found[event, "control", "lexical"]
        assert (row.credit, *row.share.numbers) == (0.0, None, None, None)
        assert row.total > 0
        empty = found[event, "treatment", "lexical"]
        assert (empty.credit, empty.total, empty.share.estimate, empty.shoppers) == (
            0.0,
            0.0,
            None,
            0,
        )


def test_a_single_shopper_has_no_interval(tmp_path):
    story = Story().page(1).shown(1, 10, 1, carted=True).shown(1, 11, 2, position=1, carted=True)
    row = markov(story.write(tmp_path / "log"))["cart", "control", "lexical"]
    assert row.share.numbers == (pytest.approx(0.5), None, None)


def test_copies_of_all_shoppers_keep_shares_and_narrow_intervals(tmp_path):
    story = _story(np.random.default_rng(1), masks=(1, 2, 3, 4), shoppers=6, pages=40)
    twice = Story(*(rows + [_other(row) for row in rows] for rows in vars(story).values()))
    once, both = markov(story.write(tmp_path / "a")), markov(twice.write(tmp_path / "b"))
    for key, row in once.items():
        assert both[key].share.estimate == pytest.approx(row.share.estimate, abs=1e-10)
        assert both[key].credit == pytest.approx(2 * row.credit)
        if all(each.share.low > 0 and each.share.high < 1 for each in (row, both[key])):
            ratio = (both[key].share.high - both[key].share.low) / (row.share.high - row.share.low)
            assert ratio < math.sqrt(0.5)  # also more degrees of freedom


def _other(row):
    """The same row of a twin."""
    moved = {name: row[name] + 1_000 for name in ("shopper", "request", "session") if name in row}
    return row | moved


def test_touches_of_another_arm_are_of_another_chain(tmp_path):
    story = Story().page(1, shopper=1, arm=0).page(2, shopper=1, arm=1, day=1)
    story.shown(1, 10, 0b001).shown(2, 11, 0b010).bought(2, 11, 0b010, day=2)
    found = markov(story.write(tmp_path / "log"))
    assert shares(found, "purchase", "treatment") == [0, 1, 0]
    assert shares(found, "purchase", "control") == [None] * 3


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say(tmp_path):
    """120 arms of 200 shoppers whose paths are drawn from seven with known probabilities."""
    kinds = [([1], True), ([1, 2], True), ([2], True), ([3, 1], True), ([4], True)]
    kinds += [([2, 4], False), ([1, 3, 2], False)]
    rate_K = np.array([0.1, 0.1, 0.15, 0.1, 0.05, 0.3, 0.2])
    truth_C = plain_shares(
        [
            (path, "conversion" if bought else "null", float(bought), rate)
            for (path, bought), rate in zip(kinds, rate_K, strict=True)
        ]
    )
    rng, story, arms, shoppers = np.random.default_rng(7), Story(), 120, 200
    kind_AU = rng.choice(len(kinds), (arms, shoppers), p=rate_K)
    for (arm, shopper), kind in np.ndenumerate(kind_AU):
        path, bought = kinds[kind]
        who = arm * shoppers + shopper
        row = {"request": who, "session": who, "shopper": who, "arm": arm, "at": 0.0}
        story.requests.append(row)
        for place, mask in enumerate(path):
            shown = {"item": place, "position": place, "sources": mask, "best_ranked": mask}
            story.exposures.append(row | shown | {"clicked": True, "carted": False})
        if bought:
            last = {"item": len(path) - 1, "position": len(path) - 1, "at": 9.0, "price": 1.0}
            story.orders.append(story.exposures[-1] | last | {"quantity": 1})
    names = tuple(f"arm{arm}" for arm in range(arms))
    found = markov(story.write(tmp_path / "log", arms=names), confidence=0.9)
    for channel, truth in zip(CHANNELS, truth_C, strict=True):
        rows = [found["purchase", name, channel] for name in names]
        held = np.mean([row.share.low <= truth <= row.share.high for row in rows])
        assert abs(held - 0.9) < 3.5 * math.sqrt(0.09 / arms), (channel, held)
