"""Whether a part learns of texts that exist and that nobody has asked: a part of its suite."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from recall.storage import save
from simulator.log.history import History
from simulator.plugins import Violation


def never_asked(fitted: Callable[[History], object], history: History) -> Iterator[Violation]:
    """What a part learns of texts that exist and that nobody has asked.

    Args:
        fitted: makes a part and fits it on a log, with one luck.
        history: a log.
    """
    more = replace(
        history,
        texts=("never asked", *history.texts, "nor was this"),
        text_R=(history.text_R + 1).astype(np.int32),
    )
    place = "fit() with more texts that nobody has asked"
    try:
        if _bytes(fitted(history)) != _bytes(fitted(more)):
            yield Violation(place, "another model", "learn from texts alone that were asked")
    except Exception as error:
        yield Violation.raised(place, error, "learn")


def _bytes(part: object) -> bytes:
    """A part as it is kept."""
    with TemporaryDirectory(prefix="funnelab-") as folder:
        path = Path(folder) / "part.safetensors"
        save(path, part, type(part).__name__, [type(part).__module__.partition(".")[0]])
        return path.read_bytes()
