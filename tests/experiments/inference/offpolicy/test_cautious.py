import numpy as np
import pytest
from scipy import stats

from experiments.inference.offpolicy.cautious import cautious
from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.totals import Totals
from simulator.errors import DataError
from tests.experiments.inference.offpolicy.worlds import slots_of, totals_of


def moments_of(weight_N, reward_N):
    """Of rounds with these weights, each of them at most 1 / 0.001."""
    n, rest_N = len(weight_N), np.zeros(len(weight_N))
    slots = slots_of(
        np.arange(n), np.ones(n), np.full(n, 0.001), np.asarray(weight_N) * 0.001, reward_N,
        rest_N, rest_N,
    )  # fmt: skip
    return Moments.of(totals_of(slots, shoppers=n), 0)


@pytest.mark.parametrize("clicks", [0, 1, 7, 60])
def test_with_equal_weights_it_is_the_exact_interval_of_a_poisson_number(clicks):
    """Garwood's, from tables: 0 events 0 to 3.689, 1 event 0.0253 to 5.572, at 95 %."""
    n = 500
    reward_N = (np.arange(n) < clicks).astype(float)
    found = cautious(moments_of(np.ones(n), reward_N), 1.0, confidence=0.95)
    low = stats.gamma.ppf(0.025, clicks) if clicks else 0.0
    high = stats.gamma.isf(0.025, clicks + 1)
    assert found.estimate == pytest.approx(clicks / n, abs=1e-15)
    assert found.low * n == pytest.approx(low, rel=1e-10)
    assert found.high * n == pytest.approx(high, rel=1e-10)
    tables = {0: (0.0, 3.689), 1: (0.0253, 5.572)}
    if clicks in tables:
        assert (found.low * n, found.high * n) == pytest.approx(tables[clicks], abs=6e-4)


def test_the_largest_weight_widens_it_also_where_its_action_brought_nothing():
    weight_N, reward_N = np.ones(300), np.zeros(300)
    reward_N[:20] = 1
    found = [cautious(moments_of(weight_N, reward_N), w, confidence=0.9) for w in (1.0, 5.0, 50.0)]
    assert found[0].high < found[1].high < found[2].high
    assert found[0].low == found[1].low == found[2].low


def counted(times=1_500, seed=33):
    """How often both intervals held the truth in bandits with rare and heavy outcomes."""
    rng, actions, n = np.random.default_rng(seed), 20, 10_000
    rate_A = 0.005 * rng.uniform(0.3, 1.7, actions)
    chance_A = np.exp(-0.25 * np.arange(actions))
    chance_A /= chance_A.sum()
    weight_A, truth = 1 / actions / chance_A, rate_A.mean()
    held = np.zeros(2)
    for _ in range(times):
        shown_A = rng.multinomial(n, chance_A)
        clicks_A = rng.binomial(shown_A, rate_A)
        mean = clicks_A @ weight_A / n
        variance = clicks_A @ weight_A**2 / n - mean**2
        covariance_CC, mean_C = np.zeros((8, 8)), np.zeros(8)
        mean_C[[0, 4]], covariance_CC[4, 4] = (1.0, mean), variance * n / (n - 1)
        moments = Moments(n, mean_C, covariance_CC)
        plain = moments.linear({"weighted": 1.0}, confidence=0.95)
        largest = weight_A[shown_A > 0].max()
        held += [plain.holds(truth), cautious(moments, largest, confidence=0.95).holds(truth)]
    return held / times


def test_with_few_heavy_outcomes_it_holds_the_truth_and_the_delta_method_does_not():
    plain, careful = counted()
    luck = 3 * np.sqrt(0.95 * 0.05 / 1_500)
    assert plain < 0.9
    assert careful > 0.95 - luck


def test_what_has_no_interval_is_refused():
    with pytest.raises(DataError, match="rounds == 0, must be > 0"):
        cautious(Moments.of(Totals.empty(1, 0), 0), 1.0, confidence=0.9)
    with pytest.raises(DataError, match=r"weighted outcomes == -1.0 on average, must be >= 0"):
        cautious(moments_of(np.ones(5), -np.ones(5)), 1.0, confidence=0.9)
