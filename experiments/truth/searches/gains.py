"""What an oracle would add to an arm's pages, and how scarce recall is: rows of truth.json."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import ratio, share
from experiments.inference.logs import EngineSpec, engine, scan
from experiments.records.truth import Cut, Headroom, Scarcity
from experiments.truth.files import HEADROOM
from experiments.truth.headroom import PAGES
from experiments.truth.oracle import GOALS, Goal
from experiments.truth.searches.frequency import FREQUENCIES, frequencies
from simulator.shoppers.intents import Wording

FEWEST = 20
"""Requests below which a part of the sample is not told."""


Part = tuple[Cut, str]
Columns = dict[str, NDArray[Any]]


def headroom_rows(
    arm: str, logs: Sequence[Path], *, confidence: float, spec: EngineSpec | None = None
) -> tuple[list[Headroom], list[Scarcity]]:
    """What an oracle would add to an arm's pages: over all, by wording and by frequency.

    And, in the same parts, how scarce recall is.

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
        return [], []
    requests = " UNION ALL ".join(f"SELECT text FROM {scan(log, 'requests')}" for log in logs)
    with engine(spec or EngineSpec()) as connection:
        query = f"SELECT text, count(*) AS n FROM ({requests}) GROUP BY text"
        found = connection.execute(query).fetchnumpy()
    text_T, count_T = (np.asarray(found[name], np.int64) for name in ("text", "n"))
    by_text_T = np.argsort(text_T)
    text_T = text_T[by_text_T]
    kind_T = frequencies(count_T[by_text_T])
    kind_R = kind_T[np.searchsorted(text_T, columns["text"])]
    parts: dict[Part, NDArray[np.bool_]] = {("all", "all"): np.ones(len(kind_R), np.bool_)}
    parts |= {("query", kind): kind_R == number for number, kind in enumerate(FREQUENCIES)}
    parts |= {("wording", each.name.lower()): columns["wording"] == each for each in Wording}
    rooms, scarce = [], []
    for part, in_part in parts.items():
        if in_part.sum() >= FEWEST:
            own = {name: column[in_part] for name, column in columns.items()}
            rooms += [_row(arm, event, part, own, confidence) for event in GOALS]
            scarce.append(_scarcity(arm, part, own, confidence))
    return rooms, scarce


def _row(
    arm: str,
    event: Goal,
    part: Part,
    columns: Columns,
    confidence: float,
) -> Headroom:
    served_SU = _by_shopper(columns, columns[f"{event}_served"])
    gains = [
        ratio(
            _by_shopper(columns, columns[f"{event}_{page}"]) - served_SU,
            served_SU,
            confidence=confidence,
        ).interval
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
        shoppers=served_SU.shape[1],
    )


def _scarcity(arm: str, part: Part, columns: Columns, confidence: float) -> Scarcity:
    ones_R, first_R = np.ones(len(columns["request"])), columns["first"].astype(np.float64)

    def table(values_R: NDArray[np.number]) -> NDArray[np.float64]:
        return _by_shopper(columns, values_R)

    held = ((columns["found"], columns["relevant"]), (columns["unseen"] * first_R, first_R))
    found, unseen = (
        share(table(top_R), table(of_R), confidence=confidence).interval for top_R, of_R in held
    )
    scarce = ratio(
        table(columns["relevant"] / columns["limit"]), table(ones_R), confidence=confidence
    )
    return Scarcity(
        arm=arm,
        cut=part[0],
        part=part[1],
        relevant=float(columns["relevant"].mean()),
        limit=int(columns["limit"][0]),
        pressure=scarce.interval,
        found=found,
        unseen=unseen,
        requests=len(ones_R),
        shoppers=len(np.unique(columns["shopper"])),
    )


def _by_shopper(columns: Columns, values_R: NDArray[np.number]) -> NDArray[np.float64]:
    """(S, U) sums of S lucks and U shoppers."""
    who, at_R = np.unique(columns["shopper"], return_inverse=True)
    out_SU = np.zeros((int(columns["luck"].max()) + 1, len(who)))
    np.add.at(out_SU, (columns["luck"], at_R), values_R)
    return out_SU
