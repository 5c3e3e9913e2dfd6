import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from experiments.inference.scorecard.tails import (
    adjusted_rows,
    capped,
    concentration,
    trimmed,
    winsorised,
)
from simulator.errors import ConfigError
from tests.experiments.inference.scorecard.tables import arms_table, contrast, table, within


def spend(rng, n, *, buyers=0.2, sigma=1.2, lift=1.0):
    return np.where(rng.random(n) < buyers, lift * rng.lognormal(3, sigma, n), 0.0)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(11)
    return spend(rng, 401), spend(rng, 300, lift=1.2)


def assert_welch(found, one, two, rtol=1e-10):
    """The levels give Welch's test of two samples."""
    peer = stats.ttest_ind(two, one, equal_var=False)
    row = contrast(found.levels)
    ends = peer.confidence_interval(0.95)
    np.testing.assert_allclose(
        [*row.effect.numbers, row.p_value],
        [np.mean(two) - np.mean(one), ends.low, ends.high, peer.pvalue],
        rtol=rtol,
    )


def test_a_capped_mean_is_that_of_capped_values(connection, samples):
    found = capped(connection, arms_table(connection, *samples), cap=50.0)
    drawn = [np.minimum(each, 50.0) for each in samples]
    assert_welch(found, *drawn)
    assert found.name == "capped at 50"
    assert found.touched[0] == pytest.approx(np.mean(samples[0] > 50.0))


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("lower", [0.0, 0.05])
def test_winsorised_means_are_those_of_values_clipped_at_quantiles_of_both_arms(
    connection, samples, zeros, lower
):
    """GrowthBook's percentile capping: PostgreSQL's percentile_cont over all variations."""
    rows = arms_table(connection, *samples)
    found = winsorised(connection, rows, upper=0.95, lower=lower, zeros=zeros)
    pooled = np.concatenate(samples)
    pooled = pooled if zeros else pooled[pooled != 0]
    low, high = np.quantile(pooled, [lower, 0.95])
    drawn = [np.clip(each, low if lower else None, high) for each in samples]
    assert_welch(found, *drawn)
    ((peer,),) = connection.execute(
        f"SELECT quantile_cont(value, 0.95) FROM ({rows}){'' if zeros else ' WHERE value <> 0'}"
    ).fetchall()
    assert found.ends[0][1] == found.ends[1][1] == pytest.approx(peer, rel=1e-12)


def test_winsorising_equals_scipys_where_quantiles_need_no_interpolation(connection):
    values = np.random.default_rng(2).lognormal(0, 2, 201)
    found = winsorised(connection, arms_table(connection, values), upper=0.95, lower=0.1)
    peer = stats.mstats.winsorize(values, limits=(0.1, 0.05))
    assert found.levels[0].mean == pytest.approx(float(peer.mean()), rel=1e-12)
    assert found.levels[0].error == pytest.approx(float(stats.sem(peer)), rel=1e-12)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_a_trimmed_mean_is_yuens(connection, samples, share):
    found = trimmed(connection, arms_table(connection, *samples), share=share)
    for arm, sample in enumerate(samples):
        assert found.levels[arm].mean == pytest.approx(stats.trim_mean(sample, share), rel=1e-10)
    peer = stats.ttest_ind(samples[1], samples[0], equal_var=False, trim=share)
    ends = peer.confidence_interval(0.95)
    row = contrast(found.levels)
    np.testing.assert_allclose(
        [row.effect.low, row.effect.high, row.p_value], [*ends, peer.pvalue], rtol=1e-9
    )


def test_the_history_is_taken_out_before_the_tails_are(connection, samples):
    rng = np.random.default_rng(3)
    before = [each * rng.uniform(0.5, 1.5, len(each)) for each in samples]
    arm = np.repeat([0, 1], [len(each) for each in samples])
    value, covariate = np.concatenate(samples), np.concatenate(before)
    rows = table(connection, arm=arm, value=value, covariate=covariate)
    theta = np.cov(value, covariate)[0, 1] / covariate.var(ddof=1)
    left = value - theta * (covariate - covariate.mean())
    found = trimmed(connection, adjusted_rows(rows), share=0.05)
    assert found.levels[0].mean == pytest.approx(stats.trim_mean(left[arm == 0], 0.05), rel=1e-8)
    peer = stats.ttest_ind(left[arm == 1], left[arm == 0], equal_var=False, trim=0.05)
    assert contrast(found.levels).p_value == pytest.approx(peer.pvalue, rel=1e-8)
    same = table(connection, "same", arm=arm, value=value, covariate=np.ones(len(value)))
    plain = capped(connection, adjusted_rows(same), cap=50.0)
    assert plain.levels[0].mean == pytest.approx(np.minimum(samples[0], 50.0).mean())


