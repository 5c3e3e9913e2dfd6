"""Sweeps that never were, for tests and for looking: lift over the gap and the demand.

`python -m tests.experiments.report.sweep.fake_sweep FOLDER` writes their pages.
"""

import math
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from experiments.inference.finding import corrected
from experiments.records.interval import Interval
from experiments.records.sweep import (
    Assumption,
    CellDifference,
    CellLift,
    CellRoom,
    CellRow,
    SweepRecord,
)
from experiments.report.sweep.page import render
from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.drawing import drawn
from experiments.sweep.assumptions.weighing import weighed
from experiments.sweep.cells import Cell, Sweep

GRID: dict[str, list[Any]] = {
    "queries.vocabulary_gap": [0.2, 0.35, 0.5, 0.65, 0.8],
    "queries.intents": [6_000, 15_000, 30_000, 60_000],
    "merge.limit": [100, 300],
}
LEVELS = {"orders": 0.0712, "gmv": 4.873}
REASON = "shoppers.phone_slots == 30, must be <= funnel.slots (20)"


def around(middle: float, half: float) -> Interval:
    return Interval(middle, middle - half, middle + half)


def grown(middle: float, half: float) -> Interval:
    return Interval(*(math.expm1(middle + side * half) for side in (0, -1, 1)))


def p_of(middle: float, half: float) -> float:
    return math.erfc(abs(middle) / half * 1.96 / math.sqrt(2))


def size_at(values: tuple[Any, ...], metric: str) -> tuple[float, float]:
    """A log lift and its half-width: up with the gap, down with the demand."""
    numbers = [each for each in values if isinstance(each, float)]
    gap = numbers[0] if numbers else 0.5
    demand = next((each for each in values if isinstance(each, int) and each > 1_000), 15_000)
    middle = 0.13 * (gap - 0.42) - 0.012 * math.log10(demand / 15_000)
    half = 0.008 * (1 + 0.6 * gap) * (1.8 if metric == "gmv" else 1.0)
    return middle, half


def fake_sweep(keys: int = 2, *, arms: int = 1, failing: str = "some") -> SweepRecord:
    """A sweep over the first settings of `GRID`.

    Args:
        keys: how many of them.
        arms: treatments.
        failing: which cells have no results: "none", "some" or "all".
    """
    swept = dict(list(GRID.items())[:keys])
    return of_grid(swept, arms=arms, failing=failing)


def of_grid(swept: dict[str, list[Any]], *, arms: int = 1, failing: str = "none") -> SweepRecord:
    """A sweep over any settings."""
    rows = list(product(*swept.values()))
    contrasts = [("control", f"cqsid{at or ''}") for at in range(arms)]
    cells = [_cell(number, values, len(rows), failing) for number, values in enumerate(rows)]
    found = [cell for cell in cells if cell.status == "done"]
    lifts, apart = [], []
    rng = np.random.default_rng(7)
    for metric in LEVELS:
        for at, contrast in enumerate(contrasts):
            sizes = {}
            for cell in found:
                middle, half = size_at(cell.values, metric)
                middle = (middle + rng.normal(0, 0.25 * half)) / (1 + at)
                sizes[cell.name] = middle, half
                lifts.append(_lift(cell.name, metric, contrast, middle, half))
            for cell in found[1:]:
                (one, half), (base, other) = sizes[cell.name], sizes[found[0].name]
                gap, wide = one - base, 0.7 * math.hypot(half, other)
                apart.append(
                    CellDifference(
                        *(cell.name, found[0].name, metric, contrast, grown(gap, wide)),
                        *(p_of(gap, wide), None, True),
                    )
                )
    return SweepRecord(
        name="when",
        seed=1,
        command="funnelab sweep when.toml --over queries.vocabulary_gap=0.2,0.35,0.5,0.65,0.8",
        overrides=(),
        keys=tuple(swept),
        primary="orders",
        metrics=tuple(LEVELS),
        confidence=0.95,
        base=found[0].name if found else "",
        cells=tuple(cells),
        lifts=corrected(lifts, family=lambda row: (row.metric, row.contrast)),
        rooms=tuple(_room(cell, arm) for cell in found for arm in ("control", contrasts[0][1])),
        differences=corrected(apart, family=lambda row: (row.metric, row.contrast)),
        warnings=(),
    )


