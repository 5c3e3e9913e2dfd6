import numpy as np
import pytest
import tea_tasting as tt
from scipy import stats
from tea_tasting.aggr import Aggregates

from experiments.inference.diagnostics.srm import sample_ratio


def test_sample_ratio_is_chi_square_without_continuity_correction():
    found = sample_ratio(
        "assigned", {"a": 5_000, "b": 3_100, "c": 1_900}, {"a": 0.5, "b": 0.3, "c": 0.2}
    )
    peer = stats.chisquare([5_000, 3_100, 1_900], [5_000, 3_000, 2_000])
    assert (found.statistic, found.p_value) == pytest.approx(tuple(peer), rel=1e-12)


def test_sample_ratio_of_two_arms_equals_tea_tasting():
    counts = {"a": 8_123, "b": 1_877}
    peer = tt.SampleRatio(0.25, method="norm", correction=False).analyze(
        {arm: Aggregates(n) for arm, n in counts.items()}, "a", "b"
    )
    found = sample_ratio("exposed", counts, {"a": 0.8, "b": 0.2})
    assert found.p_value == pytest.approx(peer.pvalue, rel=1e-10)


def test_sample_ratio_of_nobody_is_unknown_and_of_an_arm_without_share_impossible():
    assert sample_ratio("exposed", {}, {"a": 0.5, "b": 0.5}).p_value is None
    assert sample_ratio("exposed", {"a": 9}, {"a": 1.0}).p_value is None
    assert sample_ratio("exposed", {"a": 9, "b": 1}, {"a": 1.0, "b": 0.0}).p_value == 0.0


def test_two_arms_of_which_one_is_small_have_the_exact_binomial_p_value():
    found = sample_ratio("exposed", {"a": 294, "b": 6}, {"a": 0.99, "b": 0.01})
    exact = stats.binomtest(6, 300, 0.01, alternative="greater").pvalue  # as far below: none
    exact += stats.binom.pmf(0, 300, 0.01)  # 3 below what is expected, as 6 is 3 above
    assert found.p_value == pytest.approx(exact)


def test_several_arms_of_which_one_is_small_have_the_exact_multinomial_p_value():
    """265, 25 and 10 of 300: by chi-square .00025, by all 45,451 splits .0012."""
    counts, shares = {"a": 265, "b": 25, "c": 10}, {"a": 0.9, "b": 0.09, "c": 0.01}
    found = sample_ratio("assigned", counts, shares)
    expected = np.array([270.0, 27.0, 3.0])
    b, c = np.meshgrid(np.arange(301), np.arange(301))
    keep = b + c <= 300
    splits = np.stack([300 - b[keep] - c[keep], b[keep], c[keep]], axis=1)
    off = ((splits - expected) ** 2 / expected).sum(axis=1)
    exact = stats.multinomial(300, [0.9, 0.09, 0.01]).pmf(splits)[off >= found.statistic].sum()
    assert found.p_value == pytest.approx(exact, abs=4 * (exact / 200_000) ** 0.5)
    assert found.p_value > 1e-3


@pytest.mark.parametrize("shares", [(0.99, 0.01), (0.9, 0.09, 0.01)])
def test_the_alarm_is_as_rare_as_it_says_where_an_arm_is_small(shares):
    """At .01, since that many draws tell; chi-square alone alarms two to three times as often."""
    rng, times, names = np.random.default_rng(3), 150, "abc"[: len(shares)]
    splits, often = np.unique(rng.multinomial(60, shares, times), axis=0, return_counts=True)
    planned = dict(zip(names, shares, strict=True))
    found = [
        sample_ratio("exposed", dict(zip(names, counts, strict=True)), planned).p_value
        for counts in splits.tolist()
    ]
    alarms = often[np.array(found) < 0.01].sum()
    assert alarms <= stats.binom.ppf(0.999, times, 0.01)
