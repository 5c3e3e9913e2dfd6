"""The summaries that commands print."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.records.interval import UNKNOWN
from experiments.report.terminal import ids_summary, rewards_summary, run_summary
from tests.experiments.report.fake_run import fake_metrics
from tests.experiments.report.ids import fake_results
from tests.experiments.report.rewards.fake_record import POLICIES, fake_record


def shown_on(width, summary):
    console = Console(width=width, file=io.StringIO())
    console.print(summary)
    return console.file.getvalue()


def printed(metrics, truth, report=None, width=120):
    return shown_on(width, run_summary(metrics, truth, report))


def test_every_metric_has_a_line_with_estimate_and_truth():
    metrics, truth = fake_metrics(["control", "treatment"])
    shown = printed(metrics, truth)
    names = {row.metric for row in metrics.estimates}
    lines = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    assert names <= lines.keys()
    for wanted in ("4.873", "5.105", "+4.8%", "2.1 to 7.4%", "<0.001", "+4.6%", "+2.70%", "yes"):
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


def test_truths_that_are_realised_beside_expected_ones_are_named():
    metrics, truth = fake_metrics(["control", "treatment"])
    shown = " ".join(printed(metrics, truth).split())
    assert "realised" not in shown
    first, *others = truth.truth
    mixed = replace(truth, truth=(replace(first, method="realised"), *others))
    assert (
        "The truth of GMV per shopper is realised, not expected: what really happened in one pair "
        "of worlds. Its interval holds shoppers' luck alone, "
    ) in " ".join(printed(metrics, mixed).split())


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


def test_a_bench_shows_every_scheme_within_eighty_columns():
    record = fake_results.fake_record()
    text = shown_on(80, ids_summary(record))
    assert max(map(len, text.splitlines())) <= 80
    assert all(text.count(scheme) >= 5 for scheme in record.schemes)
    assert "Click hit rate, personalised" in text
    assert "none to 100" in text


def of_lab(record, report=None):
    return shown_on(80, rewards_summary(record, report))


@pytest.fixture(scope="module")
def lab():
    return of_lab(fake_record(), Path("rewards.html"))


def test_every_policy_is_told_of_within_eighty_columns(lab):
    assert max(map(len, lab.splitlines())) <= 80
    assert all(name in lab for name in ("sft", *POLICIES))


def test_numbers_are_never_cut_short(lab):
    assert "\u2026" not in lab


def test_the_answer_of_a_lab_fits_a_screen(lab):
    assert len(lab.splitlines()) <= 45
    assert "Report: rewards.html" in lab


def test_a_lab_tells_lifts_which_reward_to_take_and_what_speaks_against_it(lab):
    said = " ".join(lab.split())
    assert lab.index("really differs from") > lab.index("Online: true lift")
    assert "Take oracle.eg_grpo" in said
    assert "Beside the SFT control" in said
    assert "Reward hacking: ranker.eg_grpo." in said
    assert "ranker.eg_grpo: 1 of 3 trainings ended early" in said
    assert "order the policies as the true lift does" in said


def test_a_lab_without_worlds_or_intervals_has_no_tables_of_them():
    lab = of_lab(fake_record(online=False, seeds=1))
    assert "Online: true lift" not in lab
    assert "Offline: level" in lab
    assert "Rank correlation" not in lab
    assert "unknown" in lab
    assert "None" not in lab


def test_names_with_brackets_are_no_console_markup():
    record = replace(fake_record(), warnings=("[bold]loud[/bold]",))
    lab = of_lab(record)
    assert "[bold]loud[/bold]" in lab
