import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from simulator.shoppers.settings import ShopperSpec
from simulator.shoppers.shoppers import AGE_BANDS, make_shoppers

TRUTH = generate_supply(CatalogSpec(items=500), Draws(1)).truth
WEIGHTS = np.full(int(TRUTH.department_C.max()) + 1, 1.0)


def shoppers(count=8_000, **settings):
    return make_shoppers(ShopperSpec(count=count, **settings), TRUTH, WEIGHTS, Draws(3))


def test_more_shoppers_never_change_earlier_ones():
    few, many = shoppers(50), shoppers(200)
    for name in ("rate_S", "affinity_SD", "taste_ST", "budget_S", "favourite_S", "patience_S"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:50])


def test_the_mean_visit_rate_is_the_configured_one():
    people = shoppers(40_000, visits_per_week=2.1, activity_sigma=0.8)
    assert people.rate_S.mean() * 7 == pytest.approx(2.1, rel=0.05)
    assert np.quantile(people.rate_S, 0.99) > 5 * np.median(people.rate_S)  # a heavy tail


def test_affinities_are_distributions_over_departments():
    cumulative_SD = shoppers().affinity_SD
    assert (np.diff(cumulative_SD, axis=1) >= 0).all()
    np.testing.assert_allclose(cumulative_SD[:, -1], 1.0)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_gender_and_age_explain_the_configured_share_of_tastes(share):
    people = shoppers(demographics=share)
    group_S = people.gender_S.astype(int) * AGE_BANDS + people.age_S
    within = np.mean([people.taste_ST[group_S == group].var(axis=0) for group in set(group_S)])
    assert within == pytest.approx(1 - share, abs=0.08)


def test_tastes_turn_slowly_and_keep_their_size():
    people = shoppers(2_000, demographics=0.0, taste_drift=0.02)
    everyone = np.arange(2_000)
    today, in_a_week, in_a_year = (
        people.tastes(everyone, np.full(2_000, day * 86_400.0)) for day in (0, 7, 100)
    )

    def agreement(other):
        return np.corrcoef(today.ravel(), other.ravel())[0, 1]

    assert agreement(in_a_week) == pytest.approx(np.cos(0.14), abs=0.03)
    assert agreement(in_a_year) < agreement(in_a_week)
    assert in_a_year.std() == pytest.approx(today.std(), rel=0.05)
