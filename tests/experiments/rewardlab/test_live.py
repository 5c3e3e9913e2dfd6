"""Trainings that run are seen while they do, on a terminal and on a pipe; nothing depends on it."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cqsid.alignment.report import Evaluation, StepReading
from experiments.rewardlab import live
from experiments.rewardlab.live import FILE, Diary, Trainings, last_line, watching
from experiments.stages.progress import LineProgress, NoProgress, TerminalProgress

READING = StepReading(
    step=1,
    loss=0.1,
    reward=0.421,
    parts={"log": 0.421},
    expert_reward=None,
    tied=0.25,
    present=0.5,
    entropy_L=(1.25, 0.5, 0.125),
    first_codes=3.4,
    distinct=0.9,
    kl=0.0312,
    clipped=0.0,
    gradient=1.5,
    seconds=2.0,
)
EVALUATION = Evaluation(
    step=0,
    hit_rates=(0.111, 0.222, 0.333),
    recall=0.444,
    entropy_L=(1.0, 0.5, 0.1),
    first_codes=2.0,
    kl=0.0,
    reward=0.4,
    probes={"oracle": 0.05},
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_EVERY", 0.0)


def shown(more: object) -> str:
    stream = io.StringIO()
    Console(file=stream, width=120).print(more)
    return stream.getvalue()


def test_a_table_has_one_line_for_each_training_that_runs(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("log.grpo-0", "log.grpo-1", "waits")}
    table = Trainings(folders)
    assert shown(table).strip() == ""
    Diary(folders["log.grpo-0"])(READING, EVALUATION, 200)
    Diary(folders["log.grpo-1"])(replace(READING, step=7), None, 200)
    text = shown(table)
    first, second = (line for line in text.splitlines() if "log.grpo" in line)
    for cell in ("1/200", "0.421", "25%", "50%", "1.25 0.50 0.12", "3.4", "0.031"):
        assert cell in first
    for cell in ("0.111", "0.222", "0.333", "0.444"):
        assert cell in first
        assert cell not in second
    assert "7/200" in second
    assert "waits" not in text
    (folders["log.grpo-0"] / FILE).unlink()  # finished
    assert "log.grpo-0" not in shown(table)


def test_the_last_step_and_the_last_evaluation_are_told_together(tmp_path: Path) -> None:
    tell = Diary(tmp_path)
    tell(READING, EVALUATION, 200)
    for step in range(2, 60):
        tell(replace(READING, step=step), None, 200)
    found = last_line(tmp_path / FILE)
    assert found is not None
    assert found["reading"]["step"] == 59
    assert found["evaluation"]["hit_rates"] == [0.111, 0.222, 0.333]
    assert len((tmp_path / FILE).read_text().splitlines()) == 59


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    Diary(tmp_path)(READING, EVALUATION, 200)
    with (tmp_path / FILE).open("a") as stream:
        stream.write('{"steps": 200, "reading": {"st')
    found = last_line(tmp_path / FILE)
    assert found is not None
    assert found["reading"]["step"] == 1
    (tmp_path / FILE).write_text('{"steps')
    assert last_line(tmp_path / FILE) is None
    (tmp_path / FILE).write_text("[1, 2]\n")
    assert last_line(tmp_path / FILE) is None


def test_a_number_that_json_cannot_say_is_a_dash(tmp_path: Path) -> None:
    Diary(tmp_path)(replace(READING, reward=float("nan")), EVALUATION, 200)
    assert json.loads((tmp_path / FILE).read_text())["reading"]["reward"] is None
    told = last_line(tmp_path / FILE)
    assert told is not None
    assert "reward -, " in live.sentence("x", told)


def test_what_an_earlier_attempt_left_is_not_shown(tmp_path: Path) -> None:
    Diary(tmp_path)(READING, EVALUATION, 200)
    assert "x" not in shown(Trainings({"x": tmp_path}))


def test_a_folder_that_cannot_be_written_does_not_stop_a_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Diary(tmp_path / "file" / "below")(READING, EVALUATION, 200)


def test_a_pipe_gets_one_line_for_each_evaluation_at_most(tmp_path: Path) -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    tell = Diary(tmp_path)
    with watching(progress, {"log.grpo-0": tmp_path}), progress.stage("policies") as bar:
        for step in range(1, 7):
            evaluation = replace(EVALUATION, step=step) if step % 3 == 0 else None
            tell(replace(READING, step=step), evaluation, 6)
            bar.advance(0.1)
    lines = [line for line in stream.getvalue().splitlines() if line.startswith("log.grpo-0")]
    assert [line.split(",")[0] for line in lines] == [
        "log.grpo-0: step 3 of 6",
        "log.grpo-0: step 6 of 6",
    ]
    assert "hit rate at 1/10/100 0.111/0.222/0.333, recall at 200 0.444" in lines[0]
    with progress.stage("worlds") as bar:
        bar.advance(1)
    assert stream.getvalue().count("log.grpo-0") == 2


def test_a_terminal_sees_the_table_above_the_bar(tmp_path: Path) -> None:
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, width=120))
    tell = Diary(tmp_path)
    with watching(progress, {"log.grpo-0": tmp_path}), progress.stage("policies") as bar:
        tell(READING, EVALUATION, 200)
        bar.advance(0.1)
    text = stream.getvalue()
    assert text.index("hit@1") < text.rindex("policies")
    assert "0.333" in text
    with progress.stage("worlds"):
        pass
    assert stream.getvalue().count("hit@1") == text.count("hit@1")


def test_progress_that_only_counts_is_left_alone(tmp_path: Path) -> None:
    Diary(tmp_path)(READING, EVALUATION, 200)
    with watching(NoProgress(), {"x": tmp_path}):
        assert (tmp_path / FILE).is_file()
