"""Files that are either the old ones or the new ones, never half of each."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a file to write; when the block ends well, it takes the place of `path`.

    It is forced to disk first: whatever kills the process or the machine leaves one of the two.
    """
    fresh = path.with_name(f".{path.name}.new")
    yield fresh
    sync(fresh)
    os.replace(fresh, path)


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
