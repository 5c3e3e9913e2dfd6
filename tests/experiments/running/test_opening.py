"""A run folder is held while it is written, and is finished only when its manifest is there."""

from pathlib import Path

import pytest

from experiments.config.loading import load_config
from experiments.records.manifest import RunManifest
from experiments.records.reading import read_record
from experiments.running.opening import finish_run, open_run, replace_results
from experiments.stages.finished import finished_config
from experiments.stages.folder import MANIFEST
from experiments.stages.progress import NoProgress
from simulator.errors import StoreError
from tests.experiments.report.fake_run import bare_metrics, fake_manifest
from tests.experiments.small_runs import small_config

MANIFEST_OF_TESTS = fake_manifest(["control", "dense"])


def written(folder: Path, *overrides: str, overwrite: bool = False) -> Path:
    with open_run(small_config(*overrides), folder, NoProgress(), overwrite=overwrite) as maker:
        replace_results(maker.run, small_config(*overrides), bare_metrics(name="small"))
        return finish_run(maker, MANIFEST_OF_TESTS, lambda path: path / "report.html")


def test_a_finished_run_has_its_settings_its_results_and_a_manifest(tmp_path: Path) -> None:
    assert written(tmp_path / "run") == tmp_path / "run" / "report.html"
    assert finished_config(tmp_path / "run") == small_config()
    assert read_record(RunManifest, tmp_path / "run") == MANIFEST_OF_TESTS


def test_a_run_that_is_being_written_is_held_and_not_finished(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    written(folder)
    with open_run(small_config(), folder, NoProgress(), overwrite=False) as maker:
        with pytest.raises(StoreError, match="being written by another funnelab process"):
            written(folder)
        replace_results(maker.run, small_config())
        assert not (folder / MANIFEST).exists()
    with pytest.raises(StoreError, match="no finished run"):
        finished_config(folder)


def test_results_of_other_settings_are_replaced_only_when_told(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    written(folder)
    with pytest.raises(StoreError, match="seed == 5, now 6"):
        written(folder, "seed=6")
    written(folder, "seed=6", overwrite=True)
    assert load_config(folder / "config.toml").seed == 6
