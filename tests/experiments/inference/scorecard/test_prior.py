import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from experiments.inference.scorecard.prior import ASOS, ASOS_SPREAD, FLAT, Prior, spread_of
from simulator.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def corpus(data):
    """The last snapshot of every arm and metric, with its lift and the lift's error."""
    frame = pd.read_parquet(data / "asos_experiments" / "asos_digital_experiments.parquet")
    keys = ["experiment_id", "variant_id", "metric_id"]
    last = frame.sort_values("time_since_start").groupby(keys).tail(1).dropna()
    growth = last["mean_t"] / last["mean_c"]
    error = growth * np.sqrt(
        last["variance_t"] / last["count_t"] / last["mean_t"] ** 2
        + last["variance_c"] / last["count_c"] / last["mean_c"] ** 2
    )
    return last.assign(lift=growth - 1, error=error)


def test_the_shipped_prior_is_that_of_the_asos_experiments(corpus):
    mean, spread = spread_of(corpus["lift"], corpus["error"])
    assert len(corpus) == 381
    assert corpus["experiment_id"].nunique() == 78
    assert spread == pytest.approx(ASOS_SPREAD, abs=0.00005)
    assert mean == pytest.approx(0.0008, abs=0.00005)
    by_metric = {
        m: spread_of(rows["lift"], rows["error"])[1] for m, rows in corpus.groupby("metric_id")
    }
    assert list(by_metric.values()) == pytest.approx([0.0060, 0.0078, 0.0077, 0.0075], abs=0.00005)
    raw = corpus.groupby("metric_id")["lift"].std()
    assert raw.min() == pytest.approx(0.0066, abs=0.00005)
    assert raw.max() == pytest.approx(0.0089, abs=0.00005)
    standardised = (corpus["lift"] - mean) / np.hypot(spread, corpus["error"])
    assert (standardised**4).mean() == pytest.approx(8, abs=0.1)


def test_its_uncertainty_is_that_of_a_bootstrap_over_experiments(corpus):
    rng = np.random.default_rng(0)
    by = [rows[["lift", "error"]].to_numpy() for _, rows in corpus.groupby("experiment_id")]
    found = []
    for _ in range(300):
        drawn = np.concatenate([by[place] for place in rng.integers(0, len(by), len(by))])
        found.append(spread_of(drawn[:, 0], drawn[:, 1])[1])
    assert np.quantile(found, [0.025, 0.975]) == pytest.approx([0.0050, 0.0094], abs=0.0004)


numbers = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), min_size=2, max_size=15)


@given(numbers)
def test_the_spread_is_paule_and_mandels(rows):
    lifts, errors = np.array(rows).T
    if np.ptp(lifts) < 1e-6:
        return  # statsmodels divides by its Q
    mean, spread = spread_of(lifts, errors)
    peer = combine_effects(lifts, errors**2, method_re="iterated")
    if peer.tau2 <= 0:
        assert spread == 0
        return
    assert spread**2 == pytest.approx(peer.tau2, rel=1e-4, abs=1e-5)  # it stops sooner
    assert mean == pytest.approx(peer.mean_effect_re, rel=1e-4, abs=1e-6)
    off = (lifts - mean) ** 2 / (spread**2 + errors**2)
    assert off.sum() == pytest.approx(len(rows) - 1, rel=1e-8)


def test_noise_is_taken_out_of_a_corpus():
    rng = np.random.default_rng(1)
    truth, errors = rng.normal(0.002, 0.01, 4_000), rng.uniform(0.002, 0.03, 4_000)
    mean, spread = spread_of(truth + errors * rng.normal(size=4_000), errors)
    assert mean == pytest.approx(0.002, abs=4 * 0.02 / 4_000**0.5)
    assert spread == pytest.approx(0.01, rel=0.06)


def test_what_noise_explains_is_no_spread():
    assert spread_of([0.01, 0.02, 0.015], [0.1, 0.1, 0.1]) == (pytest.approx(0.015), 0.0)


@pytest.mark.parametrize(
    ("lifts", "errors"),
    [([0.1], [0.1]), ([0.1, 0.2], [0.1]), ([0.1, np.nan], [0.1, 0.1]), ([0.1, 0.2], [0.1, 0.0])],
)
def test_a_corpus_that_tells_nothing_is_refused(lifts, errors):
    with pytest.raises(DataError, match="lifts_N, errors_N =="):
        spread_of(lifts, errors)


@pytest.mark.parametrize(
    "options", [(np.inf, 0.1, "x"), (0.0, 0.0, "x"), (0.0, np.nan, "x"), (0.0, 0.1, "")]
)
def test_a_prior_that_is_none_is_refused(options):
    with pytest.raises(ConfigError, match=r"prior\."):
        Prior(*options)


def test_a_prior_is_always_stated():
    assert ASOS.stated == (
        "true lifts are taken to be normal, +0.00% on average with a standard deviation of 0.72% "
        "(78 experiments of ASOS, 2021)"
    )
    assert FLAT.stated.startswith("no prior: any lift is as likely")
