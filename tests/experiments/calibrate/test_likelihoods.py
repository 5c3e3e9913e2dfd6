"""Parameters are those that a log was drawn with, within their intervals as often as these say."""

import numpy as np
import pytest

from experiments.calibrate.arrivals import Period, activity, hours, weekend
from experiments.calibrate.baskets import price_moves, repeat_quantity
from experiments.validate.ownlog.sales import Sales
from simulator.errors import DataError
from simulator.living.arrivals import daily_profile
from simulator.living.settings import ArrivalSpec

DAY = 86_400.0


def told(posterior, at=0):
    """The interval of 95 % of a setting."""
    return posterior.interval(at, 1.959964)


def covered(found, true, level=0.95):
    """Whether intervals hold the true value as often as they say, within four errors."""
    held = np.mean([each.holds(true) for each in found])
    return abs(held - level) <= 4 * np.sqrt(level * (1 - level) / len(found))


def drawn_hours(rng, spec, count):
    """Starts of visits as the simulator draws them."""
    profile = daily_profile(spec)
    share = np.interp(rng.random(count), profile, np.linspace(0, 1, len(profile)))
    return DAY * (rng.integers(28, size=count) + share)


@pytest.mark.parametrize(("peak", "ratio"), [(20.0, 3.0), (1.0, 1.5), (13.0, 12.0)])
def test_the_profile_of_the_day_is_recovered(peak, ratio):
    rng = np.random.default_rng(1)
    spec = ArrivalSpec(peak_hour=peak, peak_to_trough=ratio)
    found = [
        hours(drawn_hours(rng, spec, 1_500), rng.integers(700, size=1_500)) for _ in range(150)
    ]
    assert covered([told(each, 1) for each in found], ratio)
    apart = [(told(each).estimate - peak + 12) % 24 - 12 for each in found]
    reach = [(told(each).high - told(each).low) / 2 for each in found]
    held = np.mean(np.abs(apart) <= reach)
    assert abs(held - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / 150)


def test_of_a_shop_with_closing_time_the_peak_alone_is_told():
    rng, found = np.random.default_rng(10), []
    for _ in range(150):
        at_V = DAY * rng.integers(28, size=800) + 3_600 * rng.triangular(9, 13, 17, 800)
        found.append(hours(at_V, rng.integers(300, size=800)))
    assert {each.settings for each in found} == {("world.arrivals.peak_hour",)}
    assert covered([told(each) for each in found], 13.0)


def test_visits_of_few_shoppers_who_keep_their_hours_widen_the_interval():
    rng = np.random.default_rng(2)
    spec = ArrivalSpec(peak_hour=20.0, peak_to_trough=3.0)
    own_U = drawn_hours(rng, spec, 150) % DAY
    who_V = rng.integers(150, size=3_000)
    at_V = own_U[who_V] + DAY * rng.integers(28, size=3_000)
    together = told(hours(at_V, who_V), 1)
    apart = told(hours(at_V, np.arange(3_000)), 1)
    assert together.high - together.low > 3 * (apart.high - apart.low)


def test_the_weekend_is_recovered_and_days_that_differ_widen_its_interval():
    rng = np.random.default_rng(3)

    def drawn(spread):
        rate_D = 40 * np.where((np.arange(28) + 2) % 7 >= 5, 1.3, 1.0)
        rate_D = rate_D * rng.gamma(1 / spread**2, spread**2, 28) if spread else rate_D
        count_D = rng.poisson(rate_D)
        return np.repeat(np.arange(28), count_D) * DAY + rng.uniform(0, DAY, count_D.sum())

    for spread in (0.0, 0.3):
        found = [told(weekend(drawn(spread), 28, 2)) for _ in range(200)]
        assert covered(found, 1.3) or np.mean([each.holds(1.3) for each in found]) > 0.95
    assert found[0].high - found[0].low > 0.3


def test_without_a_weekend_nothing_is_told_of_it():
    with pytest.raises(DataError, match=r"visits of weekends 0, of other days 40, must be > 0"):
        weekend(np.full(40, 100.0), 3, 0)


@pytest.mark.parametrize("sigma", [0.6, 1.2])
def test_visits_a_week_and_their_spread_are_recovered_although_who_did_not_come_is_not_seen(sigma):
    rng, weeks, shoppers = np.random.default_rng(4), 4.0, 1_500
    found = []
    for _ in range(60):
        rate_S = 0.8 * np.exp(sigma * rng.normal(size=shoppers) - sigma**2 / 2)
        count_S = rng.poisson(rate_S * weeks)
        found.append(activity(count_S[count_S > 0], Period(days=28, weekends=8)))
    for at, true in enumerate((0.8, sigma, float(shoppers))):
        assert covered([told(each, at) for each in found], true)
    assert np.mean([told(each, 2).estimate for each in found]) == pytest.approx(shoppers, rel=0.05)


