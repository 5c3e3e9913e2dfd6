"""A run as plain tables: what was found, and its log with the shop's own ids and titles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from experiments.notebook.logtables import named_log, text
from experiments.notebook.results import Results
from experiments.running.models import LOG
from simulator.errors import StoreError

LOGGED = ("requests", "exposures", "orders")
FOUND = (
    *("estimates", "truth", "headroom", "shares", "contributions", "ids", "id_gains"),
    *("rewards", "rewards_offline", "lifts", "cells"),
)
"""The frames of `Results` that are written where the folder has them."""


def write_tables(results: Results, folder: Path, *, kind: Literal["parquet", "csv"]) -> list[Path]:
    """Write frames and tables of the log; memory does not grow with the log."""
    made = []
    for name, frame in _frames(results):
        path = folder / f"{name}.{kind}"
        frame.to_parquet(path, index=False) if kind == "parquet" else frame.to_csv(
            path, index=False
        )
        made.append(path)
    if (results.folder / LOG).is_dir():
        with named_log(results.folder / LOG, results.catalog) as log:
            for name in (*LOGGED, "items"):
                path = folder / f"{name}.{kind}"
                asked = "SELECT * FROM items" if name == "items" else log.sql(name)
                log.connection.execute(f"COPY ({asked}) TO {text(str(path))} (FORMAT {kind})")
                made.append(path)
    return made


def _frames(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in FOUND:
        try:
            frame = getattr(results, name)
        except StoreError:  # this folder is of something else
            continue
        if len(frame):
            yield name, frame
