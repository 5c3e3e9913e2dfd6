"""The terminal shows what the page shows, within eighty columns."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.report.rewards.tables import Summary
from tests.experiments.report.rewards.fake_record import POLICIES, fake_record


def printed(record, report=None, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(Summary(record, report))
    return console.file.getvalue()


@pytest.fixture(scope="module")
def text():
    return printed(fake_record(), Path("rewards.html"))


def test_every_policy_is_told_of_within_eighty_columns(text):
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in ("sft", *POLICIES))


def test_numbers_are_never_cut_short(text):
    assert "\u2026" not in text


def test_measures_lifts_shares_and_trust_have_a_table_each(text):
    for title in ("Offline: level", "Online: true lift", "Share of purchases", "Rank correlation"):
        assert title in text
    assert "Report: rewards.html" in text


def test_the_verdict_stands_below_the_tables(text):
    assert text.index("really differs from") > text.index("Rank correlation")
    assert "Beside the SFT control" in text


def test_a_lab_without_worlds_or_intervals_has_no_tables_of_them():
    text = printed(fake_record(online=False, seeds=1))
    assert "Online: true lift" not in text
    assert "Rank correlation" not in text
    assert "unknown" in text
    assert "None" not in text


def test_names_with_brackets_are_no_console_markup():
    record = replace(fake_record(), warnings=("[bold]loud[/bold]",), channel="[red]x")
    text = printed(record)
    assert "[bold]loud[/bold]" in text
    assert "[red]x" in text
