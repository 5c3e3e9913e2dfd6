"""Files of a run: how they are written and read, and what tells that one has changed."""

import errno
import json
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import to_json

from simulator.atomic import replacing, sync
from simulator.errors import DiskError, StoreError

CONFIG = "config.toml"
MANIFEST = "manifest.json"

_DISK_REFUSES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


@contextmanager
def storing(path: Path, *, foreign_code: bool = False) -> Iterator[None]:
    """Turn a folder that cannot be written into a DiskError.

    Args:
        path: what the error names.
        foreign_code: the block runs a stage's own code, which may fail in other ways (a missing
            input file); those errors pass.
    """
    try:
        yield
    except OSError as error:
        if foreign_code and error.errno not in _DISK_REFUSES:
            raise
        raise DiskError(
            f"{path}: {error.strerror}, must be a folder that can be written, with room on its disk"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically.

    Args:
        value: of types that JSON knows, dataclasses and NumPy's; what is not finite becomes null.

    Raises:
        PydanticSerializationError: it holds something else; the file stays as it was.
    """
    with replacing(path) as fresh:
        fresh.write_bytes(json_bytes(value, indent=1) + b"\n")


def json_bytes(value: Any, *, indent: int | None = None) -> bytes:
    """JSON in UTF-8 of what `write_json` can write, on one line where no `indent` is given."""
    return to_json(value, indent=indent, inf_nan_mode="null", fallback=_of_numpy)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn a file of a run that cannot be read into a StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}, must be a file of a finished run") from error


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        StoreError: it is not there or not whole.
    """
    try:
        with reading(path):
            return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
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


def _of_numpy(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no type of JSON")


def sync_folder(folder: Path, *, deep: bool = True) -> None:
    """Force a folder, and with `deep` everything below it, to disk."""
    paths = [folder, *folder.rglob("*")] if deep else [folder]
    for path in reversed(paths):
        if not path.is_symlink():
            sync(path)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def folder_sha256(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path in the folder, in the order of paths."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        digests = list(threads.map(file_sha256, files))
    names = [file.relative_to(folder).as_posix() for file in files]
    return dict(zip(names, digests, strict=True))
