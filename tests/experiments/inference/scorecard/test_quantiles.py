import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from experiments.inference.scorecard.quantiles import quantiles
from simulator.errors import ConfigError
from tests.experiments.inference.scorecard.tables import contrast, table, within


def requests(rng, units, *, each=6.0, alike=0.6, lift=1.0):
    """Rows of shoppers: (unit_N, value_N); log-normal latencies, of which a share is the shopper's.

    Shoppers who come often are slower, so that sizes and values of clusters belong together.
    """
    own_U = rng.normal(size=units)
    many_U = 1 + rng.poisson(each * np.exp(0.5 * own_U - 0.125))
    unit_N = np.repeat(np.arange(units), many_U)
    noise_N = rng.normal(size=len(unit_N))
    return unit_N, lift * np.exp(0.5 * (alike**0.5 * own_U[unit_N] + (1 - alike) ** 0.5 * noise_N))


def rows_of(connection, *samples):
    arm_N = np.repeat(np.arange(len(samples)), [len(unit_N) for unit_N, _ in samples])
    unit_N = np.concatenate([unit_N + 10**6 * arm for arm, (unit_N, _) in enumerate(samples)])
    value_N = np.concatenate([value_N for _, value_N in samples])
    return table(connection, arm=arm_N, unit=unit_N, value=value_N)


def bootstrapped(sample, quantile, rng, times=400):
    """Standard error of a quantile when shoppers are drawn again with all of their rows."""
    unit_N, value_N = sample
    order_N = np.argsort(value_N)
    unit_N, value_N, units = unit_N[order_N], value_N[order_N], unit_N.max() + 1
    found = []
    for _ in range(times):
        times_U = np.bincount(rng.integers(0, units, units), minlength=units)
        up_to_N = np.cumsum(times_U[unit_N])
        found.append(value_N[np.searchsorted(up_to_N, quantile * up_to_N[-1])])
    return np.std(found, ddof=1)


samples = st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=4), min_size=1, max_size=12)


@settings(max_examples=25)
@given(clusters=samples, quantile=st.sampled_from([0.1, 0.25, 0.5, 0.9, 0.99]))
def test_a_quantile_is_the_least_value_that_its_share_of_rows_does_not_exceed(
    connection, clusters, quantile
):
    unit_N = np.repeat(np.arange(len(clusters)), [len(cluster) for cluster in clusters])
    value_N = np.concatenate(clusters)
    found = quantiles(connection, rows_of(connection, (unit_N, value_N)), quantile=quantile)
    assert found.values[0] == np.quantile(value_N, quantile, method="inverted_cdf")
    assert (0 in found.levels) != (0 in found.reasons)


def test_with_one_row_of_each_shopper_the_error_is_that_of_a_sample_quantile(connection):
    """sqrt(p (1 - p) / n) over the density at the quantile."""
    n, share = 40_000, 0.9
    values = np.random.default_rng(1).exponential(size=n)
    found = quantiles(connection, rows_of(connection, (np.arange(n), values)), quantile=share)
    wanted = (share * (1 - share) / n) ** 0.5 / (1 - share)
    assert found.levels[0].error == pytest.approx(wanted, rel=0.06)
    assert found.levels[0].n == n


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_the_error_is_that_of_a_bootstrap_over_shoppers(connection, quantile):
    rng = np.random.default_rng(2)
    errors, oracle = [], []
    for _ in range(3):
        sample = requests(rng, 1_500)
        found = quantiles(connection, rows_of(connection, sample), quantile=quantile)
        errors.append(found.levels[0].error)
        oracle.append(bootstrapped(sample, quantile, rng))
    assert np.mean(errors) == pytest.approx(np.mean(oracle), rel=0.12)


