"""Whether numba has compiled this project's functions before; it keeps them beside the sources."""

import os
from pathlib import Path

ONCE = 16.0
"""About how many seconds of one core the first run on a machine compiles for."""


_FIRST = "merge._merge-*.nbi"
"""What every world compiles and no import does."""


def is_compiled(root: Path = Path(__file__).parents[2]) -> bool:
    """Whether the merge of candidates is compiled, which every world needs.

    Args:
        root: folder of the packages.
    """
    kept = os.environ.get("NUMBA_CACHE_DIR")
    folders = [Path(kept)] if kept else [root / "recall"]
    return any(True for folder in folders for _ in folder.rglob(_FIRST))
