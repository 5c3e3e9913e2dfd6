import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import special

from experiments.inference.power.betabinomial import BetaBinomial
from simulator.errors import DataError


def active_days(alpha, beta, shoppers, days, seed):
    rng = np.random.default_rng(seed)
    chance = rng.beta(alpha, beta, shoppers)
    return rng.binomial(1, chance[:, None], (shoppers, days))


def seen_counts(active_SD):
    return np.bincount(active_SD.sum(axis=1), minlength=active_SD.shape[1] + 1)[1:].astype(float)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 4.0), (2.0, 20.0), (0.2, 1.0)])
def test_the_law_is_found_again_and_foretells_more_days(alpha, beta):
    """Ten populations of 20,000 shoppers: four times the days are foretold without bias."""
    off = []
    for seed in range(10):
        active = active_days(alpha, beta, 20_000, 40, seed)
        law = BetaBinomial.fit(seen_counts(active[:, :10]))
        assert law.alpha == pytest.approx(alpha, rel=0.35)
        assert law.beta == pytest.approx(beta, rel=0.35)
        off.append(float(law.reach(40)) / (active.sum(axis=1) > 0).sum() - 1)
    error = np.std(off, ddof=1) / np.sqrt(len(off))
    assert abs(np.mean(off)) < 3 * error + 0.002
    assert np.max(np.abs(off)) < 0.05


def test_reach_is_that_of_the_closed_form():
    law = BetaBinomial(14, 7_000.0, 0.49, 3.99)
    days = np.array([1, 14, 60])
    unseen = np.exp(special.betaln(0.49, 3.99 + days) - special.betaln(0.49, 3.99))
    np.testing.assert_allclose(law.reach(days), 7_000 * (1 - unseen) / (1 - unseen[1]), rtol=1e-11)
    assert law.reach(14) == 7_000
    assert law.reach(0) == 0
    assert law.reach(14) < law.reach(14.5) < law.reach(15)


def test_where_nobody_comes_twice_shoppers_grow_as_days():
    law = BetaBinomial.fit(np.array([900.0, 0, 0, 0, 0, 0]))
    np.testing.assert_allclose(law.reach([12, 60]), [1_800, 9_000], rtol=1e-3)


def test_where_everybody_comes_every_day_nobody_is_new():
    law = BetaBinomial.fit(np.array([0.0, 0, 0, 0, 0, 500]))
    np.testing.assert_allclose(law.reach([6, 60]), [500, 500], rtol=1e-3)


@given(st.lists(st.integers(0, 500), min_size=3, max_size=12).filter(any))
def test_shoppers_never_grow_fewer_nor_faster_than_days(counts):
    law = BetaBinomial.fit(np.array(counts, float))
    reach = law.reach(np.arange(len(counts), 100))
    assert (np.diff(reach) >= -1e-9).all()
    assert (np.diff(reach, 2) <= 1e-6 * reach[-1]).all()
    assert reach[0] == pytest.approx(sum(counts))


def test_too_few_days_and_nobody_are_refused():
    with pytest.raises(DataError, match="days == 2, must be >= 3"):
        BetaBinomial.fit(np.array([5.0, 1.0]))
    with pytest.raises(DataError, match="shoppers == 0, must be some"):
        BetaBinomial.fit(np.zeros(5))
