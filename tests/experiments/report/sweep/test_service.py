"""The sweep's section on latency: when it is there, and what it tells of a cell."""

from dataclasses import replace

from experiments.records.interval import Interval
from experiments.records.sweep import CellService, SweepRecord
from experiments.report.sweep.page import render
from tests.experiments.report.sweep.fake_sweep import fake_sweep, of_grid

TITLE = "Quality against latency"


def served(record: SweepRecord, everybody: float = 0.31) -> SweepRecord:
    """The same sweep, in which a channel is missing from so many pages of each cell."""
    rows = [
        CellService(
            *(row.cell, row.contrast, 0.028, 0.0413 + 0.002 * at, "cqsid", 0.123, everybody),
            naive=Interval(0.0777, 0.05, 0.1),
        )
        for at, row in enumerate(record.lifts)
        if row.metric == record.primary
    ]
    return replace(record, services=tuple(rows))


def test_there_is_no_section_where_no_channel_was_missing() -> None:
    assert TITLE not in render(fake_sweep(2))
    assert TITLE not in render(served(fake_sweep(2), everybody=0.0))


def test_each_cell_is_told_with_what_is_missing_in_the_test_and_with_everybody() -> None:
    record = served(fake_sweep(2, failing="none"))
    page = render(record)
    assert TITLE in page
    for told in ("12.3", "31.0", "+7.8", "41.3", "world" if record.assumptions else "cqsid"):
        assert told in page
    assert page.count("seal point") == len(record.cells)


def test_several_treatments_and_settings_that_are_no_numbers_have_a_picture_each() -> None:
    words = {"channels.cqsid.serving": [{"beams": 20}, {"beams": [8, 32, 50]}]}
    page = render(served(of_grid(words, arms=2)))
    assert page.count("Scatter plot: the true lift of each cell") == 2
