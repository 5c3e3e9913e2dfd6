from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from experiments.attribution.incremental.causes.watching import (
    SnapshotReader,
    SnapshotWriter,
    same_index,
)
from simulator.errors import DataError
from simulator.protocols import Index, ItemStatistics


def counts(start, items=11):
    base_I = np.arange(items, dtype=np.float32) + start
    return ItemStatistics(base_I, base_I / 2, base_I / 4)


def index(at, statistics, items=11, price=1.0):
    return Index(at, np.full(items, price), np.arange(items) % 3 > 0, statistics)


def equal(one, other):
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in vars(one))


def test_a_twin_reads_the_stock_and_the_arms_statistics_and_keeps_its_own_prices(tmp_path):
    first, second = (counts(0), counts(100)), (counts(7), counts(200))
    writer = SnapshotWriter(tmp_path)
    for at, statistics in ((0.0, first), (6.0, first), (12.0, second)):
        writer.write(index(at, statistics), arm=1)
    reader = SnapshotReader(tmp_path)
    for at, wanted in ((0.0, first[1]), (6.0, first[1]), (12.0, second[1])):
        own = replace(index(at, (counts(5), counts(6)), price=3.0), available_I=np.ones(11, bool))
        found = reader.read(own)
        (statistics,) = found.statistics
        assert equal(statistics, wanted)
        assert found.at == at
        np.testing.assert_array_equal(found.available_I, np.arange(11) % 3 > 0)
        np.testing.assert_array_equal(found.price_I, own.price_I)


def test_statistics_are_written_once_as_long_as_they_are_the_same(tmp_path):
    shared, writer = (counts(0, items=5_000),), SnapshotWriter(tmp_path)
    for at in range(3):
        writer.write(index(float(at), shared, items=5_000), arm=0)
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    assert sizes[0] > 5_000 * 3 * 4
    assert max(sizes[1:]) < 2_000


def test_a_snapshot_of_another_moment_is_refused(tmp_path):
    SnapshotWriter(tmp_path).write(index(0.0, (counts(0),)), arm=0)
    with pytest.raises(DataError, match="at == 0, must be 3600"):
        SnapshotReader(tmp_path).read(index(3600.0, (counts(0),)))


def test_a_twin_that_ended_earlier_is_refused(tmp_path):
    with pytest.raises(DataError, match="must be a snapshot of the twin at 3600 s"):
        SnapshotReader(tmp_path).read(index(3600.0, (counts(0),)))


@given(column=st.sampled_from(["exposures_I", "clicks_I", "orders_I"]), item=st.integers(0, 10))
def test_two_snapshots_differ_if_one_count_of_one_item_does(column, item):
    one, other = counts(0), counts(0)
    assert same_index(index(0.0, (one,)), index(0.0, (other,)))
    getattr(other, column)[item] += 1
    assert not same_index(index(0.0, (one,)), index(0.0, (other,)))


@given(item=st.integers(0, 10))
def test_two_snapshots_differ_if_one_item_is_sold_out_in_one(item):
    one, other = index(0.0, (counts(0),)), index(0.0, (counts(0),))
    other.available_I[item] ^= True
    assert not same_index(one, other)
