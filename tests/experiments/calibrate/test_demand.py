"""A market calibrated on a log of itself has the settings that the log was made with."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments.calibrate.demand import MARKET, calibrate
from experiments.calibrate.knobs import KNOBS
from experiments.calibrate.worlds import Market
from experiments.cli import run_command
from experiments.config.loading import load_config
from experiments.records.calibration import Calibration
from experiments.records.reading import read_record
from simulator.behaviour.clickmodels import PositionBased
from tests.experiments.small_runs import SMALL
from tests.experiments.validate.ownlog.shoplogs import described, orders, results
from tests.experiments.validate.ownlog.test_compare import own_files

TRUE = {
    "world.arrivals.peak_hour": 19.0,
    "world.arrivals.peak_to_trough": 4.0,
    "world.arrivals.weekend": 1.4,
    "shoppers.visits_per_week": 2.0,
    "shoppers.activity_sigma": 0.8,
    "shoppers.count": 1_200,
    "world.behavior.repeat_quantity": 0.3,
    "world.market.price_changes": 0.06,
    "world.market.price_sigma": 0.12,
}

LOOKING = {
    "world.behavior.click_model.eta_phone": PositionBased().eta_phone,
    "world.behavior.click_model.eta_desktop": PositionBased().eta_desktop,
}
"""As they are in every config that does not say otherwise."""


def lived(folder, seed):
    """A history of three weeks under these settings, as a shop's own files tell it."""
    sets = [f"{key}={value}" for key, value in TRUE.items()]
    sets += [
        f"seed={seed}",
        "world.history_days=21",
        "catalog.items=200",
        "catalog.stock_days=2000",
    ]
    arguments = [part for each in sets for part in ("--set", each)]
    run_command(["validate", str(SMALL), "--out", str(folder / "made"), *arguments])
    return own_files(folder / "made", folder / "own")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return lived(tmp_path_factory.mktemp("lived"), 3)


def test_the_settings_are_those_that_the_log_was_made_with(log, tmp_path):
    """One log, so with intervals of 99.9 %; the coverage of each law is tested by itself."""
    found = calibrate(log, tmp_path, confidence=0.999)
    assert {row.setting for row in found.settings} == set(TRUE) | set(LOOKING)
    for row in found.settings:
        assert row.value.holds((TRUE | LOOKING)[row.setting]), row
    assert [each.value for each in found.chosen] == ["pbm"]
    assert read_record(Calibration, tmp_path) == found


def test_the_file_is_laid_over_a_config_and_other_settings_stay(log, tmp_path, capsys):
    status = run_command(["calibrate-market", "--log", str(log), "--out", str(tmp_path)])
    assert status == 0
    printed = capsys.readouterr().out
    assert "world.arrivals.weekend = " in printed
    assert "world.behavior.click_model.type = pbm" in printed
    assert "price_sensitivity" in printed
    text = (tmp_path / MARKET).read_text()
    assert "95 % interval" in text
    plain = load_config(SMALL)
    laid = load_config(SMALL, [str(tmp_path / MARKET), "shoppers.count=77"])
    record = read_record(Calibration, tmp_path)
    (ratio,) = (row for row in record.settings if row.setting.endswith("peak_to_trough"))
    assert laid.world.arrivals.peak_to_trough == pytest.approx(ratio.value.estimate, rel=1e-5)
    assert laid.shoppers.count == 77
    assert laid.world.behavior.outside == plain.world.behavior.outside


def test_for_scripts_the_record_is_told_whole(log, tmp_path, capsys):
    run_command(["calibrate-market", "--log", str(log), "--out", str(tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["calibration"] == json.loads((tmp_path / "calibration.json").read_text())


def test_orders_alone_tell_no_activity_and_that_is_said(tmp_path):
    found = calibrate(described(tmp_path / "own", orders(shoppers=600)), tmp_path / "out")
    told = {row.setting for row in found.settings}
    assert "world.arrivals.peak_hour" in told or any("arrivals" in each for each in found.missing)
    assert not [each for each in told if each.startswith("shoppers.")]
    assert any(each.startswith("Without `[results]` there are no visits") for each in found.missing)
    assert any("world.behavior.repeat_quantity" in each for each in (*told, *found.missing))


def test_what_set_gives_is_taken_as_known(log, tmp_path):
    known = ("world.arrivals.peak_hour=3.0", *(f"{knob.key}={1e-1}" for knob in KNOBS))
    known = (*known, "world.behavior.click_model.type='cascade'")
    found = calibrate(log, tmp_path, market=Market(str(SMALL), known))
    fitted = {row.setting for row in found.settings}
    assert "world.arrivals.peak_to_trough" in fitted
    assert "world.arrivals.peak_hour" not in fitted
    assert not fitted & {knob.key for knob in KNOBS}
    assert not any("click_model" in each for each in (*fitted, *(c.setting for c in found.chosen)))
    assert any("click_model.type: taken as known" in each for each in found.missing)
    assert sum("taken as known" in each for each in found.missing) == 1 + len(KNOBS)


def test_of_five_working_days_activity_is_told_and_no_weekend(tmp_path):
    shown = results(pages=3_000)
    found = calibrate(
        described(tmp_path, orders(shoppers=400), shown[shown.time < "2026-03-07"]), tmp_path
    )
    told = {row.setting for row in found.settings}
    assert "shoppers.visits_per_week" in told
    assert "world.arrivals.weekend" not in told
    assert any("visits of weekends 0" in each for each in found.missing)


def test_a_bot_changes_no_setting(tmp_path):
    """One shopper, more pages in two weeks than all others: named, and left out."""
    sold, shown = orders(shoppers=400), results(pages=3_000)
    bot = shown.assign(page=np.arange(len(shown)) + 10**6, customer="crawler", place=1)
    plain = calibrate(described(tmp_path / "a", sold, shown), tmp_path / "a")
    with_bot = calibrate(described(tmp_path / "b", sold, pd.concat([shown, bot])), tmp_path / "b")
    assert with_bot.settings == plain.settings
    assert [each.what for each in with_bot.findings] == [
        "rows of shoppers with more than 500 pages a day"
    ]


def test_a_config_that_cannot_be_is_refused_before_the_log_is_read(tmp_path, capsys):
    out = ["--log", str(tmp_path / "nowhere.toml"), "--out", str(tmp_path / "out")]
    assert run_command(["calibrate-market", "no-such-config", *out]) == 2
    assert "no-such-config" in capsys.readouterr().err
    assert run_command(["calibrate-market", *out, "--set", "seed=1"]) == 2
    assert "without CONFIG" in capsys.readouterr().err


def test_a_log_that_cannot_be_read_is_refused_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "bad.toml").write_text("orders = 3\n")
    out = tmp_path / "out"
    arguments = ["calibrate-market", "--log", str(tmp_path / "bad.toml"), "--out", str(out)]
    assert run_command(arguments) == 2
    assert "orders" in capsys.readouterr().err
    assert not out.exists()


def test_a_file_of_settings_that_is_not_there_is_refused(tmp_path, capsys):
    arguments = ["config", str(SMALL), "--set", str(tmp_path / "nowhere.toml")]
    assert run_command(arguments) == 2
    assert "nowhere.toml" in capsys.readouterr().err
