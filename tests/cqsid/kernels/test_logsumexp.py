import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.kernels.logsumexp import Partition
from tests.cqsid.kernels.sets import every_way, go


@given(st.lists(st.floats(-80, 80, width=32), min_size=1, max_size=200), st.integers(0, 200))
def test_it_is_the_logarithm_of_the_summed_exponentials_however_they_come(logits, cut):
    values = np.array([logits], np.float32)
    expected = np.logaddexp.reduce(values[0].astype(np.float64))
    partition = Partition(values[:, : max(cut, 1)])
    partition.take(values[:, max(cut, 1) :])
    assert partition.log()[0] == pytest.approx(expected, rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 5, 17, 39, 47, 49])
@every_way
def test_of_a_broken_row_it_is_not_finite(value, place, instructions, monkeypatch):
    go(monkeypatch, instructions)
    logits_AV = np.zeros((2, 50), np.float32)
    logits_AV[1, place] = value
    assert np.isfinite(Partition(logits_AV).log()).tolist() == [True, False]


@every_way
def test_some_rows_go_on_alone(instructions, monkeypatch):
    go(monkeypatch, instructions)
    rng = np.random.default_rng(0)
    codes_AV, more_AV = rng.normal(size=(2, 6, 40)).astype(np.float32)
    whole, few = Partition(codes_AV), Partition(codes_AV)
    some = np.array([4, 1])
    part = few.rows(some)
    part.take(more_AV[some])
    np.testing.assert_array_equal(few.log(), Partition(codes_AV).log())
    whole.take(more_AV[:3])
    whole.take(more_AV[3:], 3)
    np.testing.assert_array_equal(part.log(), whole.log()[some])


def test_by_lanes_it_is_what_it_is_by_torch(monkeypatch):
    logits_AV, found = np.random.default_rng(0).normal(size=(9, 70)).astype(np.float32) * 9, []
    for each in ("other", "torch"):
        go(monkeypatch, each)
        partition = Partition(logits_AV[:, :33])
        partition.take(logits_AV[:, 33:])
        found.append(partition.log())
    np.testing.assert_allclose(*found, rtol=1e-6)