def _cell(number: int, values: tuple[Any, ...], count: int, failing: str) -> CellRow:
    name = "_".join(str(each) for each in values)
    row = CellRow(name, values, f"cells/{name}", "done", "", (), 9, 4 if number else 0, 61.25)
    if failing == "all" or (failing == "some" and number == count - 1):
        return replace(row, status="invalid", reason=REASON, stages=0, shared=0, seconds=0.0)
    if failing == "some" and number == count // 2:
        told = "channel mine: raised ValueError"
        return replace(row, status="failed", reason=told, stages=0, shared=0, seconds=0.0)
    return row


def _lift(
    cell: str, metric: str, contrast: tuple[str, str], middle: float, half: float
) -> CellLift:
    relative = grown(middle, half)
    low, high = relative.ends or (0.0, 0.0)
    return CellLift(
        cell=cell,
        metric=metric,
        contrast=contrast,
        control=LEVELS[metric],
        relative=relative,
        resolution=(high - low) / 2,
        p_value=p_of(middle, half),
        p_holm=None,
        seeds=1,
        n=12_000,
    )


def _room(cell: CellRow, arm: str) -> CellRoom:
    middle, _ = size_at(cell.values, "orders")
    return CellRoom(
        cell=cell.name,
        arm=arm,
        event="purchase",
        recall=around(0.12 + middle, 0.03),
        catalogue=around(1.8, 0.2),
        pool=around(1.1, 0.1),
        kept=around(1.0, 0.1),
        pressure=around(2.8 - 10 * middle, 0.4),
        found=around(0.21 + middle, 0.03),
        unseen=around(0.23 + middle, 0.02),
    )


if __name__ == "__main__":
    for keys in (1, 2, 3):
        Path(sys.argv[1], f"sweep{keys}.html").write_text(render(fake_sweep(keys)))
    words = {"ranker.type": ["learned", "boosted", "merge"]}
    Path(sys.argv[1], "sweep-words.html").write_text(render(of_grid(words, arms=2)))
    Path(sys.argv[1], "sweep-none.html").write_text(render(fake_sweep(2, failing="all")))


def of_worlds(count: int = 24, moved: float = 0.06) -> SweepRecord:
    """Worlds drawn from three ranges, of which the first moves the lift by so much."""
    ranges = (
        Range("queries.vocabulary_gap", 0.2, 0.6),
        Range("shoppers.tolerance", 5.0, 20.0, log=True),
        Range("channels.lexical.limit", 50.0, 150.0, whole=True),
    )
    axis, rng = drawn(ranges, count, 1), np.random.default_rng(9)
    values = [(*map(float, row[:-1]), int(row[-1])) for row in axis.rows]
    plain = [
        CellRow(str(at), row, f"cells/{at}", "done", "", (), 9, 0, 60.0)
        for at, row in enumerate(values)
    ]
    lifts = []
    for metric in LEVELS:
        for cell in plain:
            middle = 0.01 + moved * (ranges[0].place(cell.values[0]) - 0.5) + rng.normal(0, 0.004)
            lifts.append(_lift(cell.name, metric, ("control", "cqsid"), middle, 0.01))
    lifts = list(corrected(lifts, family=lambda row: (row.metric, row.contrast)))
    cells = tuple(Cell(row.name, (), row.values, None) for row in plain)
    told = weighed(Sweep("when", (), axis.keys, cells, ranges), lifts, 0.95)
    return replace(
        fake_sweep(1),
        command="funnelab sweep when.toml --worlds 24",
        keys=axis.keys,
        base=plain[0].name,
        cells=tuple(plain),
        lifts=tuple(lifts),
        rooms=(),
        differences=(),
        assumptions=tuple(Assumption(each.key, each.low, each.high, each.log) for each in ranges),
        over=told.over,
        leans=told.leans,
        importance=told.importance,
    )
