import math

import pytest

from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import detectable, power_of, units_needed
from experiments.inference.power.change import Change
from experiments.power.asked import Asked
from experiments.power.fromnumbers import plan_numbers
from simulator.errors import ConfigError, DataError

FIVE = Change(0.05, relative=True)


def test_numbers_give_the_units_and_the_days():
    record = plan_numbers(
        Asked(mean=2.0, variance=9.0, units_per_day=1_000.0, effect=FIVE, reduction=0.4, days=10)
    )
    plain, given = record.needs
    wanted = units_needed(0.1, 9.0, (0.5, 0.5), Aim())
    assert plain.units_of_arms == (math.ceil(wanted / 2),) * 2
    assert plain.units == sum(plain.units_of_arms)
    assert plain.days_needed == math.ceil(wanted / 1_000)
    assert given.units < 0.61 * plain.units
    assert (given.method, given.explained) == ("given", 0.4)
    least = float(detectable(9.0, (5_000, 5_000), Aim()))
    assert plain.least.absolute == pytest.approx(least)
    assert plain.least.relative == pytest.approx(least / 2)
    assert plain.power == pytest.approx(float(power_of(0.1, 9.0, (5_000, 5_000), Aim())))
    assert record.accrued[9].units == 10_000
    assert not any(day.found for day in record.accrued)
    assert record.running is None
    assert plain.days_left is None
    assert record.need("plain") == plain


def test_several_unequal_arms_share_the_level_and_the_smallest_decides():
    record = plan_numbers(
        Asked(mean=2.0, variance=9.0, effect=FIVE, shares=(0.5, 0.3, 0.2), units_per_day=1e4)
    )
    (plain,) = record.needs
    assert record.comparisons == 2
    assert record.false_positives == 0.025
    whole = units_needed(0.1, 9.0, (0.5, 0.2), Aim(comparisons=2))
    assert plain.units_of_arms == tuple(math.ceil(whole * share) for share in (0.5, 0.3, 0.2))
    assert record.arms == ("control", "treatment 1", "treatment 2")


def test_of_a_share_of_shoppers_the_variance_follows():
    found, told = (
        plan_numbers(Asked(metric="uctcvr", mean=0.04, variance=each, effect=FIVE))
        for each in (None, 0.04 * 0.96)
    )
    assert found == told
    with pytest.raises(ConfigError, match=r"--mean == 1\.5 of a share, must be > 0 and < 1"):
        plan_numbers(Asked(metric="uctcvr", mean=1.5, effect=FIVE))


def test_without_units_a_day_there_are_no_days_and_that_is_said():
    record = plan_numbers(Asked(mean=2.0, variance=9.0, effect=FIVE))
    (plain,) = record.needs
    assert plain.units
    assert plain.days_needed is None
    assert plain.least.absolute is None
    assert plain.power is None
    assert len(record.missing) == 1
    assert "--units-per-day" in record.missing[0]


def test_traffic_that_takes_part_makes_it_longer_and_no_larger():
    whole, part = (
        plan_numbers(
            Asked(mean=2.0, variance=9.0, units_per_day=1_000.0, effect=FIVE, traffic=share)
        ).needs[0]
        for share in (1.0, 0.25)
    )
    assert part.units == whole.units
    assert part.days_needed == pytest.approx(4 * whole.days_needed, abs=4)


def test_an_effect_that_takes_longer_than_a_year_has_a_reason():
    record = plan_numbers(
        Asked(mean=2.0, variance=9.0, units_per_day=10.0, effect=Change(0.001, True), reduction=0.5)
    )
    assert [need.days_needed for need in record.needs] == [None, None]
    (sentence,) = record.missing
    assert "(plain and given)" in sentence
    assert "365 days" in sentence
    assert record.accrued[-1].day == 365


def test_non_inferiority_is_planned_by_its_margin():
    record = plan_numbers(
        Asked(mean=2.0, variance=9.0, units_per_day=1_000.0, margin=Change(0.05, True))
    )
    (plain,) = record.needs
    wanted = units_needed(0.1, 9.0, (0.5, 0.5), Aim(one_sided=True))
    assert plain.units == 2 * math.ceil(wanted / 2)
    assert record.margin.absolute == 0.1
    assert record.effect is None
    assert record.false_positives == 0.025


@pytest.mark.parametrize(
    ("options", "kind", "wanted"),
    [
        ({"mean": 2.0, "effect": FIVE}, ConfigError, "--variance == none, must be there"),
        ({"mean": 2.0, "variance": 0.0, "effect": FIVE}, ConfigError, "--variance == 0, must be"),
        ({"mean": 2.0, "variance": 1.0}, ConfigError, "--effect == none, must be there"),
        (
            {"mean": 2.0, "variance": 1.0, "effect": Change(0.0, True)},
            ConfigError,
            "effect == 0, must be another number",
        ),
        (
            {"mean": 2.0, "variance": 1.0, "effect": FIVE, "units_per_day": -1.0},
            ConfigError,
            "--units-per-day == -1, must be > 0",
        ),
        (
            {"mean": 2.0, "variance": 1.0, "effect": FIVE, "days": 3},
            ConfigError,
            "--days == 3 without --units-per-day",
        ),
        (
            {"mean": 0.0, "variance": 1.0, "effect": FIVE},
            DataError,
            "level of the metric == 0, must be > 0 for a relative effect",
        ),
    ],
)
def test_numbers_that_cannot_be_are_refused(options, kind, wanted):
    with pytest.raises(kind, match=wanted):
        plan_numbers(Asked(**options))
