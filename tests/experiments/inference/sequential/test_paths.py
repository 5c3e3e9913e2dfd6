"""Paths: their law where it is known, and equality with the estimates that a log would have."""

import math

import numpy as np
import pytest
from scipy import stats
from tea_tasting.aggr import Aggregates

import experiments.inference.sequential.paths as paths_of
from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.sequential.paths import UnitPaths, gaussian_paths, rerandomised_paths
from simulator.errors import ConfigError, DataError


def units(rng, count=300, looks=4, ratio=False):
    """Units that come at different looks and go on spending."""
    entered = rng.integers(0, looks, count)
    entered[0] = 0
    here = np.arange(looks) >= entered[:, None]
    visits = (1 + rng.poisson(1.0, (count, looks))) * here
    spent = rng.lognormal(0, 1, (count, looks)) * (rng.random((count, looks)) < 0.4) * here
    base = visits.cumsum(axis=1).astype(float) if ratio else None
    return UnitPaths(spent.cumsum(axis=1), entered, base)


def test_gaussian_paths_have_the_canonical_law():
    fractions = np.array([0.2, 0.5, 1.0])
    found = gaussian_paths(fractions, paths=40_000, drift=1.5, rng=np.random.default_rng(1))
    assert np.abs(found.z_NK.mean(axis=0) - 1.5 * np.sqrt(fractions)).max() < 4 / 200
    wanted = np.sqrt(
        np.minimum.outer(fractions, fractions) / np.maximum.outer(fractions, fractions)
    )
    assert np.abs(np.cov(found.z_NK.T) - wanted).max() < 4 * math.sqrt(2 / 40_000)


def aggregates(columns):
    pairs = [("gmv", "sessions"), ("orders", "sessions")]
    names = list(columns)
    cov = {
        pair: float(np.cov(columns[pair[0]], columns[pair[1]])[0, 1])
        for pair in pairs
        if pair[0] in names and pair[1] in names
    }
    return Aggregates(
        count_=len(columns[names[0]]),
        mean_={name: float(np.mean(columns[name])) for name in names},
        var_={name: float(np.var(columns[name], ddof=1)) for name in names},
        cov_=cov,
    )


@pytest.mark.parametrize("ratio", [False, True])
def test_z_of_each_look_is_that_of_the_estimates_on_the_same_units(ratio):
    table = units(np.random.default_rng(2), ratio=ratio)
    found = rerandomised_paths(table, paths=3, share=0.3, lift=0.5, rng=np.random.default_rng(3))
    treated = np.random.default_rng(3).random((3, 300)) < 0.3
    metric = METRICS["gmv"]
    if ratio:
        metric = metric.model_copy(update={"denominator": "sessions"})
    for run in range(3):
        for look in range(4):
            here = table.counted_UK[:, look]
            arms = {}
            for name, side, factor in (("c", ~treated[run], 1.0), ("t", treated[run], 1.5)):
                own = here & side
                columns = {"gmv": factor * table.value_UK[own, look]}
                if ratio:
                    columns["sessions"] = table.base_UK[own, look]
                arms[name] = aggregates(columns)
            row, _ = estimate(metric, ("c", "t"), arms)
            freedom_free = stats.norm.isf(0.025)
            z = found.z_NK[run, look]
            error = row.effect.estimate / z
            half = row.effect.high - row.effect.estimate
            assert half / abs(error) == pytest.approx(freedom_free, rel=0.1)
            exact = exact_error(table, treated[run], look, ratio, lift=0.5)
            assert z == pytest.approx(row.effect.estimate / exact, rel=1e-10)


def exact_error(table, treated, look, ratio, lift):
    """The standard error from linearised values, unit by unit."""
    total = 0.0
    for side, factor in ((~treated, 1.0), (treated, 1 + lift)):
        own = table.counted_UK[:, look] & side
        value = factor * table.value_UK[own, look]
        base = table.base_UK[own, look] if ratio else np.ones(own.sum())
        linear = (value - value.mean() / base.mean() * base) / base.mean()
        total += linear.var(ddof=1) / own.sum()
    return math.sqrt(total)


def test_how_many_are_drawn_at_once_changes_nothing(monkeypatch):
    table = units(np.random.default_rng(4))
    whole = rerandomised_paths(table, paths=50, rng=np.random.default_rng(5))
    monkeypatch.setattr(paths_of, "_BATCH_CELLS", 300 * 7)
    parts = rerandomised_paths(table, paths=50, rng=np.random.default_rng(5))
    assert parts.z_NK == pytest.approx(whole.z_NK, rel=1e-12, abs=1e-12)


