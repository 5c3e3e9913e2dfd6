import numpy as np
import pytest

from recall.latency import LatencySpec


def test_the_median_grows_with_the_candidates_asked_for():
    spec = LatencySpec(base_s=0.01, per_item_s=0.001, sigma=0.5)
    assert spec.seconds(0.0, [0, 100]) == pytest.approx([0.01, 0.11])


def test_a_draw_moves_the_log_of_the_time_by_sigma():
    spec = LatencySpec(base_s=0.01, per_item_s=0.0, sigma=0.5)
    ratio = spec.seconds([1.0, -2.0], 10) / 0.01
    assert np.log(ratio) == pytest.approx([0.5, -1.0])