def lived(rng, spec, *, shoppers, days, rate, sigma, length):
    """Visits as the simulator has them, each of so many seconds on average; busy shoppers'
    visits run into each other. As they are seen: counts of who came, and their mean length."""
    rate_S = rate / 7 * np.exp(sigma * rng.normal(size=shoppers) - sigma**2 / 2)
    count_SD = rng.poisson(np.outer(rate_S, np.ones(days)))
    who_V = np.repeat(np.arange(shoppers), count_SD.sum(axis=1))
    day_V = np.concatenate([np.repeat(np.arange(days), row) for row in count_SD])
    profile = daily_profile(spec)
    share_V = np.interp(rng.random(len(who_V)), profile, np.linspace(0, 1, len(profile)))
    at_V, last_V = DAY * (day_V + share_V), rng.exponential(length, len(who_V))
    order = np.lexsort((at_V, who_V))
    who_V, at_V, until_V = who_V[order], at_V[order], (at_V + last_V)[order]
    starts, ends = [0], [until_V[0]]
    for at in range(1, len(who_V)):
        if who_V[at] == who_V[at - 1] and at_V[at] - ends[-1] <= 1_800:
            ends[-1] = max(ends[-1], until_V[at])
        else:
            starts.append(at)
            ends.append(until_V[at])
    count_U = np.unique(who_V[starts], return_counts=True)[1]
    return count_U, float((np.array(ends) - at_V[starts]).mean())


def test_visits_that_run_into_each_other_are_counted_as_two():
    """Shoppers who come often: without that, 6 % of the visits would be missing."""
    rng, spec = np.random.default_rng(8), ArrivalSpec(peak_hour=19.0, peak_to_trough=6.0)
    found, blind = [], []
    for _ in range(40):
        count_U, length = lived(rng, spec, shoppers=600, days=21, rate=5.0, sigma=0.8, length=600.0)
        period = Period(days=21, weekends=6, depth=5 / 7, busy=length + 1_800)
        found.append(told(activity(count_U, period)))
        blind.append(told(activity(count_U, Period(days=21, weekends=6))).estimate)
    assert covered(found, 5.0)
    assert np.mean([each.estimate for each in found]) == pytest.approx(5.0, rel=0.015)
    assert np.mean(blind) < 4.85


def test_a_weekend_that_is_not_sure_widens_how_often_shoppers_come():
    rng = np.random.default_rng(9)
    count_U = rng.poisson(3.0 * np.exp(0.8 * rng.normal(size=400)))
    count_U = count_U[count_U > 0]
    sure, unsure = (
        told(activity(count_U, Period(days=14, weekends=4, factor=2.0, factor_error=error)))
        for error in (0.0, 0.3)
    )
    assert unsure.high / unsure.low > 1.2 * sure.high / sure.low


def test_of_shoppers_who_all_came_once_no_activity_is_told():
    with pytest.raises(DataError, match="1 different numbers of visits, must be >= 3"):
        activity(np.ones(50, np.int64), Period(days=14, weekends=4))


def sales(rng, *, again=0.25, share=0.05, sigma=0.1, items=150, days=28, sold=1_500):
    """Orders of one item, of prices that move at midnight."""
    log_price_DI = np.cumsum(
        rng.normal(0, sigma, (days, items)) * (rng.random((days, items)) < share), axis=0
    )
    day = rng.integers(days, size=sold)
    item = rng.integers(items, size=sold)
    columns = {
        "shopper": rng.integers(400, size=sold),
        "order": np.arange(sold),
        "item": item,
        "at": day * DAY + rng.uniform(0, DAY, sold),
        "price": 20 * np.exp(log_price_DI[day, item]),
        "quantity": 1.0 + rng.geometric(1 - again, sold) - 1,
    }
    return Sales.of(columns, 0.0, days)


def test_units_and_moves_of_prices_are_recovered():
    rng = np.random.default_rng(5)
    logs = [sales(rng) for _ in range(60)]
    assert covered([told(repeat_quantity(each)) for each in logs], 0.25)
    moves = [price_moves(each) for each in logs]
    assert covered([told(each, 0) for each in moves], 0.05)
    assert covered([told(each, 1) for each in moves], 0.1)


def test_prices_that_never_move_tell_no_share():
    log = sales(np.random.default_rng(6), share=0.0)
    with pytest.raises(DataError, match=r"0 of .* prices moved, must be >= 30"):
        price_moves(log)
