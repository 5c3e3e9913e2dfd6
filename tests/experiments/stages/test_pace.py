"""How fast and how long, in words."""

import pytest

from experiments.stages.pace import finished, lasting, left, planned, rate, under_way


@pytest.mark.parametrize(
    ("amount", "seconds", "told"),
    [
        (1_200, 1.0, "1,200/s"),
        (12, 1.0, "12/s"),
        (3.4, 1.0, "3.4/s"),
        (4, 62.0, "16 s each"),
        (0.1, 60.0, "10 min each"),
        (0, 3.0, ""),
    ],
)
def test_a_rate_is_never_none_of_a_second(amount: float, seconds: float, told: str) -> None:
    assert rate(amount, seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119, "119 s"),
        (200, "3 min 20 s"),
        (240, "4 min"),
        (1_234, "20 min"),
        (7_500, "2 h 5 min"),
    ],
)
def test_a_time_is_told_as_people_say_it(seconds: float, told: str) -> None:
    assert lasting(seconds) == told


def test_what_is_left_follows_from_the_pace_so_far() -> None:
    assert left(25, 100, 10.0) == "about 30 s left"
    assert left(130, 100, 10.0) == "about 0.0 s left"
    assert left(0, 100, 10.0) == "time left not known yet"
    assert left(5, None, 10.0) == ""


def test_what_was_there_before_tells_nothing_of_the_pace() -> None:
    assert left(13, 27, 600.0, kept=12) == "about 2 h 20 min left"
    assert left(12, 27, 30.0, kept=12) == "time left not known yet"
    assert left(27, 27, 30.0, kept=27) == "about 0.0 s left"
    assert (
        under_way(13, 27, "cells", 600.0, 12) == "13 of 27 cells in 10 min, about 2 h 20 min left"
    )


def test_a_stage_under_way_and_a_finished_one_are_told_in_one_line() -> None:
    assert under_way(45_200, 169_000, "pages", 38.0) == (
        "45,200 of 169,000 pages in 38 s, about 104 s left"
    )
    assert under_way(0.5, 2, "models", 38.0) == "0.5 of 2 models in 38 s, about 114 s left"
    assert under_way(7, None, "items", 3.0) == "7 items in 3.0 s"
    assert finished(4, "models", 62.0) == "4 models in 62.0 s (16 s each)"
    assert finished(0, "", 0.5) == "0.5 s"


def test_a_plan_adds_its_steps_up() -> None:
    assert planned([("history", 10.2), ("report", 0.2), ("worlds", 60.0)]) == (
        "history 10 s, report 1.0 s, worlds 60 s: about 70 s in all"
    )
