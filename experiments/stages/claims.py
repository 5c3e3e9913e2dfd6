"""Who makes which stage where several processes share one store.

A claim is a lock of the file system on a file beside the stage's folder, held while the stage is
made. It goes with the process that holds it, however that ends, and holds between machines where
their shared file system has such locks (NFS 4 has them).
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from experiments.records.files import storing
from experiments.stages.stage import RECORD, Stage

CLAIM = ".claim"
_POLL = 0.1  # seconds between two looks at what others make


@contextmanager
def claimed(stage: Stage) -> Iterator[bool]:
    """Hold the right to make or remove a stage; gives False where another process has it.

    Raises:
        StoreError: the store cannot be written.
    """
    lock = stage.path.with_name(stage.path.name + CLAIM)
    with storing(lock):
        held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield _locked(held)
    finally:
        os.close(held)


def _locked(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone_with(stage: Stage) -> Iterator[None]:
    """Hold the right to make or remove a stage, once nobody else does."""
    while True:
        with claimed(stage) as free:
            if free:
                yield
                return
        time.sleep(_POLL)


Wanted = tuple[Stage, Sequence[Path]]
"""A stage, and the folders of those that must be finished before it."""


def await_any(wanted: Sequence[Wanted]) -> None:
    """Wait until one of the stages is finished, or can be made for nobody makes it any more."""
    while not any(stage.finished or can_begin(stage, inputs) for stage, inputs in wanted):
        time.sleep(_POLL)


def can_begin(stage: Stage, inputs: Sequence[Path]) -> bool:
    """Whether nobody makes a stage at the moment and all that it is made of is there."""
    if not all_there(inputs):
        return False
    with claimed(stage) as free:
        return free


def all_there(folders: Sequence[Path]) -> bool:
    """Whether the stages in these folders are finished."""
    return all((path / RECORD).is_file() for path in folders)
