"""A run as plain tables: what was found, and its log with the shop's own ids and titles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from experiments.notebook.logtables import named_log, text
from experiments.notebook.results import Results
from experiments.records.metrics import Metrics
from experiments.running.models import LOG
from simulator.errors import StoreError

LOGGED = ("requests", "exposures", "orders")
FOUND = (
    *("estimates", "truth", "headroom", "shares", "contributions", "ids", "id_gains"),
    *("rewards", "rewards_offline", "lifts", "cells"),
)
"""The frames of `Results` that are written where the folder has them."""


def write_tables(results: Results, folder: Path, *, kind: Literal["parquet", "csv"]) -> list[Path]:
    """Write frames and tables of the log; memory does not grow with the log.

    Raises:
        DataError: a run whose log is not there, or is not whole.
    """
    made = [] if not (results.folder / Metrics.FILE).is_file() else _logged(results, folder, kind)
    for name, frame in _frames(results):
        path = folder / f"{name}.{kind}"
        frame.to_parquet(path, index=False) if kind == "parquet" else frame.to_csv(
            path, index=False
        )
        made.append(path)
    return made


def _logged(results: Results, folder: Path, kind: str) -> list[Path]:
    """Write the tables of the log, or nothing where one cannot be read."""
    made = []
    with named_log(results.folder / LOG, results.catalog) as log:
        asked = {name: log.sql(name) for name in LOGGED} | {"items": "SELECT * FROM items"}
        for name, sql in asked.items():
            path = folder / f"{name}.{kind}"
            log.connection.execute(f"COPY ({sql}) TO {text(str(path))} (FORMAT {kind})")
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