amounts = st.lists(st.floats(0, 1e4), min_size=6, max_size=30)


WAYS = {
    "winsorised": lambda connection, rows: winsorised(connection, rows, upper=0.9, lower=0.1),
    "trimmed": lambda connection, rows: trimmed(connection, rows, share=0.2),
}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=15)
@given(one=amounts, two=amounts, shift=st.floats(-100, 100), unit=st.floats(0.1, 10))
def test_a_shift_and_a_change_of_unit_move_each_mean_by_as_much(
    connection, way, one, two, shift, unit
):
    plain = WAYS[way](connection, arms_table(connection, one, two))
    samples = (unit * np.array(sample) + shift for sample in (one, two))
    moved = WAYS[way](connection, arms_table(connection, *samples))
    if plain.reason or moved.reason:
        return
    for arm, level in plain.levels.items():
        assert moved.levels[arm].mean == pytest.approx(unit * level.mean + shift, abs=1e-6)
        assert moved.levels[arm].error == pytest.approx(unit * level.error, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("way", ["capped", "trimmed"])
@settings(max_examples=15)
@given(one=amounts, two=amounts)
def test_how_far_away_the_farthest_value_is_moves_no_mean(connection, way, one, two):
    ways = WAYS | {"capped": lambda connection, rows: capped(connection, rows, cap=5_000.0)}
    found, other = (
        ways[way](connection, arms_table(connection, one, [*two, far])) for far in (1e7, 1e9)
    )
    assert found.levels == other.levels


def test_the_dearest_shoppers_move_the_mean_alone(connection):
    rng = np.random.default_rng(4)
    control = spend(rng, 2_000)
    treatment = np.where(control > np.quantile(control, 0.995), 10 * control, control)
    found = winsorised(connection, arms_table(connection, control, treatment), upper=0.99)
    assert treatment.mean() > 1.3 * control.mean()
    assert contrast(found.levels).effect.estimate < 0.01 * found.levels[0].mean


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (([1.0, 2.0], [1.0]), "an arm has fewer than 2 shoppers"),
        (([1.0, 2.0], [1.0, np.nan]), "a shopper's value is not a finite number"),
        (([0.0, 0.0], [0.0, 0.0]), "no variation between shoppers is left"),
        (([], []), "there are no shoppers"),
    ],
)
def test_what_the_data_do_not_tell_has_a_reason(connection, samples, reason):
    rows = arms_table(connection, *samples)
    for found in (
        capped(connection, rows, cap=9.0),
        winsorised(connection, rows),
        trimmed(connection, rows, share=0.01),
    ):
        assert (found.reason, found.levels) == (reason, {})


def test_a_quantile_among_buyers_needs_buyers(connection):
    rows = arms_table(connection, [0.0, 0.0], [0.0, 0.0])
    assert winsorised(connection, rows, zeros=False).reason == "every value is 0"
    few = arms_table(connection, [0.0] * 99 + [7.0], [0.0] * 99 + [9.0])
    assert winsorised(connection, few, upper=0.95).reason == "no variation between shoppers is left"
    assert winsorised(connection, few, upper=0.95, zeros=False).ends[0][1] == pytest.approx(8.9)


def test_an_arm_that_trimming_leaves_without_shoppers_is_told(connection):
    found = trimmed(connection, arms_table(connection, [1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), share=0.4)
    assert found.reason == "an arm has fewer than 2 shoppers left"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: capped(c, "", cap=np.nan),
        lambda c: winsorised(c, "", upper=0.5, lower=0.5),
        lambda c: winsorised(c, "", upper=1.1),
        lambda c: trimmed(c, "", share=0.5),
        lambda c: trimmed(c, "", share=0.0),
    ],
)
def test_settings_out_of_range_are_refused(connection, wrong):
    with pytest.raises(ConfigError):
        wrong(connection)


