"""Are p-values uniform where there is no effect, and do intervals cover where there is one?

The shoppers of one log are assigned to arms anew, again and again; each time the estimate gets
the sufficient statistics of the new arms.
"""

import numpy as np
import pytest
from scipy import stats
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import shopper_table

ROUNDS = 1_000
SIGMAS = 4  # of Monte Carlo error that a rate may lie from its nominal value
CONTRAST = ("control", "treatment")
CHOSEN = [("gmv", False), ("gmv", True), ("uctcvr", False), ("ctr", False), ("ctr", True)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shoppers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration")
    log = write_log(folder / "log", shoppers=20_000, slots=5, requests=2, clicks=0.1, luck=1)
    options = {"slots": 5, "requests": 2, "clicks": 0.1, "luck": 2, "arms": ("bootstrap",)}
    history = write_log(folder / "history", shoppers=20_000, **options)
    return shopper_table(log, history)


def aggregates(values, names):
    cov = np.cov(values, rowvar=False)
    return Aggregates(
        count_=len(values),
        mean_=dict(zip(names, values.mean(axis=0).tolist(), strict=True)),
        var_={name: float(cov[i, i]) for i, name in enumerate(names)},
        cov_={(a, b): float(cov[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)},
    )


def rerandomised(table, metric, *, share=0.5, lift=1.0, cuped=False, seed=0):
    """One estimate for each new assignment; treatment multiplies its shoppers' numerators."""
    own = list(dict.fromkeys(METRICS[metric].columns))
    names = own + [f"pre_{column}" for column in own]
    values = table[names].to_numpy(float)
    treated = values * np.array([lift if name == own[0] else 1.0 for name in names])
    rng = np.random.default_rng(seed)
    for _ in range(ROUNDS):
        chosen = rng.random(len(values)) < share
        arms = {
            "control": aggregates(values[~chosen], names),
            "treatment": aggregates(treated[chosen], names),
        }
        yield estimate(METRICS[metric], CONTRAST, arms, cuped=cuped)[0]


def within_monte_carlo_error(hits, rate):
    return abs(hits.mean() - rate) < SIGMAS * np.sqrt(rate * (1 - rate) / len(hits))


@pytest.mark.parametrize(("metric", "cuped"), CHOSEN)
def test_p_values_without_an_effect_are_uniform(shoppers, metric, cuped):
    p_values = np.array(
        [one.p_value for one in rerandomised(shoppers, metric, share=0.3, cuped=cuped)]
    )
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4
    for level in (0.05, 0.2, 0.5):
        assert within_monte_carlo_error(p_values < level, level)


@pytest.mark.parametrize(("metric", "cuped"), CHOSEN)
def test_intervals_cover_a_true_lift_at_their_rate(shoppers, metric, cuped):
    numerator, denominator = METRICS[metric].numerator, METRICS[metric].denominator
    below = len(shoppers) if denominator is None else shoppers[denominator].sum()
    truth = 0.1 * shoppers[numerator].sum() / below
    found = list(rerandomised(shoppers, metric, lift=1.1, cuped=cuped, seed=1))
    covered = np.array([one.effect.holds(truth) for one in found])
    assert within_monte_carlo_error(covered, 0.95)
    relative = np.array([one.relative.holds(0.1) for one in found])
    assert within_monte_carlo_error(relative, 0.95)


def test_an_exposure_level_test_would_not_be_calibrated(shoppers):
    """Why the shopper is the unit: the same clicks, with exposures taken for independent."""
    clicks, exposures = shoppers["clicks"].to_numpy(), shoppers["exposures"].to_numpy()
    rng = np.random.default_rng(0)
    rejected = []
    for _ in range(ROUNDS):
        chosen = rng.random(len(clicks)) < 0.5
        sides = [(clicks[side].sum(), exposures[side].sum()) for side in (chosen, ~chosen)]
        rates = [k / n for k, n in sides]
        error = np.sqrt(sum(r * (1 - r) / n for r, (_, n) in zip(rates, sides, strict=True)))
        rejected.append(abs(rates[0] - rates[1]) > 1.96 * error)
    assert np.mean(rejected) > 0.05 + SIGMAS * np.sqrt(0.05 * 0.95 / ROUNDS)
