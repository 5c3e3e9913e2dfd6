"""Whole runs with a generative channel: the same log every time, whatever its settings are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import run_command
from experiments.config.loading import load_config
from experiments.records.attribution import EVENTS
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from simulator.errors import DataError
from tests.experiments.cqsid_runs import (
    NO_TRUTH,
    cached,
    copied,
    cqsid_config,
    cqsid_toml,
    stage_of,
)
from tests.experiments.small_runs import any_touch, log_digests, read, run, table

pytestmark = pytest.mark.long

# --- the same seed gives the same log


@pytest.mark.parametrize("batch_size", [pytest.param(1, marks=pytest.mark.slow), 7, 512])
def test_the_batch_size_of_a_service_does_not_change_what_is_generated(
    tmp_path: Path, whole: Path, batch_size: int
) -> None:
    """Only the experiment, and its answers not remembered, so that each batch is decoded."""
    overrides = (f"execution.batch_size={batch_size}", NO_TRUTH, "channels.cqsid.serving.cache=0")
    again = run(
        cqsid_config(tmp_path, *overrides),
        copied(whole, tmp_path / "run", "experiment"),
        overwrite=True,
    )
    assert not cached(again)["experiment"]
    assert cached(again)["channel-cqsid"]
    digest = read(whole, "manifest")["log_digest"]
    assert read(again, "manifest")["log_digest"] == digest


@pytest.mark.slow
def test_two_processes_train_and_serve_the_same(tmp_path: Path, whole: Path) -> None:
    folder = copied(whole, tmp_path / "run", "channel-cqsid", "experiment", "truth-dense")
    again = run(cqsid_config(tmp_path, "execution.processes=2"), folder)
    made = {name for name, found in cached(again).items() if not found}
    assert made == {"channel-cqsid", "experiment", "truth-dense-0"}
    assert log_digests(again) == log_digests(whole)
    for name in ("metrics", "truth"):
        assert without_seconds(read(again, name)) == without_seconds(read(whole, name))


def without_seconds(told: Any) -> Any:
    """What is told but for how long trainings took."""
    if isinstance(told, dict):
        return {key: without_seconds(value) for key, value in told.items() if key != "seconds"}
    return [without_seconds(value) for value in told] if isinstance(told, list) else told


# --- interruptions


class Stopping(NoProgress):
    """Presses Ctrl-C when some part of a channel's training is done."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self.after = after

    def stage(self, name: str, *more: Any, **options: Any) -> Any:
        made = super().stage(name, *more, **options)
        return _Stopped(made, self.after) if name == "models" else made


class _Stopped:
    def __init__(self, made: Any, after: float) -> None:
        self.made, self.after = made, after

    def __enter__(self) -> "_Stopped":
        self.bar = self.made.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self.made.__exit__(*error)

    def advance(self, amount: float = 1) -> None:
        self.bar.advance(amount)
        self.after -= amount
        if self.after <= 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [0.4, pytest.param(0.9, marks=pytest.mark.slow)])
def test_a_run_that_is_stopped_in_training_ends_as_one_that_was_not(
    tmp_path: Path, whole: Path, after: float
) -> None:
    config = cqsid_config(tmp_path, NO_TRUTH)
    folder = copied(whole, tmp_path / "run", "channel-cqsid", "experiment")
    with pytest.raises(KeyboardInterrupt):
        run_experiment(config, folder, progress=Stopping(after), command="a test", overwrite=True)
    stages = folder / "stages"
    kept = {path.name for path in stages.glob("channel-cqsid-*.unfinished/*")}
    assert {"texts.safetensors", "ids.safetensors", "item.safetensors"} <= kept
    assert not list(stages.glob("experiment-*"))
    again = run(config, folder, overwrite=True)
    assert read(again, "manifest")["log_digest"] == read(whole, "manifest")["log_digest"]
    assert not list(stages.glob("*.unfinished"))
    one, other = (read(stage_of(each, "channel-cqsid"), "report") for each in (again, whole))
    assert without_seconds(one) == without_seconds(other)


