"""A stage is there completely or not at all, and tells whether it still is as it was written."""

import errno
import json
import os
import random
from pathlib import Path

import pytest

from experiments.stages.folder import RunFolder


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


def test_a_stage_that_lost_its_record_is_made_again(folder: Path) -> None:
    with RunFolder(folder) as run:
        (make(run) / "stage.json").unlink()
        assert not run.stage("history", "abc").finished
        make(run)
        assert run.stage("history", "abc").finished


def test_an_error_of_a_stages_own_is_not_blamed_on_the_folder(folder: Path) -> None:
    with RunFolder(folder) as run, pytest.raises(FileNotFoundError), run.stage("a", "b").write():
        raise FileNotFoundError(errno.ENOENT, "no such catalogue")


def test_an_untouched_stage_has_no_damage(folder: Path) -> None:
    with RunFolder(folder) as run:
        make(run)
        (folder / "stages").rename(folder / "elsewhere")
        (folder / "elsewhere").rename(folder / "stages")
        assert run.stage("history", "abc").damage() is None


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("log/rows.txt", b"abd", "log/rows.txt has changed since it was written"),
        ("log/rows.txt", None, "log/rows.txt is gone"),
        ("log/more.txt", b"", "log/more.txt is not of this stage"),
        ("stage.json", b"{", "stage.json == unreadable"),
        ("stage.json", b'{"name": "history"}', "stage.json == unreadable"),
        ("stage.json", b"[]", "stage.json == unreadable"),
        ("stage.json", b"[" * 100_000, "stage.json == unreadable"),
        ("stage.json", None, "stage.json is gone"),
    ],
)
def test_damage_names_the_file(folder: Path, file: str, content: bytes | None, told: str) -> None:
    with RunFolder(folder) as run:
        path = make(run) / file
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        assert (run.stage("history", "abc").damage() or "").startswith(told)


def test_two_stages_that_changed_places_are_not_taken_for_each_other(folder: Path) -> None:
    """Each is whole, with a seal of its own: only its name and key tell that it is another."""
    with RunFolder(folder) as run:
        one, other = make(run, "truth-control-0", "abc"), make(run, "truth-dense-0", "def")
        one.rename(folder / "aside")
        other.rename(one)
        (folder / "aside").rename(other)
        told = run.stage("truth-control-0", "abc").damage()
        assert told == "stage.json is of another stage, truth-dense-0-def"
        assert run.stage("truth-dense-0", "def").damage() is not None


def test_a_file_changed_with_its_size_and_time_kept_is_found(folder: Path) -> None:
    with RunFolder(folder) as run:
        path = make(run) / "log" / "rows.txt"
        before = path.stat()
        path.write_text("xyz")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert run.stage("history", "abc").damage() is not None


def test_no_bit_of_a_stage_can_be_flipped_without_being_found(folder: Path) -> None:
    """300 flips, in every file of the stage, its own record too."""
    with RunFolder(folder) as run:
        path, luck = make(run), random.Random(3)
        files = sorted(each for each in path.rglob("*") if each.is_file())
        assert path / "stage.json" in files
        for _ in range(300):
            file = luck.choice(files)
            whole = file.read_bytes()
            raw = bytearray(whole)
            raw[luck.randrange(len(raw))] ^= 1 << luck.randrange(8)
            file.write_bytes(bytes(raw))
            damage = run.stage("history", "abc").damage()
            blank = file.name == "stage.json" and _blank(whole, bytes(raw))
            assert damage is not None or blank
            file.write_bytes(whole)
        assert run.stage("history", "abc").damage() is None


def _blank(whole: bytes, changed: bytes) -> bool:
    """Whether two records say the same: one flip turns a blank between words into a tab, say."""
    try:
        return json.loads(whole) == json.loads(changed)
    except ValueError:
        return False
