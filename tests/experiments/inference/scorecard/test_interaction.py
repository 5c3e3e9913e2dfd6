import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from experiments.inference.estimates import Level
from experiments.inference.scorecard.interaction import interaction
from experiments.records.interval import Interval
from tests.experiments.inference.scorecard.tables import contrast, level_of, within


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(1)
    return [rng.gamma(2, scale, n) for scale, n in ((2, 90), (2.2, 140), (2.1, 60), (3.0, 110))]


def test_the_contrast_is_the_product_term_of_a_regression(cells):
    """With HC2 errors, which are Welch's."""
    found = interaction(*map(level_of, cells))
    y = np.concatenate(cells)
    a, b = (np.repeat(on, [len(c) for c in cells]) for on in ([0, 1, 0, 1], [0, 0, 1, 1]))
    fit = OLS(y, np.column_stack([np.ones(len(y)), a, b, a * b])).fit(cov_type="HC2", use_t=True)
    assert found.interaction.estimate == pytest.approx(fit.params[3], rel=1e-10)
    assert found.alone.estimate == pytest.approx(fit.params[1], rel=1e-10)
    variance = [c.var(ddof=1) / len(c) for c in cells]
    assert sum(variance) ** 0.5 == pytest.approx(fit.bse[3], rel=1e-10)
    freedom = sum(variance) ** 2 / sum(
        v**2 / (len(c) - 1) for v, c in zip(variance, cells, strict=True)
    )
    half = found.interaction.high - found.interaction.estimate
    assert half == pytest.approx(stats.t.ppf(0.975, freedom) * fit.bse[3], rel=1e-10)
    wanted = 2 * stats.t.sf(abs(fit.params[3] / fit.bse[3]), freedom)
    assert found.p_value == pytest.approx(wanted, rel=1e-9)


def test_the_effects_on_either_side_are_those_of_two_experiments(cells):
    neither, first, second, both = map(level_of, cells)
    found = interaction(neither, first, second, both)
    assert found.alone.numbers == pytest.approx(contrast({0: neither, 1: first}).effect.numbers)
    assert found.beside.numbers == pytest.approx(contrast({0: second, 1: both}).effect.numbers)


def test_it_is_the_same_whichever_experiment_is_called_the_first(cells):
    neither, first, second, both = map(level_of, cells)
    one, other = (
        interaction(neither, first, second, both),
        interaction(neither, second, first, both),
    )
    assert one.interaction.numbers == pytest.approx(other.interaction.numbers)
    assert one.p_value == pytest.approx(other.p_value)


def test_a_hand_checked_example():
    found = interaction(*(Level(mean, 0.5, 10**7) for mean in (10.0, 11.0, 10.8, 9.5)))
    assert found.alone.estimate == pytest.approx(1.0)
    assert found.beside.estimate == pytest.approx(-1.3)
    assert found.interaction.estimate == pytest.approx(-2.3)
    assert found.p_value == pytest.approx(0.0214, abs=1e-4)  # z = -2.3


def test_effects_that_add_up_are_called_an_interaction_no_more_often_than_they_may():
    rng, hits = np.random.default_rng(2), []
    for _ in range(3_000):
        drawn = rng.normal((10.0, 11.0, 12.0, 13.0), 0.3)
        found = interaction(*(Level(mean, 0.3, 400) for mean in drawn))
        hits.append(found.p_value < 0.05)
    assert within(hits, 0.05)


def test_what_the_data_do_not_tell_has_a_reason():
    still, some = Level(1.0, 0.0, 9), Level(2.0, 0.1, 9)
    found = interaction(still, still, some, some)
    assert found.alone == Interval(0.0, None, None)
    assert found.interaction.ends is not None
    found = interaction(still, still, still, still)
    assert (found.p_value, found.reason) == (None, "no variation between shoppers")
    found = interaction(Level(1.0, 0.1, 1), some, some, some)
    assert (found.p_value, found.reason) == (None, "no variation between shoppers")
