"""The summary that a run prints."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.records.interval import UNKNOWN
from experiments.report.terminal import Summary
from tests.experiments.report.fake_run import fake_metrics


def printed(metrics, truth, report=None, width=120):
    console = Console(width=width, file=io.StringIO())
    console.print(Summary(metrics, truth, report))
    return console.file.getvalue()


def test_every_metric_has_a_line_with_estimate_and_truth():
    metrics, truth = fake_metrics(["control", "treatment"])
    shown = printed(metrics, truth)
    names = {row.metric for row in metrics.estimates}
    lines = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    assert names <= lines.keys()
    for wanted in ("4.873", "5.105", "+4.8%", "2.1 to 7.4%", "<0.001", "+4.6%", "+2.7%", "yes"):
        assert wanted in lines["gmv"]


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_console_without_cutting_a_number(width):
    metrics, truth = fake_metrics(["control", "treatment"])
    shown = printed(metrics, truth, width=width)
    assert "\u2026" not in shown
    assert "\u221264.4 to \u221257.0%" in shown
    assert max(map(len, shown.splitlines())) <= width


def test_verdict_and_report_are_named_last():
    metrics, truth = fake_metrics(["control", "treatment"])
    shown = printed(metrics, truth, Path("runs/demo/report.html"))
    assert shown.index("raised GMV per shopper") > shown.index("latency")
    assert shown.rstrip().endswith("Report: runs/demo/report.html")


def test_three_arms_get_a_table_each():
    shown = printed(*fake_metrics(["control", "one", "two"]))
    assert "one against control" in shown
    assert "two against control" in shown


def test_missing_truth_leaves_dashes():
    metrics, _ = fake_metrics(["control", "treatment"])
    shown = printed(metrics, None)
    assert "no simulated truth was computed" in shown.replace("\n", " ")


def test_names_with_brackets_are_not_read_as_markup():
    assert "[bold]x against control" in printed(*fake_metrics(["control", "[bold]x"]))


def test_numbers_that_could_not_be_computed_are_dashes():
    metrics, _ = fake_metrics(["control", "treatment"])
    unknown = {"control": None, "treatment": None, "effect": UNKNOWN, "relative": UNKNOWN}
    rows = [replace(row, p_value=None, **unknown) for row in metrics.estimates]
    shown = printed(replace(metrics, estimates=tuple(rows)), None)
    assert "None" not in shown
    assert "could not be estimated" in shown
