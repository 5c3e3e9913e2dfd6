import numpy as np
import pytest

from experiments.inference.offpolicy.moments import COLUMNS, Moments
from experiments.inference.offpolicy.totals import Totals
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.offpolicy.worlds import slots_of, totals_of


def sample(shoppers=40, n=600, seed=2):
    rng = np.random.default_rng(seed)
    slots = slots_of(
        rng.integers(0, shoppers, n), rng.random(n) < 0.4, rng.uniform(0.1, 1, n),
        rng.random(n) < 0.5, rng.random(n), rng.random(n), rng.random(n), rng.random(n),
    )  # fmt: skip
    return totals_of(slots, shoppers=shoppers)


def test_the_columns_are_the_sums_of_shoppers():
    totals = sample()
    moments = Moments.of(totals, 0)
    assert moments.units == 40
    assert moments.mean("weighted") == pytest.approx(totals.weighted_EU[0].mean(), rel=1e-14)
    doubly_U = totals.modelled_EU[0] + totals.residual_EU[0]
    at = COLUMNS.index("doubly"), COLUMNS.index("weights")
    expected = np.cov(doubly_U, totals.weights_U)[0, 1]
    assert moments.covariance_CC[at] == pytest.approx(expected, rel=1e-12)


def jackknifed(totals, value):
    """The standard error of a smooth function of totals, leaving out one shopper after another."""
    units = len(totals.requests_U)
    keep = [np.delete(np.arange(units), u) for u in range(units)]
    found_U = [value({k: v[..., each] for k, v in vars(totals).items()}) for each in keep]
    return np.sqrt((units - 1) * np.var(found_U))


@pytest.mark.parametrize("seed", [2, 3])
def test_the_delta_method_agrees_with_the_jackknife(seed):
    """To first order: the two differ by a part of about 1 / units."""
    totals = sample(shoppers=1_000, n=10_000, seed=seed)
    moments = Moments.of(totals, 0)

    def ips(part):
        return part["weighted_EU"][0].sum() / part["requests_U"].sum()

    def snips(part):
        normalised = part["weighted_EU"][0].sum() / part["weights_U"].sum()
        return normalised * part["judged_U"].sum() / part["requests_U"].sum()

    said = (moments.linear({"weighted": 1.0}, confidence=0.95), ips)
    also = (moments.normalised(confidence=0.95), snips)
    for interval, value in (said, also):
        error = (interval.high - interval.low) / 2 / 1.9623  # Student's, 999 degrees of freedom
        assert interval.estimate == pytest.approx(value(vars(totals)), rel=1e-12)
        assert error == pytest.approx(jackknifed(totals, value), rel=5e-3)


def test_of_nobody_nothing_is_known_and_of_one_shopper_no_interval():
    assert Moments.of(Totals.empty(1, 0), 0).linear({"kept": 1.0}, confidence=0.9) == UNKNOWN
    assert Moments.of(Totals.empty(1, 0), 0).normalised(confidence=0.9) == UNKNOWN
    one = totals_of(slots_of([0], [1], [0.5], [1], [1], [0], [0]), shoppers=1)
    found = Moments.of(one, 0).linear({"weighted": 1.0}, confidence=0.9)
    assert (found.estimate, found.low, found.high) == (2.0, None, None)


def test_where_nothing_varies_there_is_no_interval():
    n = 30
    same = slots_of(
        np.arange(n), np.ones(n), np.full(n, 0.3), np.full(n, 0.1), np.ones(n), np.ones(n),
        np.ones(n),
    )  # fmt: skip
    moments = Moments.of(totals_of(same, shoppers=n), 0)
    for found in (moments.normalised(confidence=0.9), moments.linear({"kept": 1}, confidence=0.9)):
        assert found.ends is None
        assert found.estimate is not None


def test_events_are_the_effective_number_of_weighted_outcomes():
    totals = sample()
    weighted_U = totals.weighted_EU[0]
    expected = weighted_U.sum() ** 2 / (weighted_U**2).sum()
    assert Moments.of(totals, 0).events == pytest.approx(expected, rel=1e-12)
    assert Moments.of(Totals.empty(1, 3), 0).events == 0.0
    one = totals_of(slots_of([0], [1], [0.5], [1], [1], [0], [0]), shoppers=1)
    assert Moments.of(one, 0).events == 1.0
