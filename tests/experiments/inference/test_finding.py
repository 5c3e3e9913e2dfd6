import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, strategies as st
from statsmodels.stats.multitest import multipletests

from experiments.inference.finding import Finding, corrected, decide, holm
from experiments.records.interval import UNKNOWN, Interval

ABOVE, BELOW, HOLDS = Interval(2.0, 1.0, 3.0), Interval(-2.0, -3.0, -1.0), Interval(1.0, -1.0, 3.0)
p_values = st.none() | st.floats(0, 1)


@dataclass(frozen=True)
class Row:
    name: str
    p_value: float | None
    p_holm: float | None = None


@pytest.mark.parametrize(
    ("interval", "finding"),
    [
        (ABOVE, Finding.MORE),
        (BELOW, Finding.LESS),
        (HOLDS, Finding.UNTOLD),
        (Interval(0.0, 0.0, 0.0), Finding.UNTOLD),
        (Interval(1.0, 0.0, 2.0), Finding.UNTOLD),
        (Interval(1.0, None, None), Finding.MISSING),
        (UNKNOWN, Finding.MISSING),
    ],
)
def test_a_difference_that_stands_alone_is_decided_by_its_interval(interval, finding):
    assert decide(interval) is finding


def test_every_interval_of_a_difference_must_exclude_zero_on_the_same_side():
    assert decide(ABOVE, ABOVE) is Finding.MORE
    assert decide(BELOW, Interval(-1.0, None, None)) is Finding.LESS
    assert decide(Interval(2.0, None, None), ABOVE) is Finding.MORE
    assert decide(ABOVE, HOLDS) is Finding.UNTOLD
    assert decide(ABOVE, BELOW) is Finding.UNTOLD


@pytest.mark.parametrize(
    ("tested", "finding"),
    [
        ((0.01, 0.04), Finding.MORE),
        ((0.01, 0.06), Finding.ALONE),
        ((0.01, None), Finding.ALONE),
        ((0.06, 0.06), Finding.UNTOLD),
        ((None, None), Finding.MISSING),
    ],
)
def test_one_of_a_family_is_decided_by_its_p_value_alone_and_corrected(tested, finding):
    assert decide(ABOVE, tested=tested, confidence=0.95) is finding


def test_a_family_at_another_level_is_decided_at_that_level():
    assert decide(BELOW, tested=(0.01, 0.06), confidence=0.9) is Finding.LESS
    assert decide(BELOW, tested=(0.02, 0.06), confidence=0.99) is Finding.UNTOLD


def test_no_difference_is_none_whatever_its_p_value():
    assert decide(Interval(0.0, -1.0, 1.0), tested=(0.001, 0.001)) is Finding.UNTOLD


def test_only_what_holds_after_the_correction_is_real():
    assert [each for each in Finding if each.real] == [Finding.MORE, Finding.LESS]


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_keeps_their_order():
    assert holm([0.01, None, 0.04, 0.03]) == (
        pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06),
    )  # fmt: skip
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(p_values, max_size=8))
def test_p_values_are_corrected_as_holm_does(found):
    adjusted = holm(found)
    assert [p is None for p in adjusted] == [p is None for p in found]
    known = sorted(p for p in found if p is not None)
    steps = [min(1.0, (len(known) - at) * p) for at, p in enumerate(known)]
    wanted = [max(steps[: at + 1]) for at in range(len(known))]
    assert sorted(p for p in adjusted if p is not None) == pytest.approx(wanted)


@pytest.mark.parametrize("number", [1, 2, 7, 40])
def test_p_values_are_corrected_as_statsmodels_does(number):
    """With ties, a zero and a one among them."""
    drawn = np.random.default_rng(number).beta(0.3, 2, number).round(2)
    found = [*drawn.tolist(), *drawn[:3].tolist(), 0.0, 1.0]
    assert holm(found) == pytest.approx(multipletests(found, method="holm")[1].tolist(), abs=1e-15)


def test_families_are_corrected_each_for_itself():
    rows = [Row("a", 0.01), Row("b", 0.02), Row("a", 0.03), Row("", 0.01), Row("b", None)]
    found = corrected(rows, lambda row: row.name or None)
    assert [row.p_holm for row in found] == [0.02, 0.02, 0.03, None, None]
    assert [row.p_holm for row in corrected(rows[:3])] == pytest.approx([0.03, 0.04, 0.04])


def test_settings_are_told_without_loading_tea_tasting_or_the_log_engine():
    code = (
        "import sys, experiments.config.schema; print({'tea_tasting', 'duckdb'} & {*sys.modules})"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
