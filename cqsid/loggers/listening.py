"""Loggers hear of every training that tells a curve."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cqsid.loggers.named import Loggers
from cqsid.loggers.runlogger import Training
from simulator.curves import heard_by

EVENTS: Final = "events"
"""Folder of what loggers write, in that of a stage."""


@contextmanager
def logged(names: Sequence[str], setting: str, *, name: str, workspace: Path) -> Iterator[None]:
    """Let loggers hear of the trainings inside the block.

    Each is a run of its own, `NAME.PART`, whose files lie in `workspace/events/PART`.

    Args:
        names: of the loggers; with none nobody listens.
        setting: that names them, for errors.
        name: of what is made of the trainings, such as a channel.
        workspace: of a stage; it need not be there yet.
    """
    if not names:
        yield
        return
    parts = Counter[str]()

    def begin(part: str, taken: int) -> Loggers:
        parts[part] += 1
        called = f"{part}-{parts[part]}" if parts[part] > 1 else part
        return Loggers(
            names, Training(f"{name}.{called}", workspace / EVENTS / called, taken), setting
        )

    with heard_by(begin):
        yield


def keep_events(workspace: Path, folder: Path) -> None:
    """Copy what loggers have written in a stage's workspace, if anything, into its folder."""
    if (workspace / EVENTS).is_dir():
        shutil.copytree(workspace / EVENTS, folder / EVENTS, ignore=_links)


def _links(folder: str, names: list[str]) -> list[str]:
    """What is a link: a logger's to its latest files, which are copied themselves."""
    return [name for name in names if Path(folder, name).is_symlink()]
