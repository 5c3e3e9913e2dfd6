"""Runs and sweeps from Python are those of the commands."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import funnelab
from experiments.notebook.making import overrides_of
from simulator.errors import ConfigError, StoreError
from tests.experiments.small_runs import PLAIN, SMALL, begun, read, small_config


def test_a_run_from_python_is_that_of_the_command(small_run: Path, tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", small_run)
    settings = {"truth.headroom": 0, "truth.retrained": []}
    made = funnelab.run(SMALL, settings=settings, out=folder, quiet=True)
    assert made.folder == folder
    assert read(folder, "manifest")["log_digest"] == read(small_run, "manifest")["log_digest"]
    command = read(folder, "manifest")["command"]
    assert command == f"funnelab run {SMALL} --set truth.headroom=0 --set 'truth.retrained=[]'"
    again = funnelab.run(small_config(), out=folder, quiet=True)
    assert again.estimates.equals(made.estimates)


def test_a_sweep_from_python_has_a_cell_for_each_value(small_run: Path, tmp_path: Path) -> None:
    folder = begun(tmp_path / "sweep", small_run)
    over = {"analysis.confidence": [0.9, 0.95]}
    made = funnelab.sweep(SMALL, over, settings=PLAIN, out=folder, quiet=True)
    assert made.cells["analysis.confidence"].tolist() == [0.9, 0.95]
    assert set(made.cells["status"]) == {"done"}
    by_cell = made.lifts.groupby("analysis.confidence")["relative"].first()
    assert by_cell[0.9] == by_cell[0.95]
    first, second = (made.cell(name) for name in made.cells["name"])
    assert (first.config.analysis.confidence, second.config.analysis.confidence) == (0.9, 0.95)
    assert "analysis.confidence" in first.changed(second)["key"].tolist()
    with pytest.raises(StoreError, match="cell == 'third', must be one of"):
        made.cell("third")


def test_what_is_asked_of_a_finished_run_stands_in_its_frames(
    small_run: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(small_run, copy, symlinks=True)
    plan = funnelab.power(copy, metric="ctr", effect="5%", repetitions=0, quiet=True)
    told = read(copy, "power")
    assert told["effect"]["relative"] == 0.05
    assert plan.needs["units"].tolist() == [row["units"] for row in told["needs"]]
    assert plan.least_effects["least_relative"].tolist() == [
        row["least"]["relative"] for row in told["curve"]
    ]
    credited = funnelab.attribute(plan, rules=["any_touch"], incremental=["none"], quiet=True)
    assert set(credited.shares["rule"]) == {"any_touch"}
    assert credited.contributions.empty
    with pytest.raises(ConfigError, match="--incremental == 'magic'"):
        funnelab.attribute(copy, incremental=["magic"], quiet=True)
    with pytest.raises(ConfigError, match=r"effect == 'much'"):
        funnelab.power(copy, effect="much", quiet=True)


def test_settings_by_key_are_written_as_toml() -> None:
    told = overrides_of(
        {
            "world.days": 7,
            "truth.retrained": ["ranker"],
            "design": {"type": "switchback", "washout": 0.5},
            "name": 'a "name"',
            "analysis.cuped": False,
            "catalog.price_sigma": np.float64(0.5),
        }
    )
    assert told == [
        "world.days=7",
        'truth.retrained=["ranker"]',
        'design={type = "switchback", washout = 0.5}',
        'name="a \\"name\\""',
        "analysis.cuped=false",
        "catalog.price_sigma=0.5",
    ]
    assert overrides_of(["world.days=7"]) == ["world.days=7"]


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"beside a Config, must be none: name its file"):
        funnelab.run(small_config(), settings={"world.days": 7}, out=tmp_path)
    with pytest.raises(ConfigError, match=r"over\.world\.days == '3,4', must be a list of values"):
        funnelab.sweep(SMALL, {"world.days": "3,4"}, out=tmp_path)
    with pytest.raises(ConfigError, match="demmo"):
        funnelab.run("demmo", out=tmp_path)
