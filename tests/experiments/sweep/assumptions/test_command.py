"""`funnelab sweep --worlds`: worlds drawn from ranges, run, weighed and told."""

from pathlib import Path

import pytest

from experiments.cli import run_command
from experiments.records.reading import read_record
from experiments.records.sweep import SweepRecord
from tests.experiments.small_runs import SMALL

RANGES = ("queries.vocabulary_gap=0.1..0.8", "channels.lexical.limit=20..100")
PLAIN = ("truth.headroom=0", "truth.retrained=[]", "world.days=1", "shoppers.count=200")


def words(out: Path, *more: str, worlds: int = 3) -> list[str]:
    declared = [word for each in RANGES for word in ("--vary", each)]
    shared = [word for each in PLAIN for word in ("--set", each)]
    return [
        "sweep",
        str(SMALL),
        "--worlds",
        str(worlds),
        *declared,
        *shared,
        "--out",
        str(out),
        *more,
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds") / "out"
    assert run_command(words(folder)) == 0
    return folder


def test_every_world_has_a_seed_and_a_place_in_every_range(finished: Path) -> None:
    record = read_record(SweepRecord, finished)
    assert record.keys == ("queries.vocabulary_gap", "channels.lexical.limit", "seed")
    assert [cell.values[-1] for cell in record.cells] == [5, 6, 7]
    assert all(0.1 <= cell.values[0] <= 0.8 for cell in record.cells)
    assert all(cell.status == "done" for cell in record.cells)
    assert [(each.key, each.low, each.high) for each in record.assumptions] == [
        ("queries.vocabulary_gap", 0.1, 0.8),
        ("channels.lexical.limit", 20.0, 100.0),
    ]


def test_worlds_are_told_together_and_none_beside_another(finished: Path) -> None:
    record = read_record(SweepRecord, finished)
    assert record.differences == record.warnings == ()
    assert {row.metric for row in record.over} == set(record.metrics)
    assert all(row.worlds <= 3 for row in record.over)
    assert {row.key for row in record.leans} == set(record.keys[:-1])
    assert "drawn from what nobody knows" in (finished / "sweep.html").read_text()


@pytest.mark.slow
def test_more_worlds_keep_those_that_were_there(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("stages/*/stage.json")}
    assert run_command(words(finished, worlds=4)) == 0
    assert len(read_record(SweepRecord, finished).cells) == 4
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "Over 4 worlds" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--over", "seed=1,2"), "--worlds == with --over or --cells"),
        (("--vary", "queries.variety=0.3..0.1"), "low == 0.3, must be < high == 0.1"),
        (("--vary", "queries.nothing=0..1"), "queries.nothing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], told: str
) -> None:
    assert run_command(words(tmp_path / "out", *more)) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_range_without_worlds_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert run_command(["sweep", str(SMALL), "--vary", RANGES[0], *out]) == 2
    assert "without --worlds N" in capsys.readouterr().err
