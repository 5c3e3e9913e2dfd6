"""Tests without an estimate are left out, and tests can be asked of another effect."""

import numpy as np
import pytest

from experiments.inference.metrics import METRICS
from experiments.inference.randomised.redrawn import NOTHING, told
from experiments.operating.repeated import Repeated


def test_tests_without_an_estimate_are_counted_and_left_out() -> None:
    metrics = [METRICS["gmv"], METRICS["ctr"]]
    rows = [[(1.0, 2.0, 1.0, 3.0, 0.01), NOTHING], [(1.0, -2.0, -5.0, 1.0, 0.3)] * 2]
    gmv, ctr = (Repeated.of(told(metrics, rows), name) for name in ("gmv", "ctr"))
    assert (len(gmv), gmv.asked, len(ctr), ctr.asked) == (2, 2, 1, 2)
    assert gmv.effect_R.tolist() == [2.0, -2.0]
    assert ctr.high_R.tolist() == [1.0]
    assert gmv.significant_R.tolist() == [True, False]


def test_tests_of_another_effect_are_moved_by_as_much_as_their_mean() -> None:
    made = Repeated(
        *(np.array(row) for row in ([2.0, 4.0], [-1.0, 2.0], [5.0, 6.0])), np.ones(2), 2
    )
    moved = made.at(10.0)
    assert moved.mean == 10.0
    assert moved.effect_R.tolist() == [9.0, 11.0]
    assert (moved.high_R - moved.low_R).tolist() == pytest.approx([6.0, 4.0])
    assert moved.significant_R.all()
    assert np.isnan(moved.p_R).all()
