"""A person sees what a run does; a pipe gets one line per stage."""

import io

import pytest
from rich.console import Console

from experiments.progress import LineProgress, NoProgress, TerminalProgress, default_progress


def test_a_pipe_gets_one_line_per_finished_stage() -> None:
    stream = io.StringIO()
    progress = default_progress(stream)
    assert isinstance(progress, LineProgress)
    with progress.stage("experiment", total=10, unit="requests") as bar:
        bar.advance(1_000)
        bar.advance(234)
        assert stream.getvalue() == ""
    progress.reused("truth")
    first, second = stream.getvalue().splitlines()
    assert first.startswith("experiment: 1,234 requests in 0.0 s (")
    assert second == "truth: found in the store"


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
    text = stream.getvalue()
    assert "10 requests" in text
    assert "/s)" in text
    assert "found in the store" in text


def test_no_progress_counts_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = NoProgress()
    with progress.stage("train") as bar:
        bar.advance(3)
    progress.reused("truth")
    assert capsys.readouterr() == ("", "")
