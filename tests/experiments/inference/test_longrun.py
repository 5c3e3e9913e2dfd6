"""A run whose shoppers have habits: effects early and late, by hand, on the page, and in checks."""

from pathlib import Path

import numpy as np
import pytest

from experiments.inference.longrun import long_run_rows
from experiments.records.reading import read_record, row_of
from experiments.records.truth import Truths
from experiments.records.validity import Verdict
from experiments.validate.controls import controls
from simulator.protocols import DAY
from tests.experiments.small_runs import read, run, small_config, stage, table
from tests.experiments.validate.evidences import evidence

DAYS, FIRST = 6, 2


@pytest.fixture(scope="module")
def lasting(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The treatment shows a single result, and so serves worse; two lucks of the truth."""
    settings = ("world.habit.strength=3", f"world.days={DAYS}", "truth.seeds=2")
    worse = ('arms.dense.channels=["dense"]', "arms.dense.limits.dense=1")
    config = small_config(*settings, *worse)
    return run(config, tmp_path_factory.mktemp("habit") / "run", like=small_run)


def visits(run_: Path, arm: str, days: range) -> np.ndarray:
    """(luck, shopper) visits that begin on these days of the experiment."""
    found = np.zeros((2, 600))
    for luck in range(2):
        sessions = table(stage(run_, f"truth-{arm}-{luck}") / "log", "sessions")
        day = (sessions["start"] // DAY).astype(int) - FIRST
        some = sessions[day.isin(days)]
        np.add.at(found[luck], some["shopper"].to_numpy(), 1)
    return found


def test_visits_early_and_late_are_those_of_the_logs(lasting: Path) -> None:
    row = row_of(read_record(Truths, lasting).long_run, metric="visits")
    assert row is not None
    assert row.days == DAYS // 3
    growths = []
    for span, days in ((row.early, range(2)), (row.late, range(4, 6))):
        dense, control = (visits(lasting, arm, days).sum() for arm in ("dense", "control"))
        assert span.estimate == pytest.approx(dense / control - 1)
        growths.append(dense / control)
    assert row.grown.estimate == pytest.approx(growths[1] / growths[0] - 1)
    assert row.grown.low < row.grown.estimate < row.grown.high


def test_shoppers_of_a_worse_arm_come_more_and_more_seldom(lasting: Path) -> None:
    first, last = (
        [visits(lasting, arm, range(day, day + 1)).sum() for arm in ("dense", "control")]
        for day in (0, DAYS - 1)
    )
    assert first[0] == first[1]  # nobody has seen anything of an arm before the first day
    row = row_of(read_record(Truths, lasting).long_run, metric="visits")
    assert row is not None
    assert row.late.high < 0
    assert last[0] < last[1]


def test_what_is_expected_is_what_is_realised_but_for_luck(lasting: Path) -> None:
    """The truth takes visits as they came, and is without bias."""
    for metric in ("orders", "ctr", "uctr"):
        row = row_of(read_record(Truths, lasting).truth, metric=metric)
        assert row is not None
        assert row.remainder is not None
        assert row.remainder.p_value > 1e-3, metric


def test_the_page_says_that_effects_grow(lasting: Path) -> None:
    page = (lasting / "report.html").read_text(encoding="utf-8")
    assert "The true effect early and late" in page
    assert "With dense shoppers come less often as time goes on" in page
    said = read(lasting, "metrics")["health"]["warnings"][0]
    assert said.startswith("Shoppers come more often after good sessions")
    assert "(world.habit.strength 3, uncalibrated)" in said


def test_a_run_without_habits_says_nothing_of_early_and_late(small_run: Path) -> None:
    assert read(small_run, "truth")["long_run"] == []
    page = (small_run / "report.html").read_text(encoding="utf-8")
    assert "early and late" not in page


def test_visits_are_no_negative_control_where_shoppers_have_habits(lasting: Path) -> None:
    with evidence(lasting) as found:
        checks = list(controls(found))
    row = row_of(checks, fact="visits", arm="dense")
    assert row is not None
    assert (row.verdict, row.p_value) == (Verdict.UNTOLD, None)
    assert row.note == "not tested: shoppers have habits"
    for fact in ("visits_on_the_first_day", "hour_of_the_first_visit", "visits_before"):
        other = row_of(checks, fact=fact, arm="dense")
        assert other is not None
        assert other.verdict is not Verdict.FAIL


def test_a_single_day_is_neither_early_nor_late() -> None:
    assert long_run_rows([], [], ("control", "dense"), (2, 1), confidence=0.95) == ()