def test_a_clock_of_units_counts_them_and_one_of_precision_what_they_tell():
    """Units from the start, each worth more by independent days: half the days tell half."""
    rng = np.random.default_rng(6)
    table = UnitPaths(rng.exponential(1, (20_000, 10)).cumsum(axis=1), np.zeros(20_000, int))
    options = {"paths": 1, "rng": np.random.default_rng(7)}
    assert rerandomised_paths(table, **options).fraction_K == pytest.approx(np.ones(10))
    found = rerandomised_paths(table, clock="precision", **options).fraction_K
    assert found == pytest.approx(np.arange(1, 11) / 10, rel=0.05)


def test_where_precision_is_the_clock_it_goes_with_the_correlation_of_looks():
    """Taste that stays and days that do not: the claim in `plans`."""
    rng = np.random.default_rng(8)
    days = rng.gamma(2.0, 0.5, (10_000, 1)) * rng.exponential(1, (10_000, 8))
    table = UnitPaths(days.cumsum(axis=1), np.zeros(10_000, int))
    found = rerandomised_paths(table, paths=2_000, clock="precision", rng=rng)
    squared = np.corrcoef(found.z_NK.T)[:, -1] ** 2
    assert squared == pytest.approx(found.fraction_K, abs=0.05)
    assert found.fraction_K[0] < 0.8


def test_a_look_at_which_an_arm_has_no_error_yet_decides_nothing_and_is_counted():
    value = np.zeros((40, 3))
    value[:, 1:] = np.random.default_rng(9).exponential(1, (40, 2)).cumsum(axis=1)
    found = rerandomised_paths(
        UnitPaths(value, np.zeros(40, int)), paths=20, rng=np.random.default_rng(1)
    )
    assert (found.z_NK[:, 0] == 0).all()
    assert found.untold == 20
    assert np.isfinite(found.z_NK).all()


GOOD = {"value_UK": np.ones((5, 2)), "entered_U": np.array([0, 0, 0, 0, 1])}
GOOD["value_UK"][4, 0] = 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value_UK": np.ones((3, 2))}, r"value_UK.shape == \(3, 2\), must be \(at least 4 units"),
        ({"entered_U": np.array([0, 0])}, "entered_U == .*, must be a look"),
        ({"entered_U": np.array([0, 0, 0, 0, 2])}, r"must be a look \(0 to 1\)"),
        ({"entered_U": np.ones(5, int)}, "entered_U == nobody at look 0"),
        (
            {"value_UK": np.ones((5, 2))},
            r"value_UK\[4, 0\] == 1.0, must be 0 before the unit counts",
        ),
        ({"value_UK": np.full((5, 2), math.nan)}, "value_UK == odd, must be finite"),
        ({"base_UK": np.ones((5, 3))}, "base_UK == odd, must be finite numbers of shape"),
    ],
)
def test_a_table_that_cannot_be_assigned_anew_is_refused(change, told):
    with pytest.raises(DataError, match=told):
        rerandomised_paths(UnitPaths(**{**GOOD, **change}), paths=2, rng=np.random.default_rng(1))


def test_a_table_beyond_the_stated_size_is_refused(monkeypatch):
    monkeypatch.setattr(paths_of, "MOST_CELLS", 9)
    with pytest.raises(DataError, match=r"value_UK.size == 10, must be <= 9"):
        rerandomised_paths(UnitPaths(**GOOD), paths=2, rng=np.random.default_rng(1))


def test_settings_out_of_range_are_refused():
    rng = np.random.default_rng(1)
    for options, told in (
        ({"share": 1.0}, "share == 1.0, must be > 0 and < 1"),
        ({"lift": -1.0}, "lift == -1.0, must be > -1"),
        ({"paths": 0}, "paths == 0, must be >= 1"),
    ):
        with pytest.raises(ConfigError, match=told):
            rerandomised_paths(UnitPaths(**GOOD), **{"paths": 2, "rng": rng, **options})
    for fractions in ([], [0.0, 1.0], [0.5, 0.5], [math.nan]):
        with pytest.raises(ConfigError, match="fractions"):
            gaussian_paths(fractions, paths=2, rng=rng)
    with pytest.raises(DataError, match=r"mean at the last look == -1.0, must be > 0, and vary"):
        rerandomised_paths(
            UnitPaths(-np.ones((5, 2)), np.zeros(5, int)), paths=2, clock="precision", rng=rng
        )