def test_it_is_growthbooks_up_to_how_far_the_ranks_are_taken(connection):
    """Its error is that of independent rows, times how much wider clusters make the share's."""
    unit_N, value_N = requests(np.random.default_rng(3), 4_000)
    p, n, z = 0.9, len(value_N), stats.norm.ppf(0.975)
    found = quantiles(connection, rows_of(connection, (unit_N, value_N)), quantile=p).levels[0]
    off_N = (value_N <= found.mean) - (value_N <= found.mean).mean()
    clustered = (np.bincount(unit_N, off_N) ** 2).sum() ** 0.5 / n
    alone = (p * (1 - p) / n) ** 0.5
    low, high = np.quantile(value_N, [p - z * alone, p + z * alone])
    assert found.error == pytest.approx((high - low) / (2 * z) * clustered / alone, rel=0.05)
    assert clustered > 1.5 * alone


@pytest.mark.parametrize(
    ("clusters", "reason"),
    [
        ([[1.0, 2.0, 3.0]], "fewer than 2 shoppers with a row"),
        ([[1.0], [2.0], [3.0]], "no row lies above the quantile"),
        ([[float(x)] for x in range(300)], "too few shoppers for a quantile so far out"),
        ([[1.0], [np.nan], [3.0]], "a row's value is not a finite number"),
        ([[5.0, 5.0]] * 500, "no row lies above the quantile"),
        ([[5.0, 5.0]] * 500 + [[6.0, 4.0]] * 500, "many rows share the quantile's value"),
    ],
)
def test_what_the_data_do_not_tell_has_a_reason(connection, clusters, reason):
    unit_N = np.repeat(np.arange(len(clusters)), [len(cluster) for cluster in clusters])
    rows = rows_of(connection, (unit_N, np.concatenate(clusters)))
    found = quantiles(connection, rows, quantile=0.5 if len(clusters) > 300 else 0.99)
    assert reason in found.reasons[0]
    assert found.levels == {}


def test_an_arm_that_tells_nothing_leaves_the_other_its_level(connection):
    sample = requests(np.random.default_rng(4), 800)
    found = quantiles(
        connection, rows_of(connection, sample, (np.array([0]), np.array([np.nan]))), quantile=0.9
    )
    assert set(found.levels) == {0}
    assert set(found.reasons) == {1}


def test_a_quantile_that_is_no_share_is_refused(connection):
    for quantile in (0.0, 1.0, 99.0):
        with pytest.raises(ConfigError, match="must be > 0 and < 1"):
            quantiles(connection, "", quantile=quantile)


@pytest.mark.slow
@pytest.mark.parametrize(("quantile", "units"), [(0.5, 400), (0.9, 400), (0.99, 1_500)])
def test_intervals_of_clustered_rows_cover_and_tests_keep_their_level(connection, quantile, units):
    rng, lift, times = np.random.default_rng(5), 1.1, 1_000
    truth = np.quantile(requests(rng, 600_000)[1], quantile) * (lift - 1)
    covered, false = [], []
    for _ in range(times):
        control, treatment = requests(rng, units), requests(rng, units)
        lifted = treatment[0], lift * treatment[1]
        rows = rows_of(connection, control, treatment, lifted)
        found = quantiles(connection, rows, quantile=quantile).levels
        if len(found) == 3:
            false.append(contrast({0: found[0], 1: found[1]}).p_value < 0.05)
            covered.append(contrast({0: found[0], 1: found[2]}).effect.holds(truth))
    assert len(covered) > 0.98 * times  # of the others it says that they are too few
    assert within(false, 0.05)
    assert within(covered, 0.95)


@pytest.mark.slow
def test_rows_taken_for_independent_give_false_findings(connection):
    """What the clusters are for: each row as a shopper of its own."""
    rng, false = np.random.default_rng(6), []
    for _ in range(300):
        arms = [requests(rng, 400) for _ in "ab"]
        alone = [(np.arange(len(value_N)), value_N) for _, value_N in arms]
        found = quantiles(connection, rows_of(connection, *alone), quantile=0.9).levels
        false.append(contrast(found).p_value < 0.05)
    assert np.mean(false) > 0.15
