"""Whether numba has compiled this project's functions before; it keeps them beside the sources."""

import os
from pathlib import Path

ONCE = 16.0
"""About how many seconds of one core the first run on a machine compiles for."""


def is_compiled(root: Path = Path(__file__).parents[2]) -> bool:
    """Whether there is a compiled function of `simulator`, from which every world begins.

    Args:
        root: folder of the packages.
    """
    kept = os.environ.get("NUMBA_CACHE_DIR")
    folders = [Path(kept)] if kept else [root / "simulator"]
    return any(True for folder in folders for _ in folder.rglob("*.nbi"))
