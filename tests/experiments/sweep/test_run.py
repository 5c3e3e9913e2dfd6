"""A sweep runs its cells on one store, and a cell that fails costs no other one."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import run_command
from experiments.config.schema import Config
from experiments.records.reading import read_record
from experiments.records.sweep import SweepRecord
from experiments.records.truth import Truths
from experiments.running.run import run_experiment
from experiments.stages.folder import locked
from experiments.stages.progress import NoProgress
from experiments.sweep.cells import make_sweep
from experiments.sweep.grid import parse_over
from experiments.sweep.run import run_sweep
from simulator.errors import ContractError
from tests.experiments.small_runs import SMALL, content, read

pytestmark = pytest.mark.long

OVER = ("channels.lexical.limit=40,100", "analysis.confidence=0.9,0.95")
SHARED = ("truth.headroom=40", "truth.retrained=[]", "world.days=1", "shoppers.count=300")
COMMAND = Path(sys.executable).with_name("funnelab")


def words(out: Path, *more: str, over: tuple[str, ...] = OVER) -> list[str]:
    lists = [word for each in over for word in ("--over", each)]
    shared = [word for each in SHARED for word in ("--set", each)]
    return ["sweep", str(SMALL), *lists, *shared, "--out", str(out), *more]


def untimed(folder: Path) -> Any:
    """The record but for how long stages took and where they lie."""
    told = read(folder, "sweep")
    for cell in told["cells"]:
        del cell["seconds"]
    del told["command"]
    return told


def stages(folder: Path) -> list[str]:
    found = (path.parent.name for path in (folder / "stages").glob("*/stage.json"))
    return sorted(name for name in found if not name.endswith(".partial"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep of two settings; tests only read it."""
    folder = tmp_path_factory.mktemp("sweep") / "out"
    assert run_command(words(folder)) == 0
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "out", symlinks=True)


def test_every_cell_is_a_run_of_its_own_with_its_own_settings_and_report(finished: Path) -> None:
    record = read_record(SweepRecord, finished)
    assert [cell.status for cell in record.cells] == ["done"] * 4
    for cell in record.cells:
        run = finished / cell.folder
        assert (run / "report.html").is_file()
        told = (run / "config.toml").read_text()
        assert f"limit = {cell.values[0]}" in told
        assert f"confidence = {cell.values[1]}" in told
        assert run_command(["report", str(run)]) == 0


def test_stages_that_cells_have_in_common_are_made_once(finished: Path) -> None:
    names = [name.rpartition("-")[0] for name in stages(finished)]
    for once in ("catalogue", "history", "channel-popular", "channel-dense"):
        assert names.count(once) == 1
    # The limit changes what is recalled; the level of intervals changes no stage at all.
    assert names.count("experiment") == names.count("truth-dense-0") == 2
    cells = read_record(SweepRecord, finished).cells
    assert cells[0].shared == 0
    assert [cell.shared == cell.stages for cell in cells] == [False, True, False, True]
    assert 0 < cells[2].shared < cells[2].stages


def test_lifts_are_those_of_the_cells_own_truths_and_the_same_where_only_their_level_differs(
    finished: Path,
) -> None:
    record = read_record(SweepRecord, finished)
    assert record.metrics[0] == record.primary
    assert len(record.lifts) == 4 * len(record.metrics)
    for row in record.lifts:
        (cell,) = (each for each in record.cells if each.name == row.cell)
        truth = read_record(Truths, finished / cell.folder).of(row.metric, row.contrast)
        assert truth is not None
        assert row.relative == truth.growth
        assert row.resolution == truth.resolution
    first, second = (
        record.lift(cell.name, record.primary, row.contrast) for cell in record.cells[:2]
    )
    assert first is not None
    assert second is not None
    assert first.relative.estimate == second.relative.estimate
    assert (first.resolution or 0) < (second.resolution or 0)
    assert any("several levels" in each for each in record.warnings)


def test_each_other_cell_is_compared_with_the_first(finished: Path) -> None:
    record = read_record(SweepRecord, finished)
    assert record.base == record.cells[0].name
    apart = [row for row in record.differences if row.metric == record.primary]
    assert [row.cell for row in apart] == [cell.name for cell in record.cells[1:]]
    assert apart[0].relative.numbers == (0, 0, 0)  # the same worlds, shopper by shopper
    assert all(row.paired for row in apart)
    for row in apart:
        one, base = (record.lift(name, row.metric, row.contrast) for name in (row.cell, row.base))
        assert one is not None
        assert base is not None
        gap = (1 + (one.relative.estimate or 0)) / (1 + (base.relative.estimate or 0)) - 1
        assert row.relative.estimate == pytest.approx(gap, abs=1e-12)


