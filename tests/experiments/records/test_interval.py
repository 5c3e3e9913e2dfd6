"""What an interval says of a number."""

import pytest

from experiments.records.interval import UNKNOWN, Interval


def test_a_part_of_a_base_keeps_what_is_not_known() -> None:
    assert Interval(3.0, 1.0, 5.0).over(2.0).numbers == (1.5, 0.5, 2.5)
    assert Interval(3.0, None, None).over(2.0).numbers == (1.5, None, None)
    assert UNKNOWN.over(2.0) == UNKNOWN


@pytest.mark.parametrize(("number", "held"), [(1.0, True), (2.0, True), (2.1, False), (None, None)])
def test_an_interval_holds_its_ends_and_what_lies_between(number, held) -> None:
    assert Interval(1.5, 1.0, 2.0).holds(number) is held
    assert Interval(1.5, None, None).holds(number) is None
