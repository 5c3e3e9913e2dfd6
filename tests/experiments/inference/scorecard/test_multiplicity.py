from typing import NamedTuple

import numpy as np
import pytest
import tea_tasting as tt
from hypothesis import given, strategies as st
from statsmodels.stats.multitest import multipletests
from tea_tasting.experiment import ExperimentResult

from experiments.inference.estimates import blank
from experiments.inference.finding import holm
from experiments.inference.scorecard.multiplicity import adjusted, benjamini_hochberg
from tests.experiments.inference.scorecard.tables import within

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(p_values)
def test_adjusted_p_values_equal_those_of_statsmodels(some):
    peer = multipletests(some, method="fdr_bh")[1]
    np.testing.assert_allclose(benjamini_hochberg(some), peer, rtol=1e-12, atol=1e-300)


class Told(NamedTuple):
    pvalue: float


def test_adjusted_p_values_equal_those_of_tea_tasting():
    some = np.random.default_rng(1).beta(0.5, 1, 12).tolist()
    result = ExperimentResult({f"m{i}": Told(p) for i, p in enumerate(some)})
    (peer,) = tt.adjust_fdr({"all": result}).values()
    found = [peer[f"m{i}"]["pvalue_adj"] for i in range(12)]
    np.testing.assert_allclose(benjamini_hochberg(some), found, rtol=1e-12)


def test_a_hand_checked_example():
    found = benjamini_hochberg([0.01, None, 0.04, 0.03, 0.005])
    assert found == pytest.approx([0.02, None, 0.04, 0.04, 0.02])


@given(st.lists(st.none() | st.floats(0, 1), max_size=12))
def test_what_is_unknown_stays_unknown_and_counts_for_nothing(some):
    known = [p for p in some if p is not None]
    found = benjamini_hochberg(some)
    assert [p for p in found if p is not None] == list(benjamini_hochberg(known))
    assert [p is None for p in found] == [p is None for p in some]


@given(p_values)
def test_it_lies_between_the_plain_p_value_and_holms(some):
    for plain, found, strict in zip(some, benjamini_hochberg(some), holm(some), strict=True):
        assert plain <= found <= strict + 1e-12


def row(metric, treatment, p_value, *, cuped=False):
    empty = blank(metric, ("control", treatment), (9, 9), cuped=cuped)
    return type(empty)(**{**vars(empty), "p_value": p_value})


def test_the_primary_metric_is_corrected_over_arms_and_the_others_by_themselves():
    rows = [
        row("gmv", "a", 0.02),
        row("gmv", "b", 0.03),
        row("ctr", "a", 0.001),
        row("cvr", "a", None),
        row("ctr", "b", 0.04),
        row("gmv", "a", 0.01, cuped=True),
    ]
    assert adjusted(rows, "gmv") == pytest.approx((0.04, 0.04, 0.002, None, 0.04, 0.01))


def test_the_share_of_false_findings_is_no_larger_than_the_level():
    """Of 20 metrics 12 do not move; the share is 12 / 20 of the level where all are independent."""
    rng, times, level = np.random.default_rng(3), 3_000, 0.1
    shares = []
    for _ in range(times):
        null = rng.random(12)
        real = rng.beta(0.05, 1, 8)
        found = np.array(benjamini_hochberg([*null, *real])) < level
        shares.append(found[:12].sum() / max(found.sum(), 1))
    error = np.std(shares) / times**0.5
    assert abs(np.mean(shares) - level * 12 / 20) < 4 * error
    assert not within(rng.random(times) < 0.2, 0.1)  # the yardstick itself can fail
