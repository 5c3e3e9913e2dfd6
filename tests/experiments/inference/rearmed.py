"""Synthetic logs whose requests are moved to other arms."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def table(log: Path, name: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(shard) for shard in sorted((log / name).glob("*.parquet"))])


def written(rows: pd.DataFrame, folder: Path) -> None:
    """These rows in the place of a table's."""
    for shard in folder.glob("*.parquet"):
        shard.unlink()
    made = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(made, folder / "part-00000.parquet")


def rearmed(log: Path, arm_of: Any) -> Path:
    """The log with the arm of each request as a function of its row says."""
    asked = table(log, "requests")
    arm = pd.Series(np.asarray(arm_of(asked)), asked["request"].to_numpy()).astype(np.int8)
    for name in ("requests", "exposures", "orders"):
        rows = table(log, name)
        rows["arm"] = arm.loc[rows["request"]].to_numpy()
        for shard in (log / name).glob("*.parquet"):
            shard.unlink()
        schema = pa.Schema.from_pandas(rows, preserve_index=False)
        pq.write_table(
            pa.Table.from_pandas(rows, schema, preserve_index=False),
            log / name / "part-00000.parquet",
        )
    return log
