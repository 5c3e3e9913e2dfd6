"""True effects by kind of search: they add up to the whole, and know what was asked before."""

from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.running.models import LOG
from experiments.truth.files import BESIDE, OWN, by_category, by_part
from experiments.truth.searches.frequency import frequencies
from experiments.truth.searches.segments import segment_lifts
from experiments.truth.searches.sorting import NEW, PARTS, asked_counts
from simulator.following.split import SPLIT
from tests.experiments.small_runs import stage

CUTS = [
    [number for number, (cut, _) in enumerate(PARTS) if cut == name]
    for name in ("query", "wording")
]
PAIR = ("control", "dense")


@pytest.fixture(scope="module")
def truths(small_run):
    return read_record(Truths, small_run)


def sums(path, key):
    table = pq.read_table(path).to_pandas()
    return table.groupby(key)[[name for name in SPLIT if name in table]].sum()


@pytest.mark.parametrize("file", [OWN, BESIDE])
def test_what_pages_bring_by_frequency_of_the_text_is_all_that_they_bring(small_run, file):
    folder = stage(small_run, "truth-dense-0")
    split = pq.read_table(folder / by_part(file)).to_pandas()
    whole = pq.read_table(folder / file).to_pandas().set_index("shopper")[list(SPLIT)]
    by_query = split[split["part"].isin(CUTS[0])].groupby("shopper")[list(SPLIT)].sum()
    assert (split.groupby("part").size() > 0).sum() >= 7
    np.testing.assert_allclose(by_query.reindex(whole.index, fill_value=0), whole, atol=1e-9)
    by_wording = split[split["part"].isin(CUTS[1])][list(SPLIT)].sum()
    assert (by_wording <= whole.sum() + 1e-9).all()
    assert by_wording["orders"] > 0.95 * whole["orders"].sum()


def test_categories_hold_of_every_part_what_its_shoppers_hold(small_run):
    folder = stage(small_run, "truth-dense-0")
    by_who, by_group = (
        sums(folder / name, "part") for name in (by_part(OWN), by_category(by_part(OWN)))
    )
    np.testing.assert_allclose(by_group.loc[by_who.index], by_who, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", ["orders", "gmv"])
def test_effects_times_their_shares_add_up_to_the_whole_effect(truths, metric):
    rows = [row for row in truths.segments if (row.metric, row.cut) == (metric, "query")]
    assert [row.part for row in rows] == ["head", "torso", "tail", "new"]
    assert sum(row.requests for row in rows) == pytest.approx(1)
    total = sum(row.share * row.relative.estimate for row in rows)
    assert total == pytest.approx(truths.of(metric, PAIR).relative.estimate, abs=1e-9)
    assert all(row.relative.low < row.relative.high for row in rows)


def test_equal_worlds_differ_in_no_part(small_run):
    log = stage(small_run, "truth-control-0") / LOG
    rows = segment_lifts([log], [log], PAIR, confidence=0.95)
    told = [row.relative.numbers for row in rows if row.share]
    assert len(told) > 10
    assert set(told) == {(0.0, 0.0, 0.0)}


def test_what_differs_from_pair_to_pair_is_in_the_interval(small_run):
    """Two pairs of opposite effects: the mean is next to nothing, and the interval holds both."""
    control, dense = (stage(small_run, f"truth-{arm}-0") / LOG for arm in PAIR)
    one = segment_lifts([control], [dense], PAIR, confidence=0.95)
    two = segment_lifts([control, dense], [dense, control], PAIR, confidence=0.95)
    pairs = [pair for pair in zip(one, two, strict=True) if pair[0].share]
    moved = [pair for pair in pairs if abs(pair[0].relative.estimate) > 0.01]
    assert len(moved) > 3
    for row, both in moved:
        size = abs(row.relative.estimate)
        assert abs(both.relative.estimate) < size
        assert both.relative.low < -size / 2 < size / 2 < both.relative.high


def test_a_text_is_new_where_the_history_does_not_hold_it(small_run):
    history = stage(small_run, "history") / LOG
    asked = Counter(pq.read_table(history / "requests")["text"].to_pylist())
    size = max(asked) + 2
    count_T = asked_counts(history, size)
    assert {text: count for text, count in enumerate(count_T) if count} == asked
    assert PARTS[CUTS[0][-1]] == ("query", NEW)


def test_frequencies_cut_the_requests_in_thirds():
    count_T = np.array([1, 50, 10, 10, 0, 29])
    np.testing.assert_array_equal(frequencies(count_T), [2, 0, 2, 2, 2, 1])
    luck = np.random.default_rng(0)
    count_T = luck.geometric(0.05, 5_000)
    number_T = frequencies(count_T)
    shares = np.bincount(number_T, count_T) / count_T.sum()
    np.testing.assert_allclose(shares, 1 / 3, atol=0.001)
    assert count_T[number_T == 0].min() >= count_T[number_T == 1].max()
