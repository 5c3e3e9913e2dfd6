"""Where a run is kept: its content-addressed stages, its manifest and its results.

A run folder holds the results a reader wants (`report.html`, `metrics.json`, ...) and, under
`stages/`, one folder `<stage>-<key>` for every stage that was ever finished for it. The key is a
hash of all that decides the stage's content, so a stage with other settings lies beside the old
one, and going back to earlier settings finds its stages again. A stage is written under a
temporary name and renamed when it is complete: whatever kills a run leaves finished stages whole.

Nobody's results are replaced by accident: a folder of something else, of another version or of a
finished run with other settings is refused.
"""

import fcntl
import os
import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from experiments.records.files import CONFIG, MANIFEST, read_json, storing, write_json, write_text
from experiments.stages.claims import CLAIM
from experiments.stages.stage import PARTIAL, RECORD, Stage
from simulator.errors import StoreError

STORE = 2
"""Version of the store: of what stages hold, and in which form. Version 1 was not written down."""

STAGES = "stages"
"""The folder of the stages, in a run folder."""

_LONGEST = 200  # characters of a stage's name: file names end at 255, and a key and a suffix follow
_STEP = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{_LONGEST - 1}}}")
_VERSION = "store.json"
_LOCK = ".lock"
_PATIENCE = 10.0  # seconds until the workers of a sweep that was killed are gone
_ELSEWHERE = ("execution", "attribution", "sweep")  # sections that decide nothing in a run


