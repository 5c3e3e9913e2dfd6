"""Files that are either the old ones or the new ones, never half of each."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import StoreError


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 under a temporary name, force it to disk, rename."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; numbers that are not finite become null, NumPy values plain ones."""
    write_text(path, json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        StoreError: it is not there or not whole.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}, must be a file of a finished run") from error
    except ValueError as error:
        raise StoreError(f"{path}: {error}, must be whole JSON") from error


def plain(value: Any) -> Any:
    """The same value in the types JSON knows; NaN and infinities become None."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def sync_folder(folder: Path, *, deep: bool = True) -> None:
    """Force a folder, and with `deep` everything below it, to disk."""
    paths = [folder, *folder.rglob("*")] if deep else [folder]
    for path in reversed(paths):
        if path.is_symlink():
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
