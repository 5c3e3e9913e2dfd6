import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from simulator.living.arrivals import daily_profile, day_factor, visits_of_day
from simulator.living.settings import ArrivalSpec, Promotion
from simulator.protocols import DAY
from simulator.randomness import Draws


def visits(rate, day=0, shoppers=20_000, spec=None, seed=1):
    rates = np.full(shoppers, rate, np.float32)
    return visits_of_day(spec or ArrivalSpec(), rates, day, Draws(seed))


def test_visits_are_ordered_and_lie_within_their_day():
    found = visits(0.4, day=3)
    assert np.all(np.diff(found.start_V) >= 0)
    assert found.start_V.min() >= 3 * DAY
    assert found.start_V.max() < 4 * DAY


@settings(max_examples=15)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 30))
def test_more_shoppers_never_change_earlier_shoppers(few, more, day):
    few, many = min(few, more), max(few, more)
    small, large = (visits(0.8, day=day, shoppers=count) for count in (few, many))
    kept = large.shopper_V < few
    np.testing.assert_array_equal(small.shopper_V, large.shopper_V[kept])
    np.testing.assert_array_equal(small.start_V, large.start_V[kept])
    np.testing.assert_array_equal(small.ordinal_V, large.ordinal_V[kept])


def test_counts_are_poisson():
    counts = np.bincount(visits(0.7).shopper_V, minlength=20_000)
    expected = stats.poisson(0.7).pmf(np.arange(5)) * 20_000
    observed = np.bincount(counts, minlength=6)[:5]
    assert np.all(np.abs(observed - expected) < 4 * np.sqrt(expected) + 1)


def test_the_evening_peak_has_the_configured_height():
    hours = ((visits(2.0).start_V % DAY) // 3_600).astype(int)
    by_hour = np.bincount(hours, minlength=24)
    assert by_hour[19:21].sum() / by_hour[7:9].sum() == pytest.approx(3.0, rel=0.15)


def test_the_profile_is_a_distribution():
    profile = daily_profile(ArrivalSpec())
    assert profile[0] == 0
    assert profile[-1] == 1
    assert np.all(np.diff(profile) > 0)


def test_promotions_and_weekends_multiply_the_rate():
    spec = ArrivalSpec(weekend=1.5, promotions=(Promotion(day=6, factor=2.0),))
    assert [day_factor(spec, day) for day in (0, 5, 6, 13)] == [1.0, 1.5, 3.0, 1.5]


def test_session_ordinals_never_repeat_within_a_shopper():
    days = [visits(3.0, day=day, shoppers=50) for day in range(5)]
    pairs = np.concatenate([day.shopper_V * 2**20 + day.ordinal_V for day in days])
    assert len(np.unique(pairs)) == len(pairs)
