"""Files beside a world's log: what is expected of its shoppers, and the sample of headroom."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

OWN = "expected.parquet"
"""Of a world: what its pages bring."""

BESIDE = "expected-control.parquet"
"""Of a world: what the pages of the control arm would bring in its state."""

HEADROOM = "headroom.parquet"
"""Of a world: a sample of its requests, weighed by an oracle."""

_REFIT = "expected-refit-"


def by_category(file: str) -> str:
    """Of a world: the same as `OWN` or `BESIDE`, by the category that is wanted."""
    return file.removesuffix(".parquet") + "-by-category.parquet"


def by_part(file: str) -> str:
    """Of a world: the same as `OWN` or `BESIDE`, by part of the requests."""
    return file.removesuffix(".parquet") + "-by-part.parquet"


def refit_file(model: str) -> str:
    """Of a world: what its pages bring with one model trained again, the others as they serve."""
    return f"{_REFIT}{model}.parquet"


def refits_of(folder: Path) -> dict[str, str]:
    """The files of `refit_file` in a folder, by model."""
    found = sorted(path.name for path in folder.glob(f"{_REFIT}*.parquet"))
    return {name.removeprefix(_REFIT).removesuffix(".parquet"): name for name in found}


def write_table(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """Write columns of equal length."""
    pq.write_table(pa.table(columns), path)
