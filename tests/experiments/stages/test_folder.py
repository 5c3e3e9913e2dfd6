"""Stages are there completely or not at all, and nothing of a user's is overwritten."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.stages.folder import (
    RunFolder,
    check_same_settings,
    check_version,
    finished_stages,
)
from simulator.errors import StoreError
from tests.experiments.small_runs import content

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


@pytest.mark.parametrize(
    "name", ["channel-a/../../x", "..", "", "a\0b", ".hidden", "x" * 201, "a\n"]
)
def test_a_stage_lies_in_its_run_folder_whatever_it_is_called(folder: Path, name: str) -> None:
    with RunFolder(folder) as run, pytest.raises(StoreError, match="must be a name of letters"):
        run.stage(name, "key")


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


def test_stages_with_other_settings_lie_side_by_side(folder: Path) -> None:
    with RunFolder(folder) as run:
        first, second = make(run, key="abc"), make(run, key="xyz")
    assert (first / "log" / "rows.txt").read_text() == "abc"
    assert (second / "log" / "rows.txt").read_text() == "xyz"


def test_names_of_kept_stages_are_told_beside_a_spoiled_record(folder: Path) -> None:
    """They are told when a run is interrupted, whatever else lies in its folder."""
    with RunFolder(folder) as run:
        make(run, key="abc")
        for key, content in (("def", "{"), ("ghi", "[]"), ("jkl", "{}")):
            (make(run, "truth-with-dashes-0", key) / "stage.json").write_text(content)
    assert finished_stages(folder) == ["history", "truth-with-dashes-0"]


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


def test_two_processes_never_write_into_one_run(folder: Path) -> None:
    wanted = "is being written by another funnelab process"
    with RunFolder(folder), pytest.raises(StoreError, match=wanted):
        RunFolder(folder).__enter__()
    with RunFolder(folder):
        pass


def finish(folder: Path, config: str) -> None:
    with RunFolder(folder) as run:
        run.write_text("config.toml", config)
        run.write_text("manifest.json", "{}")


def test_a_finished_run_with_other_settings_is_not_replaced(folder: Path) -> None:
    finish(folder, 'seed = 1\n[[arms]]\nname = "control"\nshare = 0.5\n')
    with pytest.raises(StoreError) as caught:
        check_same_settings(folder, 'seed = 2\n[[arms]]\nname = "control"\nshare = 0.4\n')
    message = str(caught.value)
    assert "seed == 1, now 2; arms.0.share == 0.5, now 0.4" in message
    assert "another folder (--out) or --overwrite" in message


def test_how_a_run_is_executed_is_not_another_setting(folder: Path) -> None:
    finish(folder, "seed = 1\n[execution]\nprocesses = 1\n")
    check_same_settings(folder, "seed = 1\n[execution]\nprocesses = 2\n")


def test_an_unfinished_run_takes_any_settings(folder: Path) -> None:
    with RunFolder(folder) as run:
        run.write_text("config.toml", "seed = 1\n")
    check_same_settings(folder, "seed = 2\n")
    check_same_settings(folder.parent / "new", "seed = 2\n")


def test_a_spoiled_config_is_reported_and_kept(folder: Path) -> None:
    finish(folder, "seed = \n")
    with pytest.raises(StoreError, match=r"config.toml: .*line 1.*, must be the settings of a run"):
        check_same_settings(folder, "seed = 2\n")


def _as_before_versions(folder: Path) -> None:
    """A run as the version of the store before wrote it: stages, and nothing that tells of it."""
    with RunFolder(folder) as run:
        make(run)
    (folder / "stages" / "store.json").unlink()


@pytest.mark.parametrize(("written", "found"), [(None, "1"), ('{"store": 3}', "3"), ("{", "?")])
def test_a_store_of_another_version_is_refused_by_name_with_what_to_do(
    folder: Path, written: str | None, found: str
) -> None:
    _as_before_versions(folder)
    if written is not None:
        (folder / "stages" / "store.json").write_text(written)
    before = content(folder)
    for use in (RunFolder(folder).__enter__, lambda: check_version(folder)):
        with pytest.raises(StoreError) as caught:
            use()
        message = str(caught.value)
        assert f"{folder / 'stages'} == store version {found}, must be 2" in message
        assert "another folder (--out), or delete this one" in message
    assert content(folder) == before


def test_a_refused_store_is_free_for_others(folder: Path) -> None:
    _as_before_versions(folder)
    with pytest.raises(StoreError):
        RunFolder(folder).__enter__()
    shutil.rmtree(folder / "stages")
    (folder / "stages").mkdir()
    with RunFolder(folder):
        pass


def test_a_link_to_nothing_and_a_place_among_other_stages_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="is a link to nothing"), RunFolder(tmp_path / "link"):
        pass
    with RunFolder(folder) as run:
        make(run)
    inside = folder / "stages" / "mine"
    with pytest.raises(StoreError, match="lies among the stages of"), RunFolder(inside):
        pass
