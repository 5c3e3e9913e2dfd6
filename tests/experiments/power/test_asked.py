from pathlib import Path

import pytest

from experiments.inference.power.change import Change
from experiments.power.asked import Asked, parse_change, parse_part, parse_shares
from simulator.errors import ConfigError

RUN = Path("run")


def test_a_per_cent_sign_makes_a_change_relative():
    assert parse_change("--effect", "1%") == Change(0.01, relative=True)
    assert parse_change("--effect", "-0.5 %") == Change(-0.005, relative=True)
    assert parse_change("--effect", "0.02") == Change(0.02, relative=False)
    assert parse_change("--effect", None) is None
    assert parse_part("--traffic", "50%") == parse_part("--traffic", "0.5") == 0.5


@pytest.mark.parametrize("text", ["", "%", "one", "nan", "inf%", "1%%"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ConfigError, match=r"--effect == .*, must be a number such as 0\.02, or 1%"):
        parse_change("--effect", text)


@pytest.mark.parametrize(
    ("arms", "text", "wanted"),
    [
        (None, None, None),
        (2, None, (0.5, 0.5)),
        (4, None, (0.25,) * 4),
        (None, "0.9", (0.9, 0.1)),
        (3, "50%", (0.5, 0.25, 0.25)),
        (None, "0.5,0.3,0.2", (0.5, 0.3, 0.2)),
        (3, "50%,30%,20%", (0.5, 0.3, 0.2)),
    ],
)
def test_shares_are_those_of_the_arms_control_first(arms, text, wanted):
    found = parse_shares(arms, text)
    assert found == (None if wanted is None else pytest.approx(wanted))


@pytest.mark.parametrize(
    ("arms", "text", "wanted"),
    [
        (1, None, "--arms == 1, must be 2 to 50"),
        (2, "0.5,0.4", "--share == 0.5,0.4, sum 0.9, must sum to 1"),
        (2, "0.5,0.3,0.2", "must be 2 shares, one for each arm"),
        (None, "1.2,-0.2", "must be > 0 and < 1 each"),
        (None, "1", "must be > 0 and < 1 each"),
        (None, "0", "must be > 0 and < 1 each"),
        (None, "a,b", "--share == 'a', must be a number"),
        (None, ",".join(["0.01"] * 100), "--share == 100 shares, must be at most 50"),
    ],
)
def test_shares_that_are_no_split_are_refused(arms, text, wanted):
    with pytest.raises(ConfigError, match=wanted):
        parse_shares(arms, text)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, "== none, must be a folder, or --mean and --variance"),
        ({"subject": RUN, "mean": 2.0}, "--mean == 2 with a run or log, must be without one"),
        ({"subject": RUN, "units_per_day": 5.0}, "--units-per-day == 5 with a run"),
        ({"mean": float("nan")}, "--mean == nan, must be a finite number"),
        ({"mean": 2.0, "history": RUN}, "--history == run without a log"),
        ({"subject": RUN, "days": 0}, "--days == 0, must be 1 to 365"),
        ({"subject": RUN, "days": 400}, "--days == 400, must be 1 to 365"),
        ({"subject": RUN, "reduction": 1.0}, "--r2 == 1, must be from 0 to below 1"),
        ({"subject": RUN, "traffic": 0.0}, "--traffic == 0, must be > 0"),
        ({"subject": RUN, "traffic": 1.5}, "--traffic == 1.5, must be > 0 and at most 100%"),
        ({"subject": RUN, "power": 0.03}, "power == 0.03, must be > 0.05"),
        ({"subject": RUN, "confidence": 0.0}, "confidence == 0.0, must be > 0.5"),
        ({"subject": RUN, "comparisons": 0}, "comparisons == 0, must be 1 to"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_read(options, wanted):
    with pytest.raises(ConfigError, match=wanted):
        Asked(**options)


def test_arms_share_the_level_unless_told_otherwise():
    asked = Asked(subject=RUN, shares=(0.4, 0.3, 0.3))
    assert asked.aim(0.95, 3).comparisons == 2
    assert asked.aim(0.9, 3).confidence == 0.9
    assert Asked(subject=RUN, comparisons=1, confidence=0.99).aim(0.9, 3).confidence == 0.99
    assert Asked(subject=RUN, margin=Change(0.01, relative=True)).aim(0.95, 2).one_sided
    assert asked.redesigned
    assert Asked(subject=RUN, traffic=0.5).redesigned
    assert not Asked(subject=RUN).redesigned
