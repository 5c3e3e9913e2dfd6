from dataclasses import replace

import numpy as np
import pytest

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import detectable
from experiments.inference.power.change import Change
from experiments.inference.units import open_units
from experiments.power.asked import Asked
from experiments.power.fromlog import plan_log
from experiments.power.subject import open_subject
from experiments.records.experiment.power import PowerRecord
from experiments.records.reading import read_record, write_record
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.logs import write_log

TEN, THIRTY = Change(0.1, relative=True), Change(0.3, relative=True)


def planned(log, history=None, **options):
    asked = Asked(subject=log, **{"repetitions": 0, **options})
    return plan_log(asked, open_subject(log, history))


@pytest.fixture(scope="module")
def record(days_log, days_before):
    return planned(days_log, days_before, metric="orders", effect=THIRTY, repetitions=200)


def test_a_test_under_way_is_told_what_it_finds_so_far_and_what_is_left(record):
    assert (record.running, record.days) == (12, 12)
    assert record.arms == ("control", "treatment")
    for need in record.needs:
        assert need.days_left == max(0, need.days_needed - 12)
    plain, cuped = record.needs
    assert 0.3 < cuped.explained < 0.9
    assert cuped.units < plain.units
    assert cuped.days_needed <= plain.days_needed
    assert cuped.least.relative < plain.least.relative


def test_what_it_finds_so_far_is_what_its_interval_allows(record, days_log):
    """The least effect over the half-width of the interval: 2.8 over 1.96."""
    metric = METRICS["orders"]
    with open_units(days_log, [metric]) as units:
        arms = units.aggregates([metric])
    effect = estimate(metric, ("control", "treatment"), arms)[0].effect
    half = (effect.high - effect.low) / 2
    assert record.need("plain").least.absolute / half == pytest.approx(2.80 / 1.96, rel=0.02)


def test_days_of_the_log_are_found_and_others_foretold(record):
    found = [day.found for day in record.accrued]
    assert found == [True] * 12 + [False] * (len(found) - 12)
    course = [point.least.relative for point in record.course("plain")]
    assert course == sorted(course, reverse=True)
    needed = record.need("plain").days_needed
    assert course[needed - 1] <= 0.3 < course[needed - 2]
    assert record.law.days == 12
    assert record.law.foretold


def test_simulated_tests_stand_beside_the_formula(record):
    rows = {(row.asked, row.method): row for row in record.simulated}
    assert set(rows) == {
        (asked, method) for asked in ("false positives", "power") for method in ("plain", "cuped")
    }
    assert rows["false positives", "plain"].formula == pytest.approx(0.05)
    assert rows["false positives", "plain"].found.holds(0.05)
    power = rows["power", "plain"]
    assert (power.way, power.effect.relative) == ("events", pytest.approx(0.3))
    assert power.control + power.treatment <= record.accrued[11].units
    assert not power.replaced
    assert power.formula == pytest.approx(record.need("plain").power, rel=0.02)
    assert power.found.estimate == pytest.approx(power.formula, abs=0.12)


def test_a_new_design_is_no_test_under_way(days_log):
    found = planned(days_log, effect=TEN, shares=(0.9, 0.1), traffic=0.5, days=12)
    assert found.running is None
    assert found.need("plain").days_left is None
    assert found.accrued[11].units == pytest.approx(750, rel=0.01)
    larger = planned(days_log, effect=TEN, shares=(0.5, 0.5), days=12)
    assert larger.need("plain").units < found.need("plain").units


def test_a_log_of_one_arm_is_planned_for_two_halves_and_four_weeks(days_before):
    found = planned(days_before, effect=TEN)
    assert (found.running, found.days, found.shares) == (None, 28, (0.5, 0.5))
    assert len(found.accrued) >= 28


def test_without_a_history_there_is_no_cuped_and_that_is_said(days_log):
    found = planned(days_log, effect=TEN)
    assert found.methods == ("plain",)
    assert any("--history DIR" in sentence for sentence in found.missing)
    given = planned(days_log, effect=TEN, reduction=0.5)
    assert given.methods == ("plain", "given")
    ratio = given.need("given").units / given.need("plain").units
    assert ratio == pytest.approx(0.5, abs=0.01)


def test_the_least_effect_is_that_of_the_pooled_variance_of_the_log(days_log):
    found = planned(days_log, metric="ctr", shares=(0.5, 0.5), days=12)
    day = found.accrued[11]
    wanted = float(detectable(day.variance, (day.units / 2, day.units / 2), Aim()))
    assert found.need("plain").least.absolute == pytest.approx(wanted, rel=1e-12)
    assert found.effect is None
    assert found.need("plain").units is None


