import json
import logging
import sys
from dataclasses import replace

import pytest

from cqsid.alignment.scalars import evaluation_scalars, step_scalars
from cqsid.loggers.named import BUILT_IN, Loggers, check_loggers
from cqsid.loggers.runlogger import Training
from simulator.errors import ConfigError, ContractError
from tests.cqsid.loggers.test_tensorboardlogger import EVALUATION, READING

OWN = "tests.cqsid.loggers.own"
SETTING = "execution.loggers"


def told(loggers, steps=3):
    loggers.log(dict(evaluation_scalars(EVALUATION)), EVALUATION.step)
    for step in range(1, steps + 1):
        loggers.log(dict(step_scalars(replace(READING, step=step, reward=step / 10))), step)
    loggers.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_logger_of_the_users_is_told_every_figure_and_the_end(tmp_path):
    told(Loggers((f"{OWN}:Lines",), Training("log.grpo-0", tmp_path), SETTING))
    found = lines(tmp_path / f"{OWN}.Lines" / "log.grpo-0.jsonl")
    steps = [{"step": n, **dict(step_scalars(replace(READING, reward=n / 10)))} for n in (1, 2, 3)]
    assert found == [{"step": 0, **dict(evaluation_scalars(EVALUATION))}, *steps, {"closed": True}]


def test_an_entry_point_is_a_logger(tmp_path, monkeypatch):
    from importlib.metadata import EntryPoint, EntryPoints

    from simulator import plugins

    point = EntryPoint("lines", f"{OWN}:Lines", "funnelab.loggers")
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: EntryPoints([point]).select(group=group)
    )
    told(Loggers(("lines",), Training("p", tmp_path), SETTING))
    assert len(lines(tmp_path / "lines" / "p.jsonl")) == 5


def test_a_logger_that_fails_is_told_nothing_more_and_the_others_are(tmp_path, caplog):
    names = (f"{OWN}:Failing", f"{OWN}:Lines")
    with caplog.at_level(logging.WARNING):
        told(Loggers(names, Training("p", tmp_path), SETTING))
    assert [each["step"] for each in lines(tmp_path / f"{OWN}.Failing" / "p.jsonl")] == [0, 1]
    assert len(lines(tmp_path / f"{OWN}.Lines" / "p.jsonl")) == 5
    (record,) = caplog.records
    assert "no space left" in record.message
    assert "own.py, line" in record.message
    assert "told nothing more of training p" in record.message


def test_what_is_no_logger_is_told_and_nothing_ends(tmp_path, caplog):
    told(Loggers((f"{OWN}:NoLogger",), Training("p", tmp_path), SETTING))
    assert "NoLogger without log and close, must have log and close" in caplog.text


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (("wandbb",), ContractError, r"loggers == 'wandbb', must be one of .*wandb \(the closest"),
        (("nowhere:Mine",), ContractError, "must name a module that is there"),
        ((f"{OWN}:Mine",), ContractError, "must name an object in"),
        (("wandb", "mlflow", "wandb"), ConfigError, "has 'wandb' twice, must have each once"),
    ],
)
def test_loggers_that_cannot_be_are_refused_before_anything_is_made(names, error, message):
    with pytest.raises(error, match=message):
        check_loggers(names, SETTING)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_missing_library_is_named_with_what_installs_it(name, monkeypatch):
    library = {"tensorboard": "torch.utils.tensorboard"}.get(name, name)
    monkeypatch.delitem(sys.modules, f"cqsid.loggers.{name}logger", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    wanted = rf"loggers has '{name}', must be without it or .* pip install 'funnelab\[{name}\]'"
    with pytest.raises(ConfigError, match=wanted):
        check_loggers((name,), SETTING)


@pytest.mark.slow
def test_mlflow_keeps_every_figure_of_a_training_in_its_folder(tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    told(Loggers(("mlflow",), Training("log.grpo-0", tmp_path), SETTING))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = MlflowClient(tracking_uri=(tmp_path / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("funnelab")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "log.grpo-0"
    assert run.info.status == "FINISHED"
    rewards = client.get_metric_history(run.info.run_id, "train/reward")
    assert [(each.step, each.value) for each in rewards] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert run.data.metrics["eval/hit_rate/10"] == 0.2
    assert run.data.metrics["train/logged/custom/accuracy"] == 0.5


@pytest.mark.slow
def test_wandb_writes_a_run_offline_in_the_folder_of_the_training(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events").mkdir()
    for name in ("log.grpo-0", "log.grpo-1"):
        told(Loggers(("wandb",), Training(name, tmp_path / "events" / name), SETTING))
    assert {path.name for path in tmp_path.iterdir()} == {"events"}
    for name in ("log.grpo-0", "log.grpo-1"):
        (run,) = (tmp_path / "events" / name).glob("wandb/wandb/offline-run-*/run-*.wandb")
        rows = history(run)
        assert [row.get("train/reward") for row in rows] == [None, 0.1, 0.2, 0.3]
        assert rows[0]["eval/reward"] == 0.6
        assert rows[1]["train/logged/custom/accuracy"] == 0.5


BLOCK, HEAD = 32_768, 7  # of the log format of LevelDB, in which offline runs are written
WHOLE, LAST = 1, 4


def records(data):
    """The records of such a log."""
    at, parts = HEAD, []
    while at + HEAD <= len(data):
        if BLOCK - at % BLOCK < HEAD:
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        parts.append(data[at + HEAD : at + HEAD + length])
        at += HEAD + length
        if kind in (WHOLE, LAST):
            yield b"".join(parts)
            parts = []


def history(path):
    """The rows of an offline run."""
    from wandb.proto.wandb_internal_pb2 import Record

    rows = []
    for found in records(path.read_bytes()):
        record = Record()
        record.ParseFromString(found)
        if record.WhichOneof("record_type") == "history":
            items = {each.key or "/".join(each.nested_key): each for each in record.history.item}
            rows.append({key: json.loads(each.value_json) for key, each in items.items()})
    return rows
