import numpy as np
import pytest

from experiments.inference.offpolicy.bounds import bounds
from experiments.inference.offpolicy.moments import Moments
from simulator.errors import ConfigError
from tests.experiments.inference.offpolicy.worlds import (
    LIKING_XKA,
    enumerated,
    judged_value,
    slots_of,
    totals_of,
)

ALL = 0b111


def expected_bounds(world, least, most):
    kept = world.mean(world.totals.kept_EU[0])
    weak = world.mean(world.totals.weak_U)
    return kept + least * weak, kept + most * weak


@pytest.mark.parametrize("judged", [0b001, 0b010, 0b110, ALL])
def test_bounds_hold_the_value_whatever_unseen_items_bring_and_are_sharp(judged):
    """Sharp: where unseen items bring the least or the most, the value is at that end."""
    world = enumerated(judged)
    low, high = expected_bounds(world, 0.0, 1.0)
    assert low - 1e-12 <= world.truth <= high + 1e-12
    seen_XA = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 0, 1]], bool)  # by channels of the log
    for end, value in ((low, 0.0), (high, 1.0)):
        liking_XKA = np.where(seen_XA[:, None], LIKING_XKA, value)
        assert judged_value(judged, 0.0, liking_XKA) == pytest.approx(end, abs=1e-12)


def test_with_full_support_both_bounds_are_the_estimate():
    world = enumerated(0b011)
    totals = world.log(500, np.random.default_rng(1))
    moments = Moments.of(totals, 0)
    found = bounds(moments, least=0.0, most=1.0, confidence=0.95)
    assert found.low == found.high == moments.linear({"weighted": 1.0}, confidence=0.95)
    assert found.weak == 0.0


def test_bounds_hold_the_truth_at_least_as_often_as_their_level():
    world, rng, held = enumerated(ALL), np.random.default_rng(5), 0
    times = 400
    for _ in range(times):
        moments = Moments.of(world.log(400, rng), 0)
        low, high = bounds(moments, least=0.0, most=1.0, confidence=0.9).ends
        held += low <= world.truth <= high
    assert held / times > 0.9 - 3 * np.sqrt(0.09 / times)


def test_a_weight_above_the_limit_is_left_to_the_bounds():
    """Outcome 1 with a weight of 200: IPS says 100 a request, the bounds say 0 to 0.5."""
    slots = slots_of(
        [0, 1], [1, 1], [0.005, 0.5], [1, 0], [1, 1], [0, 0], [0, 0], [0.005, 0.5]
    )  # fmt: skip
    moments = Moments.of(totals_of(slots, shoppers=2), 0)
    found = bounds(moments, least=0.0, most=1.0, confidence=0.9)
    assert moments.mean("weighted") == 100.0
    assert (found.low.estimate, found.high.estimate, found.weak) == (0.0, 0.5, 0.5)


def test_ends_are_never_beyond_what_slots_can_bring():
    """Two slots of 0 to 1 a request: 0 to 2, whatever a small log says."""
    world = enumerated(0b100)
    for seed in range(20):
        moments = Moments.of(world.log(6, np.random.default_rng(seed)), 0)
        found = bounds(moments, least=0.0, most=1.0, confidence=0.99)
        if found.ends is not None:
            low, high = found.ends
            assert 0.0 <= low <= high <= 2.0
            assert (found.least, found.most) == (0.0, pytest.approx(2.0))


def test_where_there_are_no_intervals_there_are_no_ends():
    slots = slots_of([0], [1], [0.5], [1], [1], [0], [0])
    found = bounds(Moments.of(totals_of(slots, shoppers=1), 0), least=0, most=1, confidence=0.9)
    assert found.ends is None


def test_a_range_that_is_none_is_refused():
    moments = Moments.of(enumerated(ALL).totals, 0)
    with pytest.raises(ConfigError, match=r"least == 1.0, must be < most == 1.0"):
        bounds(moments, least=1.0, most=1.0, confidence=0.9)
