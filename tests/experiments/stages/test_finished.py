"""Stages of a finished run are handed out as they were written, or not at all."""

import shutil
from pathlib import Path

import pytest

from experiments.stages.finished import finished_config, finished_stage
from simulator.errors import StoreError
from tests.experiments.small_runs import small_config, stage


@pytest.fixture
def copy(small_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_run, tmp_path / "run", symlinks=True))


def test_settings_and_stages_of_a_finished_run_are_found(small_run: Path) -> None:
    assert finished_config(small_run) == small_config()
    assert finished_stage(small_run, "history") == stage(small_run, "history")
    with pytest.raises(StoreError, match="run: nothing == no stage, must be the folder of a"):
        finished_stage(small_run, "nothing")


def test_a_stage_that_is_not_as_it_was_written_is_refused(copy: Path) -> None:
    (stage(copy, "history") / "log" / "manifest.json").write_text("{}")
    with pytest.raises(StoreError, match=r"log/manifest.json has changed .*, and it is mended"):
        finished_stage(copy, "history")


def test_a_run_of_the_version_before_is_refused(copy: Path) -> None:
    (copy / "stages" / "store.json").unlink()
    for use in (lambda: finished_config(copy), lambda: finished_stage(copy, "history")):
        with pytest.raises(StoreError, match=r"store version 1, must be 2: .* in another folder"):
            use()
