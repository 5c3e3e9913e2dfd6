"""What an oracle would add to an arm's pages: the rows of `headroom` in truth.json."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import ratio
from experiments.inference.logs import EngineSpec, engine, scan
from experiments.records.truth import Cut, Headroom
from experiments.truth.files import HEADROOM
from experiments.truth.headroom import PAGES
from experiments.truth.oracle import GOALS, Goal
from simulator.shoppers.intents import Wording

HEAD, TORSO = 1 / 3, 2 / 3
"""Shares of requests that the most frequent texts make up: those are head, the next torso."""

FEWEST = 20
"""Requests below which a part of the sample is not told."""


def headroom_rows(
    arm: str, logs: Sequence[Path], *, confidence: float, spec: EngineSpec | None = None
) -> list[Headroom]:
    """What an oracle would add to an arm's pages: over all, by wording and by frequency.

    Args:
        arm: its name.
        logs: of its worlds, one for each luck; the samples lie beside them.
        confidence: level of the intervals, which are over lucks and shoppers.
        spec: threads and memory.
    """
    tables = [pq.read_table(log.parent / HEADROOM) for log in logs]
    columns = {
        name: np.concatenate([table[name].to_numpy() for table in tables])
        for name in tables[0].column_names
    }
    columns["luck"] = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    if not len(columns["request"]):
        return []
    requests = " UNION ALL ".join(f"SELECT text FROM {scan(log, 'requests')}" for log in logs)
    with engine(spec or EngineSpec()) as connection:
        query = f"SELECT text, count(*) AS n FROM ({requests}) GROUP BY text"
        found = connection.execute(query).fetchnumpy()
    text_T, count_T = (np.asarray(found[name], np.int64) for name in ("text", "n"))
    kind_R = _frequency(columns["text"], text_T, count_T)
    parts: list[tuple[Cut, str, NDArray[np.bool_]]] = [
        ("all", "all", np.ones(len(kind_R), np.bool_))
    ]
    parts += [("query", kind, kind_R == kind) for kind in ("head", "torso", "tail")]
    parts += [("wording", each.name.lower(), columns["wording"] == each) for each in Wording]
    rows = []
    for cut, part, in_part in parts:
        if in_part.sum() >= FEWEST:
            own = {name: column[in_part] for name, column in columns.items()}
            rows += [_row(arm, event, (cut, part), own, confidence) for event in GOALS]
    return rows


def _frequency(
    text_R: NDArray[np.int64], text_T: NDArray[np.int64], count_T: NDArray[np.int64]
) -> NDArray[np.str_]:
    """(R,) head, torso or tail: by the share of requests that more frequent texts make up."""
    order = np.lexsort((text_T, -count_T))
    before_T = np.zeros(len(text_T))
    before_T[order] = np.cumsum(count_T[order]) - count_T[order]
    share_T = before_T / count_T.sum()
    by_text_T = np.argsort(text_T)
    share_R = share_T[by_text_T[np.searchsorted(text_T[by_text_T], text_R)]]
    return np.where(share_R < HEAD, "head", np.where(share_R < TORSO, "torso", "tail"))


def _row(
    arm: str,
    event: Goal,
    part: tuple[Cut, str],
    columns: dict[str, NDArray[Any]],
    confidence: float,
) -> Headroom:
    who, at_R = np.unique(columns["shopper"], return_inverse=True)
    lucks = int(columns["luck"].max()) + 1

    def table(page: str) -> NDArray[np.float64]:
        out_SU = np.zeros((lucks, len(who)))
        np.add.at(out_SU, (columns["luck"], at_R), columns[f"{event}_{page}"])
        return out_SU

    served_SU = table("served")
    gains = [
        ratio(table(page) - served_SU, served_SU, confidence=confidence).interval
        for page in PAGES[1:]
    ]
    return Headroom(
        arm=arm,
        event="purchase" if event == "orders" else event,
        cut=part[0],
        part=part[1],
        served=float(columns[f"{event}_served"].mean()),
        **dict(zip(PAGES[1:], gains, strict=True)),
        requests=len(columns["request"]),
        shoppers=len(who),
    )
