"""Worlds drawn from what a log says: the posteriors of `calibrate-market`."""

import numpy as np
import pytest

from experiments.cli import run_command
from experiments.config.loading import load_config
from experiments.records.calibration import Calibration, Chosen, Posterior
from experiments.records.reading import write_record
from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.fromlog import from_log
from experiments.sweep.cells import draw_sweep
from simulator.errors import ConfigError
from tests.experiments.small_runs import SMALL

ACTIVITY = Posterior(
    settings=("shoppers.visits_per_week", "shoppers.activity_sigma", "shoppers.count"),
    scales=("log", "log", "log"),
    floors=(0.0, 0.0, 400.0),
    centre=(np.log(2.0), np.log(0.8), np.log(50.0)),
    covariance=((0.01, -0.006, 0.0), (-0.006, 0.02, 0.005), (0.0, 0.005, 0.04)),
    law="a law",
    n=400,
)
PEAK = Posterior(("world.arrivals.peak_hour",), ("hour",), (0.0,), (23.8,), ((0.04,),), "a law", 9)
GAP = Range("queries.vocabulary_gap", 0.2, 0.6)


@pytest.fixture
def market(tmp_path):
    record = Calibration(
        confidence=0.95,
        first_day="2026-03-02",
        days=14,
        settings=(),
        findings=(),
        missing=(),
        posteriors=(ACTIVITY, PEAK),
        chosen=(Chosen("world.behavior.click_model.type", "pbm", "foretells best"),),
    )
    write_record(tmp_path, record)
    return tmp_path


def test_worlds_have_the_law_that_the_log_tells_and_what_hangs_together_does_so(market):
    known = from_log(market, load_config(SMALL), ())
    rng = np.random.default_rng(0)
    rows = np.array(known.rows(rng.random((4_000, 4))), float)
    scaled = np.log(rows[:, :3] - np.array([0, 0, 400]))
    assert scaled.mean(axis=0) == pytest.approx(ACTIVITY.centre, abs=0.02)
    assert np.cov(scaled.T) == pytest.approx(np.array(ACTIVITY.covariance), abs=0.003)
    assert np.all((rows[:, 3] >= 0) & (rows[:, 3] < 24))
    assert (rows[:, 3] < 1).mean() == pytest.approx(0.16, abs=0.03)  # beyond midnight
    assert np.all(rows[:, 2] == np.round(rows[:, 2]))


def test_the_ranges_hold_95_of_100_worlds_and_places_are_found_over_midnight(market):
    known = from_log(market, load_config(SMALL), ())
    rows = np.array(known.rows(np.random.default_rng(1).random((2_000, 4))), float)
    for each, column in zip(known.ranges, rows.T, strict=True):
        places = np.array([each.place(value) for value in column])
        assert ((places >= 0) & (places <= 1)).mean() == pytest.approx(0.95, abs=0.02)


def test_a_sweep_draws_from_the_log_and_from_ranges_and_leaves_what_is_set_by_hand(market):
    sweep = draw_sweep(str(SMALL), [GAP], 5, ["shoppers.count=100"], market)
    assert sweep.keys == (
        *("shoppers.visits_per_week", "shoppers.activity_sigma", "world.arrivals.peak_hour"),
        *("queries.vocabulary_gap", "seed"),
    )
    assert [each.key for each in sweep.ranges] == list(sweep.keys[:-1])
    assert {config.shoppers.count for config in sweep.configs} == {100}
    assert len({config.shoppers.visits_per_week for config in sweep.configs}) == 5
    assert "world.behavior.click_model.type=pbm" in sweep.overrides
    few = draw_sweep(str(SMALL), [GAP], 3, ["shoppers.count=100"], market)
    assert [cell.values for cell in few.cells] == [cell.values for cell in sweep.cells[:3]]


def test_where_nothing_is_left_open_or_a_setting_is_drawn_twice_that_is_refused(market):
    hand = [f"{key}=1" for key in (*ACTIVITY.settings, *PEAK.settings)]
    with pytest.raises(ConfigError, match="no setting that --set leaves open"):
        draw_sweep(str(SMALL), [], 4, hand, market)
    twice = Range("shoppers.visits_per_week", 1.0, 2.0)
    with pytest.raises(ConfigError, match="also drawn from the log"):
        draw_sweep(str(SMALL), [twice], 4, (), market)


def test_what_cannot_be_is_refused_before_anything_runs(market, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert run_command(["sweep", str(SMALL), "--from", str(market), *out]) == 2
    assert "without --worlds N" in capsys.readouterr().err
    nowhere = ["--worlds", "4", "--from", str(tmp_path / "nowhere")]
    assert run_command(["sweep", str(SMALL), *nowhere, *out]) != 0
    assert "calibration.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
