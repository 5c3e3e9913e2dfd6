"""Rates are shares of comparisons; a tie is lost; intervals are over items."""

from dataclasses import fields

import numpy as np
import pytest

from experiments.inference.intervals.binomial import exact_share
from experiments.records.apart.stress import FILLED, MONOTONICITY, SENSITIVITY
from experiments.stress.conditions import STYLES, ConditionSet
from experiments.stress.measuring import filled_conditions, orderings, win_rates
from experiments.stress.scoring import Compared
from recall.sampleshop import sample_catalog
from recall.understanding.filledcatalog import FilledCatalog
from simulator.catalogue.catalog import Catalog

ITEMS, MOST = 200, 3


@pytest.fixture(scope="module")
def made() -> ConditionSet:
    told = np.zeros((ITEMS, MOST), np.bool_)
    told[: ITEMS // 2] = True
    blank = np.zeros((ITEMS, MOST), np.int32)
    return ConditionSet(
        item_P=np.arange(ITEMS, dtype=np.int32),
        count_P=np.full(ITEMS, MOST, np.int32),
        kind_PK=blank,
        told_PK=told,
        texts_SPK=np.full((len(STYLES), ITEMS, MOST), "x", object),
        negative_PK=blank,
        chain_PK=blank,
    )


def compared(rng: np.random.Generator, chance: float) -> Compared:
    shape = (len(STYLES), ITEMS, MOST)
    ahead = (rng.random(shape) < chance).astype(np.float32)
    ahead[:, ::10, 2] = np.nan
    skill_P = rng.beta(2, 2, ITEMS)[:, None]  # neighbours of an item hang together
    ordered = (rng.random(shape) < skill_P).astype(np.float32)
    turned = (ordered[0] != ordered[1]).astype(np.float32)
    return Compared(ahead, np.zeros(shape, np.float32), ordered, turned)


def test_rates_are_counted_with_their_exact_intervals(made: ConditionSet) -> None:
    found = compared(np.random.default_rng(0), 0.7)
    rows = win_rates("s", "channel", found, made, 0.95)
    for row in rows:
        here = {"all": slice(None), "told": slice(0, ITEMS // 2), "untold": slice(ITEMS // 2, None)}
        values = found.ahead_SPK[STYLES.index(row.style), here[row.part], row.conditions - 1]
        known = values[~np.isnan(values)]
        assert row.comparisons == len(known)
        assert row.share == exact_share(int(known.sum()), len(known), confidence=0.95)
    assert len(rows) == len(STYLES) * MOST * 3


def test_comparisons_that_do_not_exist_have_no_row(made: ConditionSet) -> None:
    found = compared(np.random.default_rng(0), 0.7)
    found.ahead_SPK[:, :, 1] = np.nan
    assert {row.conditions for row in win_rates("s", "channel", found, made, 0.95)} == {1, 3}


def test_intervals_of_order_hold_what_is_true_though_neighbours_hang_together() -> None:
    held = {MONOTONICITY: 0, SENSITIVITY: 0}
    worlds, true = 300, {MONOTONICITY: 0.5, SENSITIVITY: 2 * (0.5 - 0.3)}  # E s(1-s) = 0.2
    for seed in range(worlds):
        rows = orderings("s", "channel", compared(np.random.default_rng(seed), 0.5), 0.95)
        for row in rows[1:]:
            low, high = row.share.ends or (1.0, 0.0)
            held[row.measure] += low <= true[row.measure] <= high
    for count in held.values():
        assert abs(count / worlds - 0.95) < 4 * np.sqrt(0.95 * 0.05 / worlds)


def test_a_scorer_that_is_always_right_has_an_interval_below_one() -> None:
    found = compared(np.random.default_rng(0), 0.5)
    found.ordered_SPK[:] = 1
    row = orderings("s", "channel", found, 0.95)[0]
    assert row.share.estimate == row.share.high == 1
    assert 0.97 < row.share.low < 1


def test_conditions_that_a_step_has_filled_are_a_part_of_their_own(made: ConditionSet) -> None:
    """The last condition of each item is "x", which half of the texts have already."""
    shop = sample_catalog(ITEMS)
    columns = {each.name: getattr(shop, each.name) for each in fields(Catalog)}
    added_I = np.where(np.arange(ITEMS) % 2 == 0, "x", "")
    filled_PK = filled_conditions(made, FilledCatalog(**columns, added_I=added_I.astype(object)))
    wanted_P = (np.arange(ITEMS) >= ITEMS // 2) & (np.arange(ITEMS) % 2 == 0)
    np.testing.assert_array_equal(filled_PK, np.repeat(wanted_P[:, None], MOST, axis=1))
    answers = compared(np.random.default_rng(0), 0.5)
    rows = win_rates("lexical", "channel", answers, made, 0.95, filled_PK)
    counts = [row.comparisons for row in rows if row.part == FILLED]
    assert counts == [ITEMS // 4, ITEMS // 4, ITEMS // 4 - 10] * len(STYLES)
    plain = win_rates("lexical", "channel", answers, made, 0.95)
    assert not [row for row in plain if row.part == FILLED]
