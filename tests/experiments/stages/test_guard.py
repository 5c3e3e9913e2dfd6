"""Results of other settings are not replaced by accident."""

from pathlib import Path

import pytest

from experiments.stages.folder import RunFolder
from experiments.stages.guard import check_same_settings
from simulator.errors import StoreError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


def _finish(folder: Path, config: str) -> None:
    with RunFolder(folder) as run:
        run.write_text("config.toml", config)
        run.write_text("manifest.json", "{}")


def test_a_finished_run_with_other_settings_is_not_replaced(folder: Path) -> None:
    _finish(folder, 'seed = 1\n[[arms]]\nname = "control"\nshare = 0.5\n')
    with pytest.raises(StoreError) as caught:
        check_same_settings(folder, 'seed = 2\n[[arms]]\nname = "control"\nshare = 0.4\n')
    message = str(caught.value)
    assert "seed == 1, now 2; arms.0.share == 0.5, now 0.4" in message
    assert "another folder (--out) or --overwrite" in message


def test_how_a_run_is_executed_is_not_another_setting(folder: Path) -> None:
    _finish(folder, "seed = 1\n[execution]\nprocesses = 1\n")
    check_same_settings(folder, "seed = 1\n[execution]\nprocesses = 2\n")


def test_an_unfinished_run_takes_any_settings(folder: Path) -> None:
    with RunFolder(folder) as run:
        run.write_text("config.toml", "seed = 1\n")
    check_same_settings(folder, "seed = 2\n")
    check_same_settings(folder.parent / "new", "seed = 2\n")


def test_a_spoiled_config_is_reported_and_kept(folder: Path) -> None:
    _finish(folder, "seed = \n")
    with pytest.raises(StoreError, match=r"config.toml: .*line 1.*, must be the settings of a run"):
        check_same_settings(folder, "seed = 2\n")