@pytest.mark.slow
def test_a_run_that_is_killed_in_training_goes_on_from_its_checkpoint(
    tmp_path: Path, whole: Path
) -> None:
    config = cqsid_toml(tmp_path, "personalised = false\n[truth]\nseeds = 0\n")
    slower = config.read_text().replace("query = { epochs = 1,", "query = { epochs = 9,")
    config.write_text(slower)
    command = Path(sys.executable).with_name("funnelab")
    program = subprocess.Popen(
        [command, "run", config, "--out", copied(whole, tmp_path / "run"), "--overwrite"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not (left := list(tmp_path.glob("run/stages/channel-cqsid-*.unfinished/query.*"))):
        assert program.poll() is None, program.communicate()
        time.sleep(0.002)
    program.kill()
    program.communicate()
    assert program.returncode == -signal.SIGKILL
    assert left[0].parent.is_dir()
    settings = load_config(config)
    fresh = copied(whole, tmp_path / "fresh")
    logs = [
        read(run(settings, folder, overwrite=True), "manifest")["log_digest"]
        for folder in (tmp_path / "run", fresh)
    ]
    assert logs[0] == logs[1] != read(whole, "manifest")["log_digest"]


# --- serving and saving without training


def test_other_beams_serve_what_was_trained(tmp_path: Path, whole: Path) -> None:
    beams = "channels.cqsid.serving.beams=[2, 3, 5]"
    again = run(
        cqsid_config(tmp_path, beams, 'truth.arms=["control"]'),
        copied(whole, tmp_path / "run"),
        overwrite=True,
    )
    found = cached(again)
    assert found["channel-cqsid"]
    assert found["truth-control-0"]
    assert not found["experiment"]
    assert read(again, "manifest")["log_digest"] != read(whole, "manifest")["log_digest"]


def test_a_saved_channel_serves_another_run_as_it_served_its_own(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "saved"
    assert run_command(["ids", "save", str(whole), "--to", str(saved)]) == 0
    assert f"Saved channel cqsid to {saved}" in capsys.readouterr().out
    checkpoint = f"channels.cqsid.checkpoint={str(saved)!r}"
    # The early model, which teaches the ranker, is the checkpoint's too; the ranker stays out.
    plain = ("ranker.type=merge_order", NO_TRUTH)
    served, trained = (
        run(cqsid_config(tmp_path, *settings), copied(whole, tmp_path / name), overwrite=True)
        for name, settings in (("served", (checkpoint, *plain)), ("trained", plain))
    )
    assert stage_of(served, "channel-cqsid").name != stage_of(trained, "channel-cqsid").name
    assert read(served, "manifest")["log_digest"] == read(trained, "manifest")["log_digest"]
    assert read(served, "manifest")["log_digest"] != read(whole, "manifest")["log_digest"]


def test_a_checkpoint_that_changes_is_another_channel(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, extra in (("a", []), ("b", ["--channel", "cqsid"])):
        words = ["ids", "save", str(whole), "--to", str(tmp_path / name), *extra]
        assert run_command(words) == 0
    config = cqsid_config(tmp_path, f"channels.cqsid.checkpoint={str(tmp_path / 'a')!r}", NO_TRUTH)
    folder = run(config, copied(whole, tmp_path / "run"), overwrite=True)
    run(config, folder)
    assert all(cached(folder).values())
    (tmp_path / "a" / "README").write_text("no part of it")
    run(config, folder)
    assert not cached(folder)["channel-cqsid"]
    os.truncate(tmp_path / "a" / "system.safetensors", 99)
    with pytest.raises(DataError, match=r"channels.cqsid: checkpoint: .*system\S+ == SHA-256"):
        run(config, folder)


def test_a_checkpoint_of_another_catalogue_is_refused(tmp_path: Path, whole: Path) -> None:
    assert run_command(["ids", "save", str(whole), "--to", str(tmp_path / "saved")]) == 0
    checkpoint = f"channels.cqsid.checkpoint={str(tmp_path / 'saved')!r}"
    config = cqsid_config(tmp_path, checkpoint, "catalog.items=301")
    with pytest.raises(DataError, match=r"channels.cqsid: checkpoint == .* 300 items .* 301 items"):
        run(config, tmp_path / "run")


def test_what_cannot_be_saved_is_refused(
    tmp_path: Path, whole: Path, small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = ["--to", str(tmp_path / "saved")]
    for words, wanted in (
        ([str(tmp_path)], f"{tmp_path} == no finished run, must be the folder of one"),
        ([str(small_run)], "channels == lexical, popular, dense, must have one of type cqsid"),
        ([str(whole), "--channel", "cqsd"], "--channel == 'cqsd', must be cqsid"),
        ([str(whole), "--channel", "lexical"], "--channel == 'lexical', must be one of cqsid"),
    ):
        assert run_command(["ids", "save", *words, *to]) == 2
        assert wanted in capsys.readouterr().err
    assert run_command(["ids", "save", str(whole), "--to", str(whole)]) == 2
    assert f"{whole} exists, must be a new or empty folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# --- what the reader gets


def test_the_report_tells_what_the_channel_brought(whole: Path) -> None:
    found = any_touch(whole, "cqsid")
    assert 0 < found["exposure", "dense"] < 1
    assert {event for event, arm in found if arm == "dense"} == set(EVENTS)
    html = (whole / "report.html").read_text()
    assert "cqsid" in html[html.index('id="credit"') :]
    shown = table(whole / "log", "exposures")
    names = [channel["name"] for channel in read(whole, "manifest")["channels"]]
    bit = 1 << names.index("cqsid")
    assert (shown["sources"][shown["arm"] == 1] & bit).astype(bool).any()
    assert not (shown["sources"][shown["arm"] == 0] & bit).any()
    assert read(whole, "metrics")["health"]["dropped"] == []
