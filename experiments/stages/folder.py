"""Where a run is kept: its content-addressed stages, its manifest and its results.

A run folder holds the results a reader wants (`report.html`, `metrics.json`, ...) and, under
`stages/`, one folder `<stage>-<key>` for every stage that was ever finished for it. The key is a
hash of all that decides the stage's content, so a stage with other settings lies beside the old
one, and going back to earlier settings finds its stages again. A stage is written under a
temporary name and renamed when it is complete: whatever kills a run leaves finished stages whole.
"""

import errno
import fcntl
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from experiments.stages.files import read_json, sync_folder, write_json, write_text
from simulator.errors import StoreError

MANIFEST = "manifest.json"
CONFIG = "config.toml"
_STAGES = "stages"
_RECORD = "stage.json"
_LOCK = ".lock"
_PARTIAL = ".partial"
_UNFINISHED = ".unfinished"
_DISK_REFUSES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


@contextmanager
def storing(path: Path, *, foreign_code: bool = False) -> Iterator[None]:
    """Turn a folder that cannot be written into a StoreError.

    A stage's own code may fail in other ways (a missing input file); those errors pass.
    """
    try:
        yield
    except OSError as error:
        if foreign_code and error.errno not in _DISK_REFUSES:
            raise
        raise StoreError(
            f"{path}: {error.strerror}, must be a folder that can be written, with room on its disk"
        ) from error


@dataclass(frozen=True)
class StageRecord:
    """What the manifest tells of one stage of a run.

    Attributes:
        name, key: as in the folder's name.
        seconds: time it took when it was made, not to find it again (s).
        cached: whether this run found it in the store.
        rows: rows written, by table; empty for stages without tables.
        peak_memory_mb: most memory of the process that made it, up to its end (MB).
    """

    name: str
    key: str
    seconds: float
    cached: bool
    rows: dict[str, int]
    peak_memory_mb: int


@dataclass
class Stage:
    """One stage of a run: a folder that is there completely or not at all.

    Attributes:
        path: folder of the stage once it is finished.
        rows: set entries while writing, to have them in the record.
    """

    name: str
    key: str
    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    _made: bool = False

    @property
    def finished(self) -> bool:
        """Whether the stage is in the store and need not be made."""
        return (self.path / _RECORD).is_file()

    @property
    def workspace(self) -> Path:
        """Where work on the stage may keep what must outlive a killed run."""
        return self.path.with_name(self.path.name + _UNFINISHED)

    @contextmanager
    def write(self) -> Iterator[Path]:
        """Give an empty folder to write into; it becomes the stage when the block ends well.

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        partial = self.path.with_name(self.path.name + _PARTIAL)
        with storing(partial, foreign_code=True):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            start = time.perf_counter()
            yield partial
            seconds = round(time.perf_counter() - start, 3)
            record = {
                "name": self.name,
                "key": self.key,
                "seconds": seconds,
                "rows": self.rows,
                "peak_memory_mb": peak_memory_mb(),
            }
            write_json(partial / _RECORD, record)
            sync_folder(partial)
            shutil.rmtree(self.path, ignore_errors=True)  # one that lost its record
            shutil.rmtree(self.workspace, ignore_errors=True)
            os.replace(partial, self.path)
            sync_folder(self.path.parent, deep=False)
        self._made = True

    def record(self) -> StageRecord:
        """The stage's line in the manifest; the stage must be finished."""
        found = read_json(self.path / _RECORD)
        return StageRecord(**found, cached=not self._made)


class RunFolder:
    """The folder of one run, held by one process at a time.

    Use as a context manager: entering creates the folder, locks it and sweeps up what a killed
    run left half written.

    Args:
        path: the folder.

    Raises:
        StoreError: on entering, when the folder holds something that is not a run, cannot be
            written, or is in use by another process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def __enter__(self) -> "RunFolder":
        check_is_run(self.path)
        stages = self.path / _STAGES
        with storing(self.path):
            stages.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(stages / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise StoreError(
                f"{self.path} is being written by another funnelab process, "
                "must be free (wait for it, or choose another folder with --out)"
            ) from None
        for leftover in stages.glob("*" + _PARTIAL):
            shutil.rmtree(leftover, ignore_errors=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._lock)

    def stage(self, name: str, key: str) -> Stage:
        """The stage of this name and content key, finished or not."""
        return Stage(name, key, self.path / _STAGES / f"{name}-{key}")

    def link(self, name: str, target: Path) -> None:
        """Make `<run>/<name>` point to a folder inside the run, replacing an earlier link."""
        link, fresh = self.path / name, self.path / f".{name}{_PARTIAL}"
        with storing(link):
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(target.relative_to(self.path), target_is_directory=True)
            os.replace(fresh, link)

    def remove(self, name: str) -> None:
        """Remove a result, if it is there."""
        with storing(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        """Write a result atomically, as UTF-8."""
        with storing(self.path / name):
            write_text(self.path / name, text)


def peak_memory_mb() -> int:
    """Peak resident memory of this process so far (MB)."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss would count the process that started this one, too
        lines = status.read_text().splitlines()
        kilobytes = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        if kilobytes:
            return round(int(kilobytes[0]) / 2**10)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def check_is_run(path: Path) -> None:
    """Refuse a path that holds anything but a run.

    Raises:
        StoreError: it is a file, or a folder with other things in it.
    """
    with storing(path):
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is a file, must be a new folder or the folder of a run")
        if path.is_dir() and not (path / _STAGES).is_dir() and any(path.iterdir()):
            raise StoreError(
                f"{path} exists and is not a funnelab run, must be a new or empty folder"
            )


def finished_stages(path: Path) -> list[str]:
    """Names of the stages a run folder keeps, oldest first."""
    records = sorted((path / _STAGES).glob("*/" + _RECORD), key=lambda file: file.stat().st_mtime)
    complete = [file for file in records if not file.parent.name.endswith(_PARTIAL)]
    return list(dict.fromkeys(read_json(file)["name"] for file in complete))
