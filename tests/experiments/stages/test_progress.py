"""A person sees what a run does; a pipe gets one line per stage."""

import io
import time

import pytest
from rich.console import Console

from experiments.stages.progress import (
    LineProgress,
    NoProgress,
    Parts,
    TerminalProgress,
    default_progress,
)


def test_a_pipe_gets_one_line_per_finished_stage() -> None:
    stream = io.StringIO()
    progress = default_progress(stream)
    assert isinstance(progress, LineProgress)
    with progress.stage("experiment", total=10, unit="requests") as bar:
        bar.advance(1_000)
        bar.advance(234)
        assert stream.getvalue() == ""
    progress.reused("truth")
    progress.damaged("history", "log/a is gone")
    first, second, third = stream.getvalue().splitlines()
    assert first.startswith("experiment: 1,234 requests in 0.0 s (")
    assert second == "truth: found in the store"
    assert third == "history: damaged in the store (log/a is gone), made again"


def test_a_stage_that_failed_is_not_called_finished() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError), LineProgress(stream).stage("train"):
        raise ValueError
    assert stream.getvalue() == ""


def test_a_terminal_sees_rate_and_what_is_done() -> None:
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, width=100))
    with progress.stage("experiment", total=10, unit="requests") as bar:
        bar.advance(10)
    progress.reused("truth")
    progress.damaged("history", "[log] is gone")
    text = stream.getvalue()
    assert "10 requests" in text
    assert "/s)" in text
    assert "found in the store" in text
    assert "([log] is gone), made again" in text


def test_parts_of_units_move_a_live_bar_and_end_as_whole_ones() -> None:
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, width=100))
    with progress.stage("channels", total=3, unit="models") as bar:
        for _ in range(3):
            parts = Parts(bar.advance)
            for share in (0.07, 0.33, 0.91):
                parts(share)
            parts.finish()
    assert "3 models in" in stream.getvalue()
    with progress.stage("channels", total=3, unit="models") as bar:
        Parts(bar.advance)(0.33)
    assert "0.3 models" in stream.getvalue()


def test_a_pipe_never_reads_of_half_a_model() -> None:
    stream = io.StringIO()
    with LineProgress(stream).stage("channels", total=8, unit="models") as bar:
        for part in [0.1] * 79:
            bar.advance(part)
    assert stream.getvalue().startswith("channels: 7 models in ")


@pytest.mark.parametrize("shares", [[], [0.0], [0.999], [0.5, 0.2, 0.6], [1.0, 1.7], [-3.0]])
def test_a_unit_counted_in_parts_is_one_unit_whatever_was_told(shares: list[float]) -> None:
    counted: list[float] = []
    parts = Parts(counted.append)
    for share in shares:
        parts(share)
        assert sum(counted) <= 0.99 + 1e-9
    parts.finish()
    assert sum(counted) == pytest.approx(1)
    assert all(amount > 0 for amount in counted)


def test_no_progress_counts_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = NoProgress()
    with progress.stage("train") as bar:
        bar.advance(3)
    progress.reused("truth")
    assert capsys.readouterr() == ("", "")


def test_a_log_hears_of_a_stage_that_takes_long() -> None:
    stream = io.StringIO()
    with LineProgress(stream, silence=0.05).stage("worlds", total=100, unit="pages") as bar:
        time.sleep(0.08)
        bar.advance(25)
        time.sleep(0.2)
    first, *others, last = stream.getvalue().splitlines()
    assert first == "worlds: 0.1 s so far, time left not known yet"
    assert others[0].startswith("worlds: 25 of 100 pages in 0.")
    assert others[0].endswith(" left")
    assert last.startswith("worlds: 25 pages in 0.")


def test_units_that_were_there_before_are_done_and_no_measure_of_the_pace() -> None:
    stream = io.StringIO()
    with LineProgress(stream, silence=0.05).stage("cells", total=4, unit="cells") as bar:
        bar.keep(2)
        time.sleep(0.08)
    assert "cells: 2 of 4 cells in 0.1 s, time left not known yet\n" in stream.getvalue()
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, width=120))
    with progress.stage("cells", total=4, unit="cells") as bar:
        bar.keep(2)
        time.sleep(0.25)
    assert "time left not known yet" in stream.getvalue()
    assert "about" not in stream.getvalue()


def test_a_log_hears_no_more_of_a_stage_that_is_over() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError), LineProgress(stream, silence=0.05).stage("train"):
        raise ValueError
    time.sleep(0.1)
    assert stream.getvalue() == ""


def test_a_plan_is_told_before_anything_begins() -> None:
    stream = io.StringIO()
    LineProgress(stream).plan("history 10 s: about 10 s in all")
    TerminalProgress(Console(file=stream, force_terminal=True, width=100)).plan("[that] too")
    NoProgress().plan("nobody hears it")
    assert "plan: history 10 s: about 10 s in all\n" in stream.getvalue()
    assert "[that] too" in stream.getvalue()


def test_a_terminal_is_told_how_much_longer_from_the_first_part_on() -> None:
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, width=120))
    with progress.stage("models", total=2, unit="models") as bar:
        time.sleep(0.15)
        bar.advance(0.01)
        time.sleep(0.25)
    assert "time left not known yet" in stream.getvalue()
    assert "left" in stream.getvalue().rpartition("not known yet")[2]
    assert "0/s" not in stream.getvalue()
