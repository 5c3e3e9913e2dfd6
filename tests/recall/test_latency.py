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


def test_two_steps_take_the_sum_of_their_times_and_spread_as_both():
    one, other = LatencySpec(base_s=0.02, per_item_s=1e-5), LatencySpec(base_s=0.01, per_item_s=0)
    both, normal_B = one.then(other, 100), np.array([-1.0, 0.0, 2.0])
    wanted = one.seconds(normal_B, 100) + other.seconds(normal_B, 100)
    np.testing.assert_allclose(both.seconds(normal_B, 100), wanted)
    steady = one.then(LatencySpec(base_s=0.021, per_item_s=0, sigma=0), 100)
    assert steady.sigma == pytest.approx(one.sigma / 2)
    nothing = LatencySpec(base_s=0, per_item_s=0)
    assert nothing.then(nothing, 10).base_s == 0
