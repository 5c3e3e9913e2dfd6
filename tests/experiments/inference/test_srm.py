import pytest
import tea_tasting as tt
from scipy import stats
from tea_tasting.aggr import Aggregates

from experiments.inference.srm import sample_ratio


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
