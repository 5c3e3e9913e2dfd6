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


def refit_file(number: int) -> str:
    """Of a world: what its pages bring in the order of another training of the ranker, from 1."""
    return f"expected-refit-{number}.parquet"


def write_table(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """Write columns of equal length."""
    pq.write_table(pa.table(columns), path)
