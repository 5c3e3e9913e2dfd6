"""Stages are there completely or not at all, and nothing of a user's is overwritten."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.stages.folder import RunFolder, finished_stages
from simulator.errors import StoreError

_NOBODY = 65_534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


def make(run: RunFolder, name: str = "history", key: str = "abc") -> Path:
    stage = run.stage(name, key)
    with stage.write() as place:
        (place / "log").mkdir()
        (place / "log" / "rows.txt").write_text(key)
        stage.rows["requests"] = 3
    return stage.path


def test_a_finished_stage_is_found_again_with_its_record(folder: Path) -> None:
    with RunFolder(folder) as run:
        assert not run.stage("history", "abc").finished
        path = make(run)
    with RunFolder(folder) as run:
        stage = run.stage("history", "abc")
        record = stage.record()
        assert stage.finished
        assert (path / "log" / "rows.txt").read_text() == "abc"
        assert (record.name, record.key, record.cached) == ("history", "abc", True)
        assert record.rows == {"requests": 3}
        assert record.peak_memory_mb > 10


def test_a_stage_made_by_this_run_is_not_called_cached(folder: Path) -> None:
    with RunFolder(folder) as run:
        stage = run.stage("history", "abc")
        with stage.write():
            pass
        assert stage.record().cached is False


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_stage_is_made_anew_and_finished_ones_stay(
    folder: Path, error: type[BaseException]
) -> None:
    def interrupted() -> None:
        with RunFolder(folder) as run:
            make(run)
            with run.stage("train", "def").write() as place:
                (place / "half").write_text("half a model")
                raise error

    with pytest.raises(error):
        interrupted()
    assert finished_stages(folder) == ["history"]
    with RunFolder(folder) as run:
        assert run.stage("history", "abc").finished
        train = run.stage("train", "def")
        assert not train.finished
        assert not list(folder.rglob("half"))
        with train.write() as place:
            assert not list(place.iterdir())
    assert finished_stages(folder) == ["history", "train"]


def test_a_stage_that_lost_its_record_is_made_again(folder: Path) -> None:
    with RunFolder(folder) as run:
        (make(run) / "stage.json").unlink()
        assert not run.stage("history", "abc").finished
        make(run)
        assert run.stage("history", "abc").finished


def test_stages_with_other_settings_lie_side_by_side(folder: Path) -> None:
    with RunFolder(folder) as run:
        first, second = make(run, key="abc"), make(run, key="xyz")
    assert (first / "log" / "rows.txt").read_text() == "abc"
    assert (second / "log" / "rows.txt").read_text() == "xyz"


def test_a_link_follows_the_run_when_it_is_moved(folder: Path) -> None:
    with RunFolder(folder) as run:
        run.link("log", make(run, key="abc") / "log")
        run.link("log", make(run, key="xyz") / "log")
    moved = folder.rename(folder.parent / "moved")
    assert (moved / "log" / "rows.txt").read_text() == "xyz"


@pytest.mark.parametrize("content", ["thesis.tex", "manifest.json"])
def test_a_folder_with_other_things_is_refused_and_left_alone(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / content).write_text("precious")
    with pytest.raises(StoreError, match="is not a funnelab run, must be a new or empty folder"):
        RunFolder(folder).__enter__()
    assert [path.name for path in folder.iterdir()] == [content]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("precious")
    with pytest.raises(StoreError, match="is a file, must be a new folder"):
        RunFolder(tmp_path / "run").__enter__()
    with pytest.raises(StoreError, match="must be a folder that can be written"):
        RunFolder(tmp_path / "run" / "inner").__enter__()
    assert (tmp_path / "run").read_text() == "precious"


def test_an_empty_folder_is_taken(folder: Path) -> None:
    folder.mkdir(parents=True)
    with RunFolder(folder):
        assert (folder / "stages").is_dir()


@contextmanager
def not_as_root() -> Iterator[None]:
    """Root may write anywhere; for a moment be somebody who may not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_without_permission_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
        wanted = "Permission denied, must be a folder that can be written"
        with not_as_root(), pytest.raises(StoreError, match=wanted):
            RunFolder(folder / "run").__enter__()
        assert not list(folder.iterdir())


def test_a_place_where_no_folder_can_be_made_is_refused() -> None:
    with pytest.raises(StoreError, match="No such file or directory, must be a folder that can be"):
        RunFolder(Path("/proc/nobody/run")).__enter__()


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_disk_that_refuses_is_reported_by_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with RunFolder(folder) as run:
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match=f"config.toml: {os.strerror(code)}, must be"):
            run.write_text("config.toml", "")


def test_an_error_of_a_stages_own_is_not_blamed_on_the_folder(folder: Path) -> None:
    with RunFolder(folder) as run, pytest.raises(FileNotFoundError), run.stage("a", "b").write():
        raise FileNotFoundError(errno.ENOENT, "no such catalogue")


def test_two_processes_never_write_into_one_run(folder: Path) -> None:
    wanted = "is being written by another funnelab process"
    with RunFolder(folder), pytest.raises(StoreError, match=wanted):
        RunFolder(folder).__enter__()
    with RunFolder(folder):
        pass
