"""Where a user's data file lies."""

import os
from pathlib import Path

_DATA_VARIABLE = "FUNNELAB_DATA"
_DATA_DEFAULT = "../shared/data"


def is_default(path: Path) -> bool:
    """Whether a path leads to where data sets lie if no variable says where."""
    return _DATA_VARIABLE not in os.environ and path.is_relative_to(_DATA_DEFAULT)


def data_path(path: str) -> Path:
    """A path whose leading `$FUNNELAB_DATA` is replaced by that variable's folder."""
    prefix = "$" + _DATA_VARIABLE
    if path == prefix or path.startswith(prefix + "/"):
        return Path(os.environ.get(_DATA_VARIABLE, _DATA_DEFAULT) + path.removeprefix(prefix))
    return Path(path)
