"""Trainings watched while they run: each writes a line a step, the parent shows the last ones.

A line is one JSON object with the latest step and the latest evaluation, so that the end of a file
tells all there is to show. Nothing of a run depends on these files.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cqsid.alignment.report import Evaluation, StepReading
from experiments.records.files import json_bytes
from experiments.stages.progress import Progress, Showing

FILE = "progress.jsonl"
_TAIL = 16_384  # bytes, several lines
_EVERY = 0.5  # seconds between two looks at the files
_HEADS = (
    "step", "reward", "tied", "present", "entropy", "first", "KL", "hit@1", "@10", "@100", "rec@200"
)  # fmt: skip
_log = logging.getLogger(__name__)


class Diary:
    """Writes the progress of one training.

    Args:
        folder: where the file goes; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._evaluation: dict[str, Any] | None = None

    def __call__(self, reading: StepReading, evaluation: Evaluation | None, steps: int) -> None:
        """Append a line; a disk that refuses it costs the line and nothing else."""
        if evaluation is not None:
            self._evaluation = asdict(evaluation)
        told = {"steps": steps, "reading": reading, "evaluation": self._evaluation}
        line = json_bytes(told) + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as stream:
                stream.write(line)  # one write: a reader sees the line whole or cut at its end
        except OSError as error:
            _log.debug("%s: %s", self._path, error)


class Trainings:
    """What runs at the moment, as `experiments.stages.progress.More`.

    A training that has not begun has no file, a finished one has none any more.

    Args:
        folders: working folder of each training that is to be made, by name.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._files = {name: folder / FILE for name, folder in folders.items()}
        for file in self._files.values():  # of an attempt that was cut off
            file.unlink(missing_ok=True)
        self._looked = -_EVERY
        self._lines: dict[str, dict[str, Any]] = {}
        self._told: dict[str, int] = {}

    def __rich__(self) -> RenderableType:
        """A table of the trainings that run, a line each; nothing where none does."""
        self._look()
        if not self._lines:
            return Group()
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
        table.add_column("training", no_wrap=True)
        for head in _HEADS:
            table.add_column(head, justify="right", no_wrap=True)
        for name, line in self._lines.items():
            table.add_row(Text(name), *(Text(cell) for cell in cells(line)))
        return table

    def news(self) -> Iterator[str]:
        """One line for each evaluation that is new."""
        self._look()
        for name, line in self._lines.items():
            evaluation = line["evaluation"]
            if evaluation is not None and evaluation["step"] != self._told.get(name):
                self._told[name] = evaluation["step"]
                yield sentence(name, line)

    def _look(self) -> None:
        """Read the files, unless that was just done."""
        now = time.monotonic()
        if now - self._looked < _EVERY:
            return
        self._looked = now
        found = {name: last_line(file) for name, file in self._files.items()}
        self._lines = {name: line for name, line in found.items() if line is not None}


@contextmanager
def watching(progress: Progress, folders: Mapping[str, Path]) -> Iterator[None]:
    """Show the trainings while the block runs, where `progress` can."""
    if not isinstance(progress, Showing) or not folders:
        yield
        return
    progress.show(Trainings(folders))
    try:
        yield
    finally:
        progress.show(None)


def last_line(path: Path) -> dict[str, Any] | None:
    """The last whole line of a progress file; None where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - _TAIL, 0))
            tail = stream.read()
    except OSError:
        return None
    for line in reversed(tail[: tail.rfind(b"\n") + 1].splitlines()):
        try:
            found = json.loads(line)
        except ValueError:  # the first line of a tail may be cut
            continue
        return found if isinstance(found, dict) else None
    return None


def cells(line: Mapping[str, Any]) -> list[str]:
    """What the table says of one training, by `_HEADS`."""
    reading, evaluation = line["reading"], line["evaluation"]
    told = [
        f"{reading['step']}/{line['steps']}",
        _told(reading["reward"]),
        _told(reading["tied"], ".0%"),
        _told(reading["present"], ".0%"),
        " ".join(_told(each, ".2f") for each in reading["entropy_L"]),
        _told(reading["first_codes"], ".1f"),
        _told(reading["kl"]),
    ]
    if evaluation is None:
        return told + [""] * (len(_HEADS) - len(told))
    found = [*evaluation["hit_rates"], evaluation["recall"]]
    return [*told, *(_told(each) for each in found)]


def sentence(name: str, line: Mapping[str, Any]) -> str:
    """An evaluation in words."""
    reading, evaluation = line["reading"], line["evaluation"]
    rates = "/".join(_told(rate) for rate in evaluation["hit_rates"])
    return (
        f"{name}: step {evaluation['step']} of {line['steps']}, "
        f"reward {_told(reading['reward'])}, KL {_told(reading['kl'])}, "
        f"tied {_told(reading['tied'], '.0%')}, hit rate at 1/10/100 {rates}, "
        f"recall at 200 {_told(evaluation['recall'])}"
    )


def _told(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else f"{value:{form}}"
