"""A lift beside another one: the gap on the log scale, and how sure it is."""

import math
from dataclasses import replace

import pytest

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import read_record
from experiments.records.truth import Truth, Truths
from experiments.sweep.differences import beside
from tests.experiments.report.fake_run import fake_run


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Any row."""
    return read_record(Truths, fake_run(tmp_path_factory.mktemp("run") / "run")).truth[0]


def of(truth: Truth, middle: float, half: float) -> Truth:
    relative = Interval(*(math.expm1(middle + side * half) for side in (0, -1, 1)))
    return replace(truth, relative=relative)


def test_independent_half_widths_add_by_their_squares(truth: Truth) -> None:
    found, p_value = beside(of(truth, 0.07, 0.03), of(truth, 0.02, 0.04), (0.95, 0.95))
    assert found.numbers == pytest.approx([math.expm1(each) for each in (0.05, 0.0, 0.1)])
    assert p_value == pytest.approx(0.05, abs=1e-6)


def test_equal_lifts_differ_by_nothing(truth: Truth) -> None:
    found, p_value = beside(of(truth, 0.07, 0.03), of(truth, 0.07, 0.03), (0.95, 0.95))
    assert found.estimate == 0
    assert p_value == 1


def test_without_an_interval_there_is_a_gap_and_no_more(truth: Truth) -> None:
    bare = replace(truth, relative=Interval(0.1, None, None))
    assert beside(bare, of(truth, 0.0, 0.1), (0.95, 0.95)) == (
        Interval(pytest.approx(0.1), None, None),
        None,
    )
    assert beside(replace(truth, relative=UNKNOWN), bare, (0.95, 0.95)) == (UNKNOWN, None)
    gone = replace(truth, relative=Interval(-1.0, None, None))
    assert beside(gone, bare, (0.95, 0.95)) == (UNKNOWN, None)


def test_intervals_of_two_levels_are_brought_to_that_of_the_base(truth: Truth) -> None:
    z90, z95 = 1.6448536, 1.9599640
    found, _ = beside(of(truth, 0.07, 0.03 * z90), of(truth, 0.02, 0.04 * z95), (0.9, 0.95))
    half = 0.05 * z95
    wanted = [math.expm1(each) for each in (0.05, 0.05 - half, 0.05 + half)]
    assert found.numbers == pytest.approx(wanted)