def test_three_arms_are_told_by_name_with_their_own_shares(tmp_path):
    log = write_log(
        tmp_path / "log", shoppers=900, days=8, arms=("a", "b", "c"), shares=(0.6, 0.3, 0.1)
    )
    found = planned(log, metric="ctr", effect=TEN)
    assert found.arms == ("a", "b", "c")
    assert found.shares[2] == pytest.approx(0.1, abs=0.03)
    assert found.comparisons == 2
    assert len(found.need("plain").units_of_arms) == 3


def test_a_metric_of_few_shoppers_is_warned_of(tmp_path):
    log = write_log(tmp_path / "log", shoppers=500, days=8, clicks=0.02, orders=0.1)
    found = planned(log, metric="gmv", shares=(0.9, 0.1), repetitions=300)
    assert found.tails.effective < 100
    told = " ".join(found.warnings)
    assert "hangs on few" in told
    assert "skewed" in told
    assert "not equally large" in told


def test_a_short_log_tells_its_own_days_and_why_no_others(tmp_path):
    log = write_log(tmp_path / "log", shoppers=300, days=1, clicks=0.3, orders=0.5)
    found = planned(log, effect=TEN)
    assert (found.days, found.most_days, found.law) == (1, 1, None)
    assert found.need("plain").units
    assert any("days of the log == 1, must be >= 3" in sentence for sentence in found.missing)
    assert any("more than the 1 day of the log" in sentence for sentence in found.missing)
    with pytest.raises(DataError, match="--days == 28: days of the log == 1, must be >= 3"):
        planned(log, effect=TEN, days=28)


def test_a_history_that_tells_nothing_is_no_cuped(tmp_path, days_log):
    empty = write_log(tmp_path / "log", shoppers=200, days=3, clicks=0.0, arms=("bootstrap",))
    found = planned(days_log, empty, metric="orders")
    assert found.methods == ("plain",)
    assert any("no variation in orders" in sentence for sentence in found.missing)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"metric": "orders", "clicks": 0.0}, "orders == 0 for all shoppers of the log, must vary"),
        ({"metric": "cvr", "clicks": 0.0}, "clicks of the log == 0, must be some for cvr"),
        ({"metric": "zero_result_rate", "empty": 0.0}, "zero_result_rate == 0 for all shoppers"),
    ],
)
def test_a_metric_that_tells_nothing_apart_is_refused(tmp_path, options, wanted):
    metric = options.pop("metric")
    log = write_log(tmp_path / "log", shoppers=100, days=4, **options)
    with pytest.raises(DataError, match=wanted):
        planned(log, metric=metric, effect=TEN)


def test_too_many_units_are_not_simulated_and_that_is_said(days_log, monkeypatch):
    monkeypatch.setattr("experiments.power.simulating.MOST_UNITS", 100)
    found = planned(days_log, effect=TEN, repetitions=10)
    assert found.simulated == ()
    assert any("more than 100 units" in sentence for sentence in found.missing)


def test_an_effect_that_cannot_be_planted_leaves_the_tests_of_nothing(days_log):
    found = planned(days_log, metric="uctcvr", effect=Change(9.0, relative=True), repetitions=20)
    assert [row.asked for row in found.simulated] == ["false positives"]
    assert any("of the units have it already" in sentence for sentence in found.missing)


def test_non_inferiority_is_simulated_at_its_margin(days_log):
    margin = Change(0.1, relative=True)
    found = planned(days_log, metric="latency", margin=margin, repetitions=400)
    rows = {row.asked: row for row in found.simulated}
    assert rows["false positives"].effect.relative == pytest.approx(0.1)  # later is worse
    assert rows["false positives"].formula == pytest.approx(0.025)
    assert rows["false positives"].found.holds(0.025)
    assert rows["power"].way == "none"
    assert rows["power"].found.holds(rows["power"].formula)


def test_a_plan_is_the_same_again_and_its_file_is_read_as_it_was(
    record, days_log, days_before, tmp_path
):
    again = planned(days_log, days_before, metric="orders", effect=THIRTY, repetitions=200)
    assert again.simulated == record.simulated
    assert again.needs == record.needs
    write_record(tmp_path, record)
    read = read_record(PowerRecord, tmp_path)
    assert replace(read, accrued=(), curve=()) == replace(record, accrued=(), curve=())
    assert np.isclose(read.accrued[-1].units, record.accrued[-1].units)


def test_a_metric_that_the_log_does_not_have_is_refused(days_log):
    with pytest.raises(ConfigError, match="closest known: 'aov'"):
        planned(days_log, metric="aovv")
