"""Logs of experiments that split items, or shoppers and items, with no simulator behind them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.experiments.inference.logs import DAY, write_log

ITEMS = 80


def table(log: Path, name: str) -> pd.DataFrame:
    shards = sorted((log / name).glob("*.parquet"))
    return pd.concat([pd.read_parquet(shard) for shard in shards], ignore_index=True)


def written(rows: pd.DataFrame, folder: Path) -> None:
    """These rows in the place of a table's."""
    for shard in folder.glob("*.parquet"):
        shard.unlink()
    made = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(made, folder / "part-00000.parquet")


def item_arms(seed: int = 4) -> np.ndarray:
    """(I,) an arm for each item, the treatment for a good third."""
    return (np.random.default_rng(seed).random(ITEMS) < 0.4).astype(np.int8)


def by_item(folder: Path, *, late: int = 0, **options: object) -> Path:
    """A log in which items are split and everybody is served in arm 0.

    Args:
        late: so many items come on the second day.
        options: of `write_log`.
    """
    return _sided(folder, late, item_arms(), None, **options)


def by_both(folder: Path, *, late: int = 0, **options: object) -> Path:
    """A log in which shoppers and items are split; slots are treated where both are."""
    log = _sided(folder, late, item_arms(), 0.5, **options)
    return log


def _sided(
    folder: Path, late: int, arm_I: np.ndarray, treated: float | None, **options: object
) -> Path:
    log = write_log(folder, **options)  # type: ignore[arg-type]
    asked = table(log, "requests")
    arm_S = np.zeros(int(asked["shopper"].max()) + 1, np.int8)
    if treated is not None:
        arm_S = (np.random.default_rng(9).random(len(arm_S)) < treated).astype(np.int8)
    asked["arm"] = arm_S[asked["shopper"]]
    written(asked, log / "requests")
    for name in ("exposures", "orders"):
        rows = table(log, name)
        rows["item"] = (rows["item"] % ITEMS).astype(np.int32)
        if late:
            rows = rows[(rows["day"] > 0) | (rows["item"] >= late)]
        arm = arm_I[rows["item"]]
        rows["arm"] = arm if treated is None else np.minimum(arm, arm_S[rows["shopper"]])
        written(rows, log / name)
    items = pd.DataFrame(
        {
            "kind": "item",
            "unit": np.arange(ITEMS),
            "arm": arm_I,
            "at": np.where(np.arange(ITEMS) < late, DAY * 1.5, 0.0),
        }
    )
    shoppers = pd.DataFrame(
        {"kind": "shopper", "unit": np.arange(len(arm_S)), "arm": arm_S, "at": 0.0}
    )
    written(pd.concat([shoppers, items] if treated is not None else [items]), log / "assignments")
    return log