def test_equal_buyers_are_as_many_as_they_are_and_one_of_them_is_one(connection):
    rows = arms_table(connection, [5.0] * 40 + [0.0] * 160, [100.0] + [0.0] * 199, [0.0] * 3)
    even, lone, none = concentration(connection, rows).values()
    assert (even.units, even.buyers, even.effective) == (200, 40, pytest.approx(40.0))
    assert even.top == pytest.approx(2 / 40)  # the top 1 % of 200 are two
    spread = arms_table(connection, np.arange(250.0))  # 249, 248 and 247 are the top three
    assert concentration(connection, spread)[0].top == pytest.approx(744 / (249 * 125))
    assert (lone.buyers, lone.effective, lone.top) == (1, pytest.approx(1.0), pytest.approx(1.0))
    assert (none.effective, none.top, none.reason) == (None, None, "nobody has anything")


@settings(max_examples=25)
@given(values=st.lists(st.floats(0, 1e4), min_size=1, max_size=300))
def test_concentration_is_that_of_a_sort(connection, values):
    (found,) = concentration(connection, arms_table(connection, values)).values()
    some = np.sort(values)[::-1]
    if some.sum() < 1e-6:
        return
    top = some[: -(-len(some) // 100)].sum() / some.sum()
    assert found.top == pytest.approx(top, rel=1e-9)
    assert found.effective == pytest.approx(some.sum() ** 2 / (some**2).sum(), rel=1e-9)
    assert 1 - 1e-9 <= found.effective <= (some > 0).sum() + 1e-9


def test_concentration_of_odd_values_has_a_reason(connection):
    (found,) = concentration(connection, arms_table(connection, [1.0, np.nan])).values()
    assert (found.effective, found.reason) == (None, "a shopper's value is not a finite number")


AA = {
    "winsorised": lambda connection, rows: winsorised(connection, rows, upper=0.98),
    "among buyers": lambda connection, rows: winsorised(connection, rows, upper=0.9, zeros=False),
    "trimmed": lambda connection, rows: trimmed(connection, rows, share=0.02),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", AA)
def test_a_pooled_cap_never_moves_an_a_a_test(connection, way):
    rng, hits = np.random.default_rng(5), []
    for _ in range(1_000):
        rows = arms_table(connection, spend(rng, 900), spend(rng, 400))
        hits.append(contrast(AA[way](connection, rows).levels).p_value < 0.05)
    assert within(hits, 0.05)


@pytest.mark.slow
def test_the_interval_covers_the_difference_at_the_cap_that_was_found(connection):
    """Treatment has thrice as many above it. At the population's cap it covers less often."""
    rng, quantile, found_cap, own_cap = np.random.default_rng(6), 0.95, [], []
    many = spend(rng, 1_000_000), spend(rng, 1_000_000, buyers=0.3, lift=1.6)

    def truth(cap):
        return np.minimum(many[1], cap).mean() - np.minimum(many[0], cap).mean()

    own = np.quantile(np.concatenate(many), quantile)
    above = [(each > own).mean() for each in many]
    assert above[1] > 2.5 * above[0]
    for _ in range(1_000):
        rows = arms_table(connection, spend(rng, 600), spend(rng, 600, buyers=0.3, lift=1.6))
        found = winsorised(connection, rows, upper=quantile)
        effect = contrast(found.levels).effect
        found_cap.append(effect.holds(truth(found.ends[0][1])))
        own_cap.append(effect.holds(truth(own)))
    assert within(found_cap, 0.95)
    assert 0.88 < np.mean(own_cap) < np.mean(found_cap)


@pytest.mark.slow
def test_the_interval_of_a_lift_covers_the_difference_at_the_populations_cap(connection):
    rng, quantile, hits = np.random.default_rng(7), 0.99, []
    many = spend(rng, 4_000_000), spend(rng, 4_000_000, lift=1.1)
    cap = np.quantile(np.concatenate(many), quantile)
    truth = np.minimum(many[1], cap).mean() - np.minimum(many[0], cap).mean()
    for _ in range(1_000):
        rows = arms_table(connection, spend(rng, 1_500), spend(rng, 1_500, lift=1.1))
        found = winsorised(connection, rows, upper=quantile)
        hits.append(contrast(found.levels).effect.holds(truth))
    assert within(hits, 0.95)
