import itertools
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest

from cqsid.alignment.report import Evaluation, StepReading
from cqsid.alignment.scalars import evaluation_scalars, step_scalars
from cqsid.loggers.named import Loggers
from cqsid.loggers.runlogger import Training

READING = StepReading(
    step=1,
    loss=0.5,
    reward=0.25,
    parts={"log": 0.75, "price": 2.0},
    expert_reward=1.0,
    tied=0.125,
    present=0.375,
    entropy_L=(3.0, 2.0, 1.0),
    first_codes=4.0,
    distinct=0.875,
    kl=0.0625,
    clipped=0.03125,
    gradient=8.0,
    seconds=16.0,
    logged={"custom/accuracy": 0.5},
)
EVALUATION = Evaluation(
    step=0,
    hit_rates=(0.1, 0.2, 0.3),
    recall=0.4,
    entropy_L=(1.5, 0.5),
    first_codes=2.0,
    kl=0.0,
    reward=0.6,
    probes={"oracle": 0.7},
)


@pytest.fixture(autouse=True)
def ticking(monkeypatch):
    """Each event file a second of its own: files of one second are read in no certain order."""
    from tensorboard.summary.writer import event_file_writer

    seconds = itertools.count(1_700_000_000)
    clock = SimpleNamespace(time=lambda: next(seconds))
    monkeypatch.setattr(event_file_writer, "time", clock)


def read(folder):
    """(step, value) pairs by tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, round(e.value, 5)) for e in events.Scalars(tag)] for tag in tags}


def writing(folder, taken=0):
    return Loggers(("tensorboard",), Training("p", folder, taken), "execution.loggers")


def evaluated(writer, evaluation=EVALUATION):
    writer.log(dict(evaluation_scalars(evaluation)), evaluation.step)


def stepped(writer, reading=READING):
    writer.log(dict(step_scalars(reading)), reading.step)


def written(folder, steps, taken=0, evaluations=(), factor=1.0):
    writer = writing(folder, taken)
    for step in steps:
        if step in evaluations:
            evaluated(writer, replace(EVALUATION, step=step))
        stepped(writer, replace(READING, step=step, loss=step * factor))
    writer.close()


def test_every_figure_is_read_back_under_its_group(tmp_path):
    writer = writing(tmp_path)
    evaluated(writer)
    stepped(writer)
    writer.close()
    found = read(tmp_path)
    assert found == {
        "train/loss": [(1, 0.5)],
        "train/reward": [(1, 0.25)],
        "train/expert_reward": [(1, 1.0)],
        "train/tied": [(1, 0.125)],
        "train/present": [(1, 0.375)],
        "train/parts/log": [(1, 0.75)],
        "train/parts/price": [(1, 2.0)],
        "train/logged/custom/accuracy": [(1, 0.5)],
        "train/entropy/level_1": [(1, 3.0)],
        "train/entropy/level_2": [(1, 2.0)],
        "train/entropy/level_3": [(1, 1.0)],
        "train/first_codes": [(1, 4.0)],
        "train/distinct": [(1, 0.875)],
        "train/kl": [(1, 0.0625)],
        "train/clipped": [(1, 0.03125)],
        "train/gradient": [(1, 8.0)],
        "train/seconds": [(1, 16.0)],
        "eval/hit_rate/1": [(0, 0.1)],
        "eval/hit_rate/10": [(0, 0.2)],
        "eval/hit_rate/100": [(0, 0.3)],
        "eval/recall/200": [(0, 0.4)],
        "eval/entropy/level_1": [(0, 1.5)],
        "eval/entropy/level_2": [(0, 0.5)],
        "eval/first_codes": [(0, 2.0)],
        "eval/kl": [(0, 0.0)],
        "eval/reward": [(0, 0.6)],
        "probe/oracle": [(0, 0.7)],
    }


@pytest.mark.parametrize(
    ("told", "scalars", "split"),
    [
        (READING, step_scalars, ("parts", "entropy_L")),
        (EVALUATION, evaluation_scalars, ("hit_rates", "recall", "entropy_L", "probes")),
    ],
)
def test_no_figure_is_forgotten(told, scalars, split):
    last = {tag.split("/")[1] for tag, _ in scalars(told)}
    wanted = {field.name for field in fields(told)} - {"step", *split}
    assert wanted <= last


def test_a_step_without_experts_has_no_reward_of_experts():
    tags = [tag for tag, _ in step_scalars(replace(READING, expert_reward=None))]
    assert "train/expert_reward" not in tags


def test_a_resumed_alignment_shows_each_step_once_as_it_was_taken_last(tmp_path):
    written(tmp_path, range(1, 8), evaluations=(2, 4, 6))
    written(tmp_path, range(5, 10), taken=4, evaluations=(6, 8), factor=10.0)
    found = read(tmp_path)
    steps = [(s, float(s)) for s in range(1, 5)] + [(s, 10.0 * s) for s in range(5, 10)]
    assert found["train/loss"] == steps
    assert [step for step, _ in found["eval/reward"]] == [2, 4, 6, 8]


def test_an_alignment_that_starts_anew_in_its_folder_shows_nothing_of_the_old(tmp_path):
    writer = writing(tmp_path)
    evaluated(writer)
    writer.close()
    written(tmp_path, range(1, 4))
    written(tmp_path, range(1, 3), factor=3.0)
    found = read(tmp_path)
    assert found["train/loss"] == [(1, 3.0), (2, 6.0)]
    assert "eval/reward" not in found or not found["eval/reward"]


def test_where_nothing_is_told_nothing_is_written(tmp_path):
    writing(tmp_path / "events", 7).close()
    assert not (tmp_path / "events").exists()
