import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from scipy.integrate import quad

from experiments.inference.estimates import Level
from experiments.inference.scorecard.posterior import posterior
from experiments.inference.scorecard.prior import ASOS, FLAT, Prior
from experiments.records.interval import UNKNOWN
from simulator.errors import ConfigError
from tests.experiments.inference.scorecard.tables import contrast, within

BASE = Level(20.0, 0.15, 50_000)


def treated(lift, error=0.18, n=50_000):
    return Level(BASE.mean * (1 + lift), error, n)


def integrated(one, two, prior, better=1):
    """Mean, chance and both losses by numerical integration of prior times likelihood."""
    noise = np.hypot(one.error, two.error) / one.mean
    seen = two.mean / one.mean - 1

    def density(lift):
        return stats.norm.pdf(lift, prior.mean, prior.spread) * stats.norm.pdf(seen, lift, noise)

    middle = seen if noise < prior.spread else prior.mean
    reach = 12 * min(noise, prior.spread) + abs(seen - prior.mean)
    ends = middle - reach, middle + reach
    points = sorted({0.0, seen, prior.mean})

    def whole(of):
        return quad(lambda x: of(x) * density(x), *ends, points=points, limit=500, epsabs=0)[0]

    total = whole(lambda x: 1.0)
    return [
        whole(of) / total
        for of in (
            lambda x: x,
            lambda x: float(better * x > 0),
            lambda x: max(-better * x, 0.0),
            lambda x: max(better * x, 0.0),
        )
    ]


@pytest.mark.parametrize("lift", [-0.02, 0.001, 0.015])
@pytest.mark.parametrize("prior", [ASOS, Prior(0.01, 0.004, "a guess"), Prior(0.0, 0.3, "wide")])
@pytest.mark.parametrize("better", [1, -1])
def test_it_is_the_numerical_integral_of_prior_times_likelihood(lift, prior, better):
    found = posterior(BASE, treated(lift), prior, better=better)
    told = [found.lift.estimate, found.chance, found.loss, found.regret]
    assert told == pytest.approx(
        integrated(BASE, treated(lift), prior, better), rel=1e-6, abs=1e-12
    )


def growthbook(one, two, prior, confidence):
    """Its closed forms for a difference with a prior of relative lifts, over control's level."""
    variance = one.error**2 + two.error**2
    mean, spread = prior.mean * abs(one.mean), prior.spread * abs(one.mean)
    precision = 1 / variance + 1 / spread**2
    centre = ((two.mean - one.mean) / variance + mean / spread**2) / precision
    sd = precision**-0.5
    below = stats.norm.cdf(0, centre, sd)
    left, right = -centre / sd, np.inf
    gain = stats.truncnorm.mean(left, right, centre, sd)
    loss = stats.truncnorm.mean(-np.inf, left, centre, sd)
    ends = stats.norm.interval(confidence, centre, sd)
    regret, risk = (1 - below) * gain, -below * loss
    return np.array([centre, *ends, risk, regret]) / one.mean, 1 - below


@pytest.mark.parametrize("prior", [ASOS, Prior(0.0, 0.3, "GrowthBook's default of a proper prior")])
def test_it_is_growthbooks_posterior(prior):
    two = treated(0.012)
    found = posterior(BASE, two, prior, confidence=0.9)
    numbers, chance = growthbook(BASE, two, prior, 0.9)
    told = [*found.lift.numbers, found.loss, found.regret]
    np.testing.assert_allclose(told, numbers, rtol=1e-10)
    assert found.chance == pytest.approx(chance, rel=1e-12)


def test_without_a_prior_it_says_what_the_test_says():
    two = treated(0.012)
    found = posterior(BASE, two, FLAT)
    row = contrast({0: BASE, 1: two})
    assert found.data == 1
    assert found.lift.estimate == pytest.approx(0.012)
    assert found.chance == pytest.approx(1 - row.p_value / 2, abs=1e-5)  # normal, Student
    assert found.lift.holds(0.0) == row.effect.holds(0.0)
    half = stats.norm.ppf(0.975) * np.hypot(BASE.error, two.error) / BASE.mean
    assert found.lift.high - found.lift.estimate == pytest.approx(half, rel=1e-12)


lifts = st.floats(-0.2, 0.2)


@given(lifts, st.floats(-0.05, 0.05), st.floats(1e-4, 0.5), st.floats(0.01, 2.0))
def test_shrinking_lies_between_prior_and_data(lift, mean, spread, error):
    found = posterior(BASE, treated(lift, error), Prior(mean, spread, "drawn"))
    low, high = sorted([lift, mean])
    assert low - 1e-9 <= found.lift.estimate <= high + 1e-9
    assert 0 < found.data <= 1
    assert min(found.loss, found.regret) >= 0
    assert found.regret - found.loss == pytest.approx(found.lift.estimate, rel=1e-6, abs=1e-9)


@given(lifts)
def test_less_is_better_turns_chance_and_losses_round(lift):
    more, less = (posterior(BASE, treated(lift), ASOS, better=better) for better in (1, -1))
    assert more.lift == less.lift
    assert more.chance == pytest.approx(1 - less.chance)
    assert (more.loss, more.regret) == pytest.approx((less.regret, less.loss))


def test_beliefs_come_true_as_often_as_they_say():
    """Lifts drawn from the prior: intervals cover, chances are kept, and shrunk lifts err less."""
    rng, times = np.random.default_rng(2), 4_000
    truth = rng.normal(ASOS.mean, ASOS.spread, times)
    seen = truth + rng.normal(size=times) * np.hypot(BASE.error, 0.18) / BASE.mean
    found = [posterior(BASE, treated(lift), ASOS) for lift in seen]
    assert within([p.lift.holds(t) for p, t in zip(found, truth, strict=True)], 0.95)
    chance = np.array([p.chance for p in found])
    for low in (0.2, 0.4, 0.6, 0.8):
        some = (chance >= low) & (chance < low + 0.2)
        error = (chance[some] * (1 - chance[some])).sum() ** 0.5
        assert abs((truth[some] > 0).sum() - chance[some].sum()) < 4 * error
    loss = np.array([p.loss for p in found])
    off = np.maximum(-truth, 0) - loss
    assert abs(off.mean()) < 4 * off.std() / times**0.5
    shrunk = np.array([p.lift.estimate for p in found])
    assert np.mean((shrunk - truth) ** 2) < 0.7 * np.mean((seen - truth) ** 2)


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (Level(0.0, 0.1, 9), Level(1.0, 0.1, 9), "control is not above zero"),
        (Level(1.0, 0.0, 9), Level(2.0, 0.0, 9), "no variation between shoppers"),
        (Level(1.0, 0.1, 1), Level(2.0, 0.1, 9), "no variation between shoppers"),
    ],
)
def test_what_the_data_do_not_tell_has_a_reason_and_the_prior_is_shown(one, two, reason):
    found = posterior(one, two, ASOS)
    assert reason in found.reason
    assert (found.prior, found.lift, found.chance) == (ASOS, UNKNOWN, None)


def test_a_direction_is_one_of_two():
    with pytest.raises(ConfigError, match="better == 2, must be 1 or -1"):
        posterior(BASE, treated(0.1), ASOS, better=2)
