"""Which exact sets of channels found what was seen, clicked and bought."""

from pathlib import Path

import duckdb

from experiments.attribution.record import OverlapRow
from experiments.diagnostics import SETS, overlap
from experiments.logviews import Manifest


def set_rows(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest
) -> list[OverlapRow]:
    """How many exposures, clicks and purchases each exact set of channels found.

    Returns:
        Rows by event and arm, the largest set first (ties by bitmask).
    """
    return [
        OverlapRow(row["arm"], row["event"], tuple(row["channels"]), row["count"], row["share"])
        for row in overlap(connection, log, manifest, tuple(SETS))
    ]