class RunFolder:
    """The folder of one run, held by one process at a time.

    Use as a context manager: entering creates the folder, locks it and sweeps up what a killed
    run left half written.

    Args:
        path: the folder.
        shared: whether its store is `held_store`, by whoever lets several processes make stages in
            it at a time. They then share the store, and nothing is swept up.

    Raises:
        StoreError: on entering, when the folder holds something that is not a run, or a run of
            another version, cannot be written, or is in use by another process.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        self.path = path
        self.shared = shared
        self._held = ExitStack()

    def __enter__(self) -> "RunFolder":
        check_is_run(self.path)
        stages = self.path / STAGES
        with storing(self.path):
            stages.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            held.enter_context(locked(stages / _LOCK, self.path, shared=self.shared))
            _open_store(self.path, sweep=not self.shared)
            self._held = held.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def stage(self, name: str, key: str) -> Stage:
        """The stage of this name and content key, finished or not.

        Raises:
            StoreError: the name is more than a step of a path: the stage would lie elsewhere.
        """
        if not _STEP.fullmatch(name):
            raise StoreError(
                f"stage == {name!r}, must be a name of letters, digits, '-', '_' and '.', "
                f"at most {_LONGEST} long"
            )
        return Stage(name, key, self.path / STAGES / f"{name}-{key}")

    def held_since(self) -> int:
        """When a shared store was taken by whoever holds it, on the clock of its files (ns)."""
        return (self.path / STAGES / _LOCK).stat().st_mtime_ns

    def link(self, name: str, target: Path) -> None:
        """Make `<run>/<name>` point to a folder inside the run, replacing an earlier link."""
        link, fresh = self.path / name, self.path / f".{name}{PARTIAL}"
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


@contextmanager
def held_store(path: Path) -> Iterator[None]:
    """Hold the store of a folder for several processes that make stages in it, and for no others.

    What a killed process left half written is swept up before and after.

    Args:
        path: the folder; its stages are made where they are not there.

    Raises:
        StoreError: another process has it, or it is of another version or cannot be written.
    """
    stages = path / STAGES
    with storing(stages):
        stages.mkdir(parents=True, exist_ok=True)
    with locked(stages / _LOCK, path, patience=_PATIENCE) as held:
        _open_store(path, sweep=True)
        os.utime(held)
        fcntl.flock(held, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with suppress(BlockingIOError):  # a worker on another machine is not gone yet
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _sweep_up(stages)


def _open_store(path: Path, *, sweep: bool) -> None:
    """Check the version of a store that is locked, or write it down."""
    stages = path / STAGES
    check_version(path)
    if not (stages / _VERSION).is_file():
        with storing(stages / _VERSION):
            write_json(stages / _VERSION, {"store": STORE})
    if sweep:
        _sweep_up(stages)


def _sweep_up(stages: Path) -> None:
    for leftover in stages.glob("*" + PARTIAL):
        shutil.rmtree(leftover, ignore_errors=True)
    for claim in stages.glob("*" + CLAIM):
        claim.unlink(missing_ok=True)


@contextmanager
def locked(
    lock: Path, folder: Path, *, shared: bool = False, patience: float = 0.0
) -> Iterator[int]:
    """Hold a lock file; gives it opened.

    Args:
        lock: the file; made where it is not there.
        folder: what it locks, for errors.
        shared: whether others may hold it so at the same time.
        patience: how long to wait for it (s).

    Raises:
        StoreError: another process holds it, or it cannot be made.
    """
    with storing(folder):
        held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + patience
        while not _taken(held, shared):
            if time.monotonic() >= until:
                raise StoreError(
                    f"{folder} is being written by another funnelab process, "
                    "must be free (wait for it, or choose another folder with --out)"
                )
            time.sleep(0.1)
        yield held
    finally:
        os.close(held)


def _taken(held: int, shared: bool) -> bool:
    try:
        fcntl.flock(held, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_is_run(path: Path) -> None:
    """Refuse a path that holds anything but a run.

    Raises:
        StoreError: it is a file, a link to nothing, a folder with other things in it, or a folder
            inside another run's stages.
    """
    with storing(path):
        if path.is_symlink() and not path.exists():
            raise StoreError(f"{path} is a link to nothing, must be a new folder or that of a run")
        for above in path.absolute().parents:
            if above.name == STAGES and (above / _VERSION).is_file():
                raise StoreError(
                    f"{path} lies among the stages of {above.parent}, must lie elsewhere"
                )
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is a file, must be a new folder or the folder of a run")
        if path.is_dir() and not (path / STAGES).is_dir() and any(path.iterdir()):
            raise StoreError(
                f"{path} exists and is not a funnelab run, must be a new or empty folder"
            )


def check_version(path: Path) -> None:
    """Refuse a run whose stages another version of the store holds: they would be read wrongly.

    Raises:
        StoreError: with both versions.
    """
    stages, found = path / STAGES, str(STORE)
    if (stages / _VERSION).is_file():
        with suppress(StoreError, KeyError, TypeError):
            found = "?"
            found = str(read_json(stages / _VERSION)["store"])
    elif any(stages.glob(f"*/{RECORD}")):
        found = "1"
    if found != str(STORE):
        raise StoreError(
            f"{stages} == store version {found}, must be {STORE}: another version of funnelab made "
            "this run; run it again in another folder (--out), or delete this one first"
        )


def check_same_settings(path: Path, config_text: str) -> None:
    """Refuse to replace the results of a finished run by those of other settings.

    How a run is executed (`[execution]`), how its log is attributed (`[attribution]`) and what a
    sweep of it would vary (`[sweep]`) do not change its results and may differ.

    Args:
        path: the run folder; a new or unfinished one passes.
        config_text: the resolved TOML of the run that is about to start.

    Raises:
        StoreError: the folder holds a finished run with other settings, the first of which
            are named.
    """
    if not (path / MANIFEST).is_file() or not (path / CONFIG).is_file():
        return
    try:
        found = _flat(tomllib.loads((path / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path / CONFIG}: {error}, must be the settings of a run") from error
    wanted = _flat(tomllib.loads(config_text))
    other = [name for name in wanted | found if wanted.get(name) != found.get(name)]
    if other:
        changes = [f"{name} == {found.get(name)!r}, now {wanted.get(name)!r}" for name in other]
        more = f", and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise StoreError(
            f"{path} holds a finished run with other settings ({'; '.join(changes[:3])}{more}), "
            "must be the same settings, another folder (--out) or --overwrite"
        )


def _flat(settings: Any, place: str = "") -> dict[str, Any]:
    """Settings by dotted path, without those that cannot change a result."""
    if isinstance(settings, dict):
        parts = [(str(key), value) for key, value in settings.items()]
    elif isinstance(settings, list) and any(isinstance(value, dict) for value in settings):
        parts = [(str(number), value) for number, value in enumerate(settings)]
    else:
        return {place: settings}
    flat: dict[str, Any] = {}
    for key, value in parts:
        inner = f"{place}.{key}" if place else key
        if inner not in _ELSEWHERE:
            flat |= _flat(value, inner)
    return flat


def finished_stages(path: Path) -> list[str]:
    """Names of the stages a run folder keeps, oldest first, by their folders' names.

    Their records are not read: whoever only wants the names should not stumble over a spoiled one.
    """
    records = sorted((path / STAGES).glob("*/" + RECORD), key=lambda file: file.stat().st_mtime)
    folders = [file.parent.name for file in records if not file.parent.name.endswith(PARTIAL)]
    return list(dict.fromkeys(name.rpartition("-")[0] for name in folders))
