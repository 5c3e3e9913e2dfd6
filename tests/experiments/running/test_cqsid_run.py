"""Whole runs with a generative channel: the same log every time, whatever its settings are."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cqsid.settings import CqsidSpec
from experiments.cli import run_command
from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.records.attribution import EVENTS
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from simulator.errors import ConfigError, DataError
from tests.cqsid.folders import bert_folder, qwen2_folder
from tests.experiments.cqsid_runs import cqsid_config, cqsid_toml
from tests.experiments.small_runs import any_touch, log_digests, read, run, table

SCHEMES = "tests.experiments.schemes"
NO_TRUTH = "truth.seeds=0"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; tests only read it."""
    folder = tmp_path_factory.mktemp("cqsid")
    return run(cqsid_config(folder), folder / "run")


def copied(whole: Path, place: Path, *lost: str) -> Path:
    """A copy of the finished run that has lost some stages."""
    shutil.copytree(whole, place, symlinks=True)
    for name in lost:
        for path in (place / "stages").glob(f"{name}-*"):
            shutil.rmtree(path)
    return place


def cached(folder: Path) -> dict[str, bool]:
    return {one["name"]: one["cached"] for one in read(folder, "manifest")["stages"]}


# --- the same seed gives the same log


@pytest.mark.parametrize("batch_size", [1, 7, 512])
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
        return _Stopped(made, self.after) if name == "channels" else made


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


@pytest.mark.parametrize("after", [0.4, 0.9])
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


def stage_of(folder: Path, name: str) -> Path:
    keys = {one["name"]: one["key"] for one in read(folder, "manifest")["stages"]}
    return folder / "stages" / f"{name}-{keys[name]}"


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


# --- every setting does something, or at least nothing wrong

PLACE = "channels.cqsid"
SETTINGS: dict[str, dict[str, Any]] = {
    "the query alone": {
        "personalised": False,
        "limit": 30,
        "latency": {"base_s": 0.02, "per_item_s": 0.0, "sigma": 0.0},
        "serving.shelves": {"order": "newest", "cap": 2},
        "serving.per_beam_s": 0.001,
        "ids.split": {"rule": "popularity", "largest": 2, "groups": 3},
        "training.held_out": 0.0,
        "training.order_weight": 3.0,
        "training.checkpoint_seconds": 0.0,
        "text.learn_from": "log",
        "text.longest": 3,
        "text.batch_size": 64,
        "text.learning_rate": 0.01,
        "text.temperature": 0.2,
    },
    "no clicks, beams by level": {
        "prompt": {"clicks": 0, "title_subwords": 3, "query_subwords": 2},
        "serving.beams": [2, 4, 6],
        "serving.related_only": True,
        "serving.cache": 5,
        "serving.shelves.order": "popularity",
        "model.softmax": "full",
        "model.tie_embeddings": False,
        "ids.codes": [120, 4, 3],
        "ids.split": {"rule": "overflow", "capacity": 1},
    },
    "stages of training": {
        f"training.{stage}.{name}": value
        for stage in ("item", "query", "shopper")
        for name, value in {
            "learning_rate": 0.01,
            "warmup": 0.5,
            "weight_decay": 0.1,
            "clip": 0.5,
            "rehearsal": 0.3 if stage != "item" else 0.5,
            "evaluate_every": 2,
            "patience": 1,
        }.items()
    }
    | {"training.shopper.epochs": 0.5},
    "residual k-means": {
        "ids.scheme": "rkmeans",
        "ids.kmeans": {"iterations": 1, "sample": 50, "balance": False},
        "ids.split": {"rule": "two_means", "largest": 3},
        "training.shopper.epochs": 0.0,
    },
    "value-ordered last tokens": {
        "ids.scheme": "varg",
        "ids.room": 2.0,
        "ids.rqvae": {
            "batch": 32,
            "learning_rate": 0.01,
            "beta": 0.5,
            "gamma": 1.0,
            "temperature": 0.3,
            "decay": 0.9,
            "balance": True,
            "contrast": "after",
            "supervision": 0.3,
            "collaborative": 0.1,
            "diversity": 0.1,
        },
        "serving.beams": [3, 3, 3],
    },
    "a scheme of the user's": {
        "ids.scheme": "custom",
        "ids.object": f"{SCHEMES}:ByNumber",
        "ids.options.base": 7,
        "serving.beams": [2, 4],
    },
    "models of the user's": {},  # the folders come with the test
}


def overrides_of(settings: dict[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from (f"{PLACE}.{name}.{key}={toml(entry)}" for key, entry in value.items())
        else:
            yield f"{PLACE}.{name}={toml(value)}"


def toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.fixture(scope="module")
def tried(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Config]:
    """The settings of every run, by name; each shares the history of the same small world."""
    folder = tmp_path_factory.mktemp("tried")
    folders = {
        "model.backbone": str(qwen2_folder(folder / "qwen2")),
        "text.encoder": str(bert_folder(folder / "bert")),
    }
    every = SETTINGS | {"models of the user's": folders}
    return {
        name: cqsid_config(folder, *overrides_of(settings), NO_TRUTH)
        for name, settings in every.items()
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_a_run_with_such_settings_serves_what_it_generates(
    tmp_path: Path, whole: Path, tried: dict[str, Config], name: str
) -> None:
    folder = run(tried[name], copied(whole, tmp_path / "run"), overwrite=True)
    found = cached(folder)
    assert found["history"]
    assert not found["channel-cqsid"]
    assert read(folder, "metrics")["health"]["dropped"] == []
    assert max(s for (event, _), s in any_touch(folder, "cqsid").items() if event == "exposure") > 0


def test_every_setting_of_the_channel_is_tried_in_one_of_these_runs(
    tried: dict[str, Config],
) -> None:
    untouched = set(leaves(CqsidSpec())) - {"type"}
    default = leaves(CqsidSpec())
    for config in tried.values():
        spec = config.channels["cqsid"]
        assert isinstance(spec, CqsidSpec)
        found = leaves(spec)
        untouched -= {name for name, value in found.items() if value != default[name]}
    # `checkpoint` has tests of its own; levels of a beam and numbers of codes are in `leaves`.
    assert untouched == {"checkpoint"}


def leaves(spec: BaseModel, place: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        inner = isinstance(value, BaseModel)
        found |= leaves(value, f"{place}{name}.") if inner else {f"{place}{name}": value}
    return found


def test_the_shopper_is_heard_only_where_the_settings_say_so(
    tmp_path: Path, whole: Path, tried: dict[str, Config]
) -> None:
    folder = run(tried["the query alone"], copied(whole, tmp_path / "run"), overwrite=True)
    report = read(stage_of(folder, "channel-cqsid"), "report")
    assert [one["stage"] for one in report["training"]] == ["item", "query"]
    before = read(stage_of(whole, "channel-cqsid"), "report")
    assert [one["stage"] for one in before["training"]] == ["item", "query", "shopper"]


def test_beams_for_other_levels_stop_a_run_before_its_first_stage(tmp_path: Path) -> None:
    config = cqsid_config(tmp_path, f"{PLACE}.serving.beams=[5, 5]")
    with pytest.raises(ConfigError, match=r"channels.cqsid: serving.beams == \(5, 5\), must be"):
        run(config, tmp_path / "run")
    assert not list((tmp_path / "run" / "stages").glob("*-*"))
