"""Worlds are added until the truth is as sure as is wanted, or time is over."""

import math
from dataclasses import replace

import pytest

from experiments.records.interval import UNKNOWN
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.truth.precision import missed, pairs_wanted, shortfall
from simulator.errors import ConfigError
from tests.experiments.small_runs import read, run, small_config


@pytest.fixture(scope="module")
def truths(small_run):
    return read_record(Truths, small_run)


def test_only_half_widths_decide(truths):
    width = truths.of("orders", ("control", "dense")).resolution
    assert missed(truths, {"orders": 1.01 * width}) == {}
    assert missed(truths, {"orders": 0.99 * width}) == {"orders": width}
    turned = replace(truths, truth=tuple(replace(row, effect=UNKNOWN) for row in truths.truth))
    assert missed(turned, {"orders": 0.99 * width}) == {"orders": width}


def test_an_effect_without_an_interval_is_not_known_at_all(truths):
    unknown = replace(truths, truth=tuple(replace(row, resolution=None) for row in truths.truth))
    assert missed(unknown, {"gmv": 0.5}) == {"gmv": math.inf}
    (told,) = shortfall(1, {"gmv": math.inf}, {"gmv": 0.5})
    assert told.endswith("was not reached: the effect has no interval with 1 pairs of worlds")


def test_a_metric_without_an_effect_is_not_known_either(truths):
    assert missed(truths, {"mine": 0.5}) == {"mine": math.inf}


def test_truths_tell_the_degrees_of_freedom_of_their_intervals(truths):
    row = truths.of("orders", ("control", "dense"))
    grown, ends = math.log1p(row.relative.estimate), [math.log1p(e) for e in row.relative.ends]
    assert 1 < row.freedom < row.n  # not those of shoppers alone: the state is shared by categories
    assert ends[1] - grown == pytest.approx(grown - ends[0])


def test_half_the_width_takes_four_times_the_pairs():
    assert pairs_wanted(2, 0.02, 0.01) == 8


@pytest.mark.slow
def test_pairs_are_added_until_the_effect_is_known_well_enough(tmp_path, truths, small_run):
    width = truths.of("uctr", ("control", "dense")).resolution
    wanted = f"truth.resolution={{uctr={0.9 * width:.5f}}}"
    more = run(small_config(wanted), tmp_path / "run", like=small_run)
    row = next(row for row in read(more, "truth")["truth"] if row["metric"] == "uctr")
    assert row["seeds"] > 1
    assert row["resolution"] <= 0.9 * width
    assert not any("resolution" in line for line in read(more, "truth")["warnings"])


def test_what_time_does_not_allow_is_told(tmp_path, small_run):
    quick = ("truth.resolution={gmv=0.0001}", "truth.minutes=0.0001")
    folder = run(small_config(*quick), tmp_path / "run", like=small_run)
    (line,) = [each for each in read(folder, "truth")["warnings"] if "resolution" in each]
    assert line.startswith("truth.resolution.gmv == 0.0001 was not reached: the effect is known to")
    assert "with 1 pairs of worlds; about" in line


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("truth.resolution={gmw=0.01}", r"truth\.resolution\.gmw == 0\.01, must be for gmv"),
        ("truth.resolution={gmv=0}", "resolution"),
    ],
)
def test_a_resolution_that_cannot_be_is_refused(wanted, message):
    with pytest.raises(ConfigError, match=message):
        small_config(wanted)
