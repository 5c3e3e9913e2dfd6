import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from experiments.inference.estimates import Level
from experiments.inference.scorecard.segments import segments
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.scorecard.tables import contrast, level_of, within

PAIR = ("control", "treatment")


def told(levels):
    return segments("gmv", PAIR, levels)


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(1)
    sizes = {"new": (300, 280), "head": (150, 190), "tail": (90, 60)}
    return {
        name: (level_of(rng.gamma(2, 2, a)), level_of(rng.gamma(2, 2 + lift, b)))
        for lift, (name, (a, b)) in zip((0.0, 0.3, 0.9), sizes.items(), strict=True)
    }


def test_each_segment_is_an_experiment_of_its_own(three):
    for row in told(three).rows:
        assert row.estimate.effect == contrast(dict(enumerate(three[row.segment]))).effect


def test_corrections_equal_those_of_statsmodels(three):
    found = told(three)
    p_values = [row.estimate.p_value for row in found.rows]
    for method, name in (("holm", "p_holm"), ("fdr_bh", "p_bh")):
        peer = multipletests(p_values, method=method)[1]
        assert [getattr(row, name) for row in found.rows] == pytest.approx(peer, rel=1e-12)


effects = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(0.1, 2), st.floats(0.1, 2)), min_size=2, max_size=8
)


@settings(max_examples=40)
@given(effects)
def test_cochrans_q_and_i_squared_equal_those_of_statsmodels(rows):
    levels = {
        f"s{i}": (Level(10.0, one, 50), Level(10.0 + gap, two, 60))
        for i, (gap, one, two) in enumerate(rows)
    }
    found = told(levels)
    gap, one, two = np.array(rows).T
    if np.ptp(gap) < 1e-6:
        return  # statsmodels divides by its Q
    peer = combine_effects(gap, one**2 + two**2)
    assert found.mean == pytest.approx(peer.mean_effect_fe, rel=1e-9, abs=1e-9)
    assert found.q == pytest.approx(peer.q, rel=1e-9, abs=1e-9)
    assert found.freedom == len(rows) - 1
    assert found.p_value == pytest.approx(peer.test_homogeneity().pvalue, rel=1e-9, abs=1e-12)
    assert found.i2 == pytest.approx(max(peer.i2, 0.0), rel=1e-9, abs=1e-9)


def test_a_hand_checked_example():
    """Effects 0 and 2 with variances 1: mean 1, Q = 2, I squared one half."""
    half = 0.5**0.5
    levels = {
        name: (Level(5.0, half, 10**6), Level(5.0 + gap, half, 10**6))
        for name, gap in (("a", 0.0), ("b", 2.0))
    }
    found = told(levels)
    assert (found.mean, found.q, found.i2) == pytest.approx((1.0, 2.0, 0.5))
    assert found.p_value == pytest.approx(0.1572992070502852)
    assert found.rows[0].shrunk == UNKNOWN  # two segments tell little of a spread


def test_effects_that_chance_explains_are_shrunk_to_their_mean_and_others_hardly():
    near = {
        f"s{i}": (Level(9.0, 0.5, 99), Level(9.0 + gap, 0.5, 99))
        for i, gap in enumerate((0.9, 1.0, 1.1))
    }
    found = told(near)
    assert found.i2 == 0
    assert [row.shrunk.estimate for row in found.rows] == pytest.approx([1.0] * 3)
    far = {
        f"s{i}": (Level(9.0, 0.01, 99), Level(9.0 + gap, 0.01, 99))
        for i, gap in enumerate((-3.0, 0.0, 3.0))
    }
    for row in told(far).rows:
        assert row.shrunk.estimate == pytest.approx(row.estimate.effect.estimate, abs=1e-3)
        assert row.shrunk.holds(row.estimate.effect.estimate)


def test_a_shrunk_effect_is_the_posterior_of_a_normal_prior_of_effects():
    gaps, error = (-3.0, 1.0, 2.0, 4.0), 2**0.5
    found = told({f"s{g}": (Level(9.0, 1.0, 99), Level(9.0 + g, 1.0, 99)) for g in gaps})
    spread = (np.var(gaps, ddof=1) - 2) ** 0.5  # equal errors: what is left of their variance
    precision = 1 / spread**2 + 1 / error**2
    for row, gap in zip(found.rows, gaps, strict=True):
        size = (np.mean(gaps) / spread**2 + gap / error**2) / precision
        half = 1.959963984540054 * precision**-0.5
        assert row.shrunk.numbers == pytest.approx((size, size - half, size + half), rel=1e-9)


def test_a_segment_without_an_estimate_is_told_and_does_not_count(three):
    levels = three | {"empty": None, "still": (Level(1.0, 0.0, 5), Level(1.0, 0.0, 5))}
    found, plain = told(levels), told(three)
    assert (found.q, found.p_value) == (plain.q, plain.p_value)
    assert [row.p_holm for row in found.rows[:3]] == [row.p_holm for row in plain.rows]
    assert found.rows[3].reason == "an arm has no estimate in this segment"
    assert found.rows[4].reason == "no variation between shoppers"
    assert found.rows[4].shrunk == UNKNOWN


def test_one_segment_or_none_tells_of_no_difference(three):
    for levels in ({}, {"new": three["new"]}):
        found = told(levels)
        assert (found.q, found.p_value, found.i2) == (None, None, None)


def test_equal_effects_are_called_different_no_more_often_than_they_may():
    rng, hits, family = np.random.default_rng(3), [], []
    for _ in range(1_200):
        levels = {}
        for name in "abcde":
            one, two = rng.normal((10.0, 10.0), 0.5)
            levels[name] = (Level(one, 0.5, 500), Level(two, 0.5, 400))
        found = told(levels)
        hits.append(found.p_value < 0.05)
        family.append(min(row.p_holm for row in found.rows) < 0.05)
    assert within(hits, 0.05)
    assert within(family, 1 - (1 - 0.05 / 5) ** 5)
