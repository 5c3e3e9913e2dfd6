"""Rates of what a scorer makes of a stress set, with intervals over its items."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.binomial import exact_share
from experiments.inference.intervals.student import student
from experiments.records.apart.stress import (
    EVERY,
    FILLED,
    MONOTONICITY,
    SENSITIVITY,
    TOLD,
    UNTOLD,
    Ordering,
    WinRate,
)
from experiments.records.interval import UNKNOWN, Interval
from experiments.stress.conditions import STYLES, ConditionSet
from experiments.stress.scoring import Compared, Floats
from recall.texts.words import words
from recall.understanding.filledcatalog import FilledCatalog

Kind = Literal["channel", "ranker", "judge"]


def win_rates(
    scorer: str,
    kind: Kind,
    found: Compared,
    of: ConditionSet,
    confidence: float,
    filled_PK: NDArray[np.bool_] | None = None,
) -> list[WinRate]:
    """A row for each wording, number of conditions, and part that has comparisons.

    Args:
        scorer, kind: what was asked.
        found: what it says.
        of: the set.
        confidence: level of the intervals.
        filled_PK: untold conditions that its catalogue step has filled; None: it has none.
    """
    parts = {EVERY: np.ones_like(of.told_PK), TOLD: of.told_PK, UNTOLD: ~of.told_PK}
    if filled_PK is not None:
        parts[FILLED] = filled_PK
    rows = []
    for at, style in enumerate(STYLES):
        for k in range(found.ahead_SPK.shape[2]):
            for part, here_PK in parts.items():
                ahead_P = found.ahead_SPK[at, here_PK[:, k], k]
                tied_P = found.tied_SPK[at, here_PK[:, k], k]
                known_P = ~np.isnan(ahead_P)
                count, won = int(known_P.sum()), int(np.nansum(ahead_P))
                if count == 0:
                    continue
                share = exact_share(won, count, confidence=confidence)
                tied = float(np.nanmean(tied_P))
                rows.append(WinRate(scorer, kind, style, k + 1, part, count, share, tied))
    return rows


def filled_conditions(of: ConditionSet, catalog: FilledCatalog) -> NDArray[np.bool_]:
    """(P, K) last conditions that an item's texts tell with added words, and do not without."""
    added_I = catalog.added_I
    filled_PK = np.zeros_like(of.told_PK)
    if added_I is None:
        return filled_PK
    for row, item in enumerate(of.item_P.tolist()):
        more = frozenset(added_I[item].split())
        said = more.union(words(catalog.title_I[item]), words(catalog.description_I[item]))
        for k in range(int(of.count_P[row]) if more else 0):
            last = words(of.texts_SPK[0, row, k].rpartition(", ")[2])
            filled_PK[row, k] = not of.told_PK[row, k] and said.issuperset(last)
    return filled_PK


def orderings(scorer: str, kind: Kind, found: Compared, confidence: float) -> list[Ordering]:
    """Monotonicity in each wording, and how much it hangs on the wording."""
    measured: list[tuple[str, str, Floats]] = [
        (MONOTONICITY, style, found.ordered_SPK[at]) for at, style in enumerate(STYLES)
    ]
    measured.append((SENSITIVITY, "", found.turned_PK))
    return [
        Ordering(scorer, kind, measure, style, *_over_items(values_PK, confidence))
        for measure, style, values_PK in measured
    ]


def _over_items(values_PK: NDArray[np.float32], confidence: float) -> tuple[int, Interval]:
    """Comparisons, and the share of them that is 1, whose luck is that of the items."""
    known_PK = ~np.isnan(values_PK)
    count_P, won_P = known_PK.sum(axis=1), np.nansum(values_PK, axis=1).astype(np.float64)
    asked_P = count_P > 0
    items, count = int(asked_P.sum()), int(count_P.sum())
    if count == 0:
        return 0, UNKNOWN
    share = float(won_P.sum() / count)
    rest_P = (won_P - share * count_P)[asked_P]
    if items < 2 or not rest_P.any():  # as if each item were one yes or no
        around = exact_share(round(share * items), items, confidence=confidence)
        return count, Interval(share, around.low, around.high)
    error = math.sqrt(items / (items - 1) * float(rest_P @ rest_P)) / count
    found, _ = student(share, error, items - 1, confidence=confidence)
    low, high = found.ends or (0.0, 1.0)
    return count, Interval(share, max(low, 0.0), min(high, 1.0))