def test_how_much_recall_could_matter_is_told_of_every_cell_and_arm(finished: Path) -> None:
    record = read_record(SweepRecord, finished)
    arms = ("control", "dense")
    told = [(row.cell, row.arm) for row in record.rooms]
    assert told == [(cell.name, arm) for cell in record.cells for arm in arms]
    for cell in record.cells:
        truths = read_record(Truths, finished / cell.folder)
        for arm in arms:
            row, scarce, room = (
                record.room(cell.name, arm),
                truths.scarce(arm),
                truths.room(arm, "gmv"),
            )
            assert row is not None
            assert scarce is not None
            assert room is not None
            assert (row.pressure, row.kept, row.catalogue) == (
                scarce.pressure,
                room.kept,
                room.catalogue,
            )
            served = math.prod(each or math.nan for each in row.passed)
            assert served == pytest.approx(1 / (1 + (room.catalogue.estimate or math.nan)))


def test_the_same_command_makes_nothing_again_and_tells_scripts_the_same(
    finished: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words(copy, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sweep"] == read(copy, "sweep")
    assert told["report"] == str(copy / "sweep.html")
    assert untimed(copy) == untimed(finished)
    for cell in read_record(SweepRecord, copy).cells:
        assert all(each["cached"] for each in read(copy / cell.folder, "manifest")["stages"])


@pytest.mark.slow
def test_a_grid_that_grows_keeps_its_cells_and_one_that_shrinks_is_refused(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stages(copy)
    more = (OVER[0], "analysis.confidence=0.9,0.95,0.99")
    assert run_command(words(copy, over=more)) == 0
    assert stages(copy) == before
    assert len(read_record(SweepRecord, copy).cells) == 6
    capsys.readouterr()
    assert run_command(words(copy)) == 2
    error = capsys.readouterr().err
    assert "holds a sweep with other cells (limit=40_confidence=0.99" in error
    assert run_command(words(copy, "--overwrite")) == 0
    assert len(read_record(SweepRecord, copy).cells) == 4


def test_cells_of_other_settings_are_not_replaced(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(copy)
    assert run_command(words(copy, "--set", "seed=6")) == 2
    assert "finished run with other settings (seed == 5, now 6)" in capsys.readouterr().err
    assert before.items() <= content(copy).items()


def test_a_run_folder_and_a_folder_of_something_else_are_no_place_for_a_sweep(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = finished / read_record(SweepRecord, finished).cells[0].folder
    assert run_command(words(cell)) == 2
    assert "holds a run, must be a new folder or that of a sweep" in capsys.readouterr().err
    (tmp_path / "precious").write_text("mine")
    assert run_command(words(tmp_path)) == 2
    assert "is not a funnelab run" in capsys.readouterr().err


def test_two_sweeps_never_write_into_one_folder(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(copy)
    with locked(copy / "cells" / ".lock", copy):
        assert run_command(words(copy)) == 2
    assert "is being written by another funnelab process" in capsys.readouterr().err
    assert before.items() <= content(copy).items()


def test_a_sweep_over_an_unknown_key_makes_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words(tmp_path / "out", over=("world.dayz=1,2",))) == 2
    output = capsys.readouterr()
    assert "world.dayz is not a setting" in output.err
    assert output.out == ""
    assert not (tmp_path / "out").exists()


def test_cells_that_cannot_be_or_fail_are_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rare combination is refused beforehand; a channel that raises in its cell fails there."""
    (tmp_path / "failing.py").write_text(
        "class Failing:\n    name = 'failing'\n    def fit(self, catalog, history, *, rng):\n"
        "        raise ValueError('no such luck')\n"
        "    def recall(self, requests, limit):\n        raise ValueError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    more = "[channels.own]\ntype = 'custom'\nobject = 'failing:Failing'\n"
    config = tmp_path / "own.toml"
    config.write_text(SMALL.read_text() + more)
    lists = ("arms.dense.channels=['lexical', 'dense'],['lexical', 'own']", "funnel.slots=20,40")
    tied = tmp_path / "cells.toml"
    tied.write_text(
        "[[cells]]\nshoppers.desktop_slots = 20\n[[cells]]\nshoppers.desktop_slots = 40\n"
    )
    out = tmp_path / "out"
    arguments = words(out, "--cells", str(tied), over=lists)
    arguments[1] = str(config)
    assert run_command(arguments) == 3
    output = capsys.readouterr()
    record = read_record(SweepRecord, out)
    by_values = {
        (*map(str, cell.values[1:]), "own" in cell.values[0]): cell for cell in record.cells
    }
    assert {key: cell.status for key, cell in by_values.items()} == {
        (slots, shown, own): "invalid"
        if (slots, shown) == ("20", "40")
        else "failed"
        if own
        else "done"
        for slots in ("20", "40")
        for shown in ("20", "40")
        for own in (False, True)
    }
    assert "no such luck" in by_values["20", "20", True].reason
    assert "must be <= funnel.slots" in by_values["20", "40", False].reason
    assert "Traceback" not in output.err
    assert output.err.count("Failed: Cell ") == 5
    assert output.err.count(": left out, for ") == 5
    assert (out / "sweep.html").read_text().count("no such luck") >= 3


@pytest.mark.slow
def test_a_killed_sweep_goes_on_from_its_finished_stages_to_the_same_record(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    program = subprocess.Popen(
        [str(COMMAND), *words(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while sum(name.startswith("channel-lexical-") for name in stages(folder)) < 2:  # third cell
        assert program.poll() is None, program.communicate()
        time.sleep(0.01)
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
    record = read_record(SweepRecord, folder)
    assert [cell.status for cell in record.cells] == ["done", "done", "waiting", "waiting"]
    assert len(record.found) == 2
    kept = stages(folder)
    assert 0 < len(kept) < len(stages(finished))
    assert run_command(words(folder)) == 0
    assert set(kept) < set(stages(folder))
    assert stages(folder) == stages(finished)
    assert untimed(folder) == untimed(finished)


def test_what_is_found_is_written_after_each_cell_and_drawn_again_at_any_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first cell finds no record yet, the second that of the first; then somebody stops it."""
    folder, seen = tmp_path / "out", []

    def stopped(config: Config, run: Path, **options: Any) -> None:
        seen.append((folder / "sweep.json").is_file())
        if len(seen) == 3:
            raise KeyboardInterrupt
        run_experiment(config, run, **options)

    sweep = make_sweep(str(SMALL), [parse_over(each) for each in OVER], SHARED)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(sweep, folder, progress=NoProgress(), command="a test", run=stopped)
    assert seen == [False, True, True]
    assert run_command(["report", str(folder)]) == 0
    output = capsys.readouterr()
    assert "2 of 4 cells not run yet" in output.out
    assert output.err == ""
    assert "2 of 4 cells not run yet" in (folder / "sweep.html").read_text()
    lifts = read_record(SweepRecord, folder).lifts
    assert len({row.cell for row in lifts}) == 2


def test_a_sweep_that_goes_on_still_tells_what_it_found_before(copy: Path) -> None:
    """The first cell fails now; the others keep their results until it is their turn."""
    before, told = read_record(SweepRecord, copy), []

    def fails_then_stops(config: Config, run: Path, **options: Any) -> None:
        if told:
            told.append(read_record(SweepRecord, copy))
            raise KeyboardInterrupt
        told.append(before)
        raise ContractError("no such luck")

    sweep = make_sweep(str(SMALL), [parse_over(each) for each in OVER], SHARED)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(sweep, copy, progress=NoProgress(), command="a test", run=fails_then_stops)
    assert [cell.status for cell in told[1].cells] == ["failed", "done", "done", "done"]
    for cell in before.cells[1:]:
        kept = [row.relative for row in told[1].lifts if row.cell == cell.name]
        assert kept == [row.relative for row in before.lifts if row.cell == cell.name]


def test_progress_tells_the_plan_of_all_cells_then_each_by_name(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words(copy)) == 0
    output = capsys.readouterr()
    assert "plan: 4 cells: catalogue" in output.err
    assert "cell 3/4: channels.lexical.limit=100, analysis.confidence=0.9" in output.err
    assert "3/4 catalogue: found in the store" in output.err
    assert f"Report: {copy / 'sweep.html'}" in output.out.replace("\n", "")
