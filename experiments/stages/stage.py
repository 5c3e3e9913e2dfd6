"""One stage of a run: what is in its folder, and the digests that tell whether it still is."""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from experiments.records.files import (
    folder_sha256,
    read_json,
    storing,
    sync_folder,
    write_json,
)
from experiments.records.manifest import Failed, StageRecord
from simulator.errors import StoreError
from simulator.failures import take_failures

RECORD = "stage.json"
PARTIAL = ".partial"
_UNFINISHED = ".unfinished"


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
        return (self.path / RECORD).is_file()

    def made_at(self) -> int:
        """When a finished stage was written, on the clock of its file (ns)."""
        return (self.path / RECORD).stat().st_mtime_ns

    @property
    def present(self) -> bool:
        """Whether something is in its place, be it the stage or what is left of it."""
        return os.path.lexists(self.path)

    def damage(self) -> str | None:
        """What tells that a stage is not as it was written, in its place; None where nothing does.

        Every file is read: about a second for each gigabyte.
        """
        if not self.finished:
            return f"{RECORD} is gone"
        try:
            record = dict(read_json(self.path / RECORD))
            sealed, written = record.pop("digest", None), dict(record["files"])
            told, found = self.record(), _content(self.path)
        except (StoreError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            return f"{RECORD} == unreadable ({error!r})"
        if sealed != _digest(record):
            return f"{RECORD} has changed since it was written"
        if (told.name, told.key) != (self.name, self.key):
            return f"{RECORD} is of another stage, {told.name}-{told.key}"
        for name in sorted(written.keys() | found.keys()):
            if name not in found:
                return f"{name} is gone"
            if name not in written:
                return f"{name} is not of this stage"
            if written[name] != found[name]:
                return f"{name} has changed since it was written"
        return None

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
        partial = self.path.with_name(self.path.name + PARTIAL)
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
                "failed": [vars(failure) for failure in take_failures()],
                "peak_memory_mb": peak_memory_mb(),
                "files": _content(partial),
            }
            write_json(partial / RECORD, record | {"digest": _digest(record)})
            sync_folder(partial)
            shutil.rmtree(self.path, ignore_errors=True)  # one that was damaged
            shutil.rmtree(self.workspace, ignore_errors=True)
            os.replace(partial, self.path)
            sync_folder(self.path.parent, deep=False)
        self._made = True

    def remove(self) -> None:
        """Remove the stage, or whatever is in its place, from the store."""
        with storing(self.path):
            if self.path.is_dir() and not self.path.is_symlink():
                shutil.rmtree(self.path)
            else:
                self.path.unlink()

    def record(self) -> StageRecord:
        """The stage's line in the manifest; the stage must be finished."""
        found = read_json(self.path / RECORD)
        told = {each.name: found[each.name] for each in fields(StageRecord) if each.name in found}
        return StageRecord(**told, cached=not self._made)

    def failed(self) -> tuple[Failed, ...]:
        """The parts that failed while the stage was made; it must be finished."""
        rows = read_json(self.path / RECORD).get("failed", ())
        return tuple(Failed(stage=self.name, **row) for row in rows)


def _content(folder: Path) -> dict[str, str]:
    """The digest of every file of a stage, by its path, but for the record that holds them."""
    return {name: digest for name, digest in folder_sha256(folder).items() if name != RECORD}


def _digest(record: dict[str, Any]) -> str:
    """The digest of a record's own content."""
    return sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


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
