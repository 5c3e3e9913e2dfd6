"""Guesses of catalogue steps against the simulated truth, or against what was hidden of a file.

Of a user's items nothing is known but what their file publishes. So a part of that is hidden, steps
learn from the rest, and what was hidden stands for the truth: `known_supply`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.binomial import exact_share
from experiments.records.apart.understanding import (
    ABSENT,
    CATEGORY,
    RIGHT,
    SYNONYM,
    TOLD,
    UNTOLD,
    WRONG,
    Calibrated,
    Understood,
)
from recall.texts.words import item_texts
from recall.understanding.cells import Cells, published_cells
from recall.understanding.filled import Filled, values_of
from recall.understanding.named import Names
from simulator.catalogue.catalog import Catalog, Supply

Flags = NDArray[np.bool_]
Longs = NDArray[np.int64]

EDGES = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0])
"""Of the confidences that are told together."""


@dataclass(frozen=True)
class TrueCells:
    """The F cells of a catalogue that have a value in truth.

    Attributes:
        cells: with their true values.
        published_F: what is published of each, -1: nothing.
        part_F: of a missing one, how its value is told; empty for others.
        bound_F: whether the best guess from category and brand is right.
    """

    cells: Cells
    published_F: Longs
    part_F: NDArray[np.str_]
    bound_F: Flags

    @staticmethod
    def of(supply: Supply) -> "TrueCells":
        """From the catalogue with its truth; none where it publishes no values at all."""
        structured, values_IV = values_of(supply.catalog), supply.truth.values_IV
        if supply.catalog.structured is None:
            values_IV = values_IV[:, :0]
        item_F, column_F = np.nonzero(values_IV >= 0)
        value_F = values_IV[item_F, column_F].astype(np.int64)
        cells = Cells(item_F, structured.attribute_W[value_F].astype(np.int64), value_F)
        published_F = looked_up(published_cells(supply.catalog), cells, len(structured.attributes))
        named_F, worded_F = _told(supply, cells)
        part_F = np.where(named_F, TOLD, np.where(worded_F, SYNONYM, UNTOLD))
        return TrueCells(
            cells, published_F, np.where(published_F < 0, part_F, ""), _best_guess(supply, cells)
        )


def known_supply(supply: Supply, lessened: Catalog) -> Supply:
    """What is known of a user's items, as if it were the truth.

    Args:
        supply: of the file.
        lessened: its catalogue with a part hidden.

    Returns:
        The lessened catalogue; what the file publishes in the place of the truth, -1 for a
        category that it does not tell.
    """
    published = values_of(supply.catalog)
    known = replace(
        supply.truth, values_IV=published.values_IV, category_I=supply.catalog.category_I
    )
    names = tuple((name,) for name in published.value_names)
    return replace(supply, catalog=lessened, truth=known, value_words=names)


def looked_up(known: Cells, cells: Cells, attributes: int) -> Longs:
    """(F,) the value that known cells have for each of some cells, -1: none."""
    if not len(known):
        return np.full(len(cells), -1, np.int64)
    key_K = known.item_F * attributes + known.attribute_F
    order_K = np.argsort(key_K, kind="stable")
    key_F = cells.item_F * attributes + cells.attribute_F
    at_F = order_K[np.minimum(np.searchsorted(key_K[order_K], key_F), len(key_K) - 1)]
    return np.where(key_K[at_F] == key_F, known.value_F[at_F], -1)


def _told(supply: Supply, cells: Cells) -> tuple[Flags, Flags]:
    """(F,) whether an item's texts have the value's own name, and any of its names."""
    ways = [
        (name, code, at == 0)
        for code, names in enumerate(supply.value_words)
        for at, name in enumerate(names)
    ]
    texts = item_texts(supply.catalog, description=True)
    item_E, way_E = Names([name for name, _, _ in ways]).found(texts)
    code_E, own_E = np.array([way[1] for way in ways])[way_E], np.array([w[2] for w in ways])[way_E]
    size = len(supply.value_words)
    key_F, key_E = cells.item_F * size + cells.value_F, item_E * size + code_E
    return np.isin(key_F, key_E[own_E]), np.isin(key_F, key_E)


def _best_guess(supply: Supply, cells: Cells) -> Flags:
    """(F,) whether the commonest value of other items of the category, and brand, is the true one.

    The better of two tables of the truth: by category, and by category and brand.
    """
    truth, attributes = supply.truth, len(values_of(supply.catalog).attributes)
    category_F = truth.category_I[cells.item_F].astype(np.int64)
    brand_F = truth.brand_I[cells.item_F].astype(np.int64) + 1
    by_category_F = category_F * attributes + cells.attribute_F
    by_both_F = by_category_F * (int(brand_F.max(initial=0)) + 1) + brand_F
    tables = [
        _commonest_of_others(group_F, cells.value_F) for group_F in (by_category_F, by_both_F)
    ]
    return max(tables, key=lambda right_F: float(right_F.mean()) if len(right_F) else 0.0)


def _commonest_of_others(group_F: Longs, value_F: Longs) -> Flags:
    """(F,) whether the commonest value of a group is a cell's own, the cell itself left out."""
    if not len(group_F):
        return np.zeros(0, np.bool_)
    wide = int(value_F.max()) + 1
    key_U, at_F, count_U = np.unique(
        group_F * wide + value_F, return_inverse=True, return_counts=True
    )
    group_U = key_U // wide
    order_U = np.lexsort((-count_U, group_U))
    first_G = np.flatnonzero(np.diff(group_U[order_U], prepend=-1))
    most_G = count_U[order_U][first_G]
    last = np.append(first_G[1:], len(order_U))
    has_next_G = first_G + 1 < last
    next_G = np.where(has_next_G, count_U[order_U][np.minimum(first_G + 1, len(order_U) - 1)], 0)
    place_F = np.searchsorted(group_U[order_U][first_G], group_F)
    own_F = count_U[at_F] == most_G[place_F]  # of equal ones any may be the commonest
    return np.asarray(own_F & (count_U[at_F] - 1 >= np.maximum(next_G[place_F], 1)))


def understood(
    step: str,
    filled: Filled,
    supply: Supply,
    true: TrueCells,
    *,
    surely: float,
    confidence: float,
    whole: bool = True,
) -> tuple[list[Understood], list[Calibrated]]:
    """Every share of one step.

    Args:
        step: its name.
        filled: all its guesses.
        supply: the catalogue with its truth.
        true: of the same.
        surely: confidence from which on it fills.
        confidence: level of the intervals.
        whole: whether all is known; if not, of cells and categories beyond those that were hidden
            nothing is told, and how sure guesses of values are is not, either: it counts in that an
            item may have no such value.
    """
    attributes = len(values_of(supply.catalog).attributes)
    found, sure_G, new_G = _guesses(filled, supply)
    guess_F = looked_up(found.rows(new_G), true.cells, attributes)
    place = Cells(found.item_F, found.attribute_F, np.arange(len(found)))
    at_F = looked_up(place.rows(new_G), true.cells, attributes)
    sure_F = np.where(at_F >= 0, sure_G[at_F], 0.0) if len(sure_G) else np.zeros(len(at_F))
    right_F = guess_F == true.cells.value_F
    rows: list[Understood] = []

    def tell(part: str, measure: str, hit: Flags) -> None:
        rows.append(_share(step, part, measure, hit, confidence))

    parts = (TOLD, SYNONYM, UNTOLD) if whole else (TOLD, UNTOLD)
    for part in parts if supply.catalog.structured is not None else ():
        here_F = true.part_F == part
        filled_F = here_F & (sure_F >= surely)
        tell(part, "accuracy", right_F[here_F])
        tell(part, "filled", filled_F[here_F])
        tell(part, "right", right_F[filled_F])
        if part == UNTOLD:
            tell(part, "bound", true.bound_F[here_F])
    calibrated: list[Calibrated] = []
    if whole and supply.catalog.structured is not None:
        true_G = looked_up(true.cells, found, attributes)
        tell(ABSENT, "filled", sure_G[new_G & (true_G < 0)] >= surely)
        right_G = true_G == found.value_F
        calibrated += _calibrated(step, "value", sure_G[new_G], right_G[new_G], confidence)
    told, sure = _of_categories(step, filled, supply, surely, confidence)
    rows, calibrated = rows + told, calibrated + sure
    if whole:
        rows += _of_published(step, filled, supply, true, surely, confidence)
    return rows, calibrated


def _share(step: str, part: str, measure: str, hit: Flags, confidence: float) -> Understood:
    share = exact_share(int(hit.sum()), len(hit), confidence=confidence)
    return Understood(step, part, measure, len(hit), share)


def _of_categories(
    step: str, filled: Filled, supply: Supply, surely: float, confidence: float
) -> tuple[list[Understood], list[Calibrated]]:
    """What becomes of items without a category."""
    missing_I = (supply.catalog.category_I < 0) & (supply.truth.category_I >= 0)
    same_I = (filled.catalog.category_I == supply.truth.category_I)[missing_I]
    sure_I = filled.category_confidence_I[missing_I].astype(np.float64)
    shares = (
        ("accuracy", same_I),
        ("filled", sure_I >= surely),
        ("right", same_I[sure_I >= surely]),
    )
    rows = [_share(step, CATEGORY, measure, hit, confidence) for measure, hit in shares]
    return rows, _calibrated(step, "category", sure_I, same_I, confidence)


def _guesses(filled: Filled, supply: Supply) -> tuple[Cells, NDArray[np.float64], Flags]:
    """What a filled catalogue holds, how surely, and which of it is new to its item."""
    found = published_cells(filled.catalog)
    values_IV = values_of(filled.catalog).values_IV
    sure_G = filled.confidence_IV[values_IV >= 0].astype(np.float64)
    own_I = (values_of(supply.catalog).values_IV >= 0).sum(axis=1)
    column_G = np.nonzero(values_IV >= 0)[1]
    return found, sure_G, column_G >= own_I[found.item_F]


def _of_published(
    step: str, filled: Filled, supply: Supply, true: TrueCells, surely: float, confidence: float
) -> list[Understood]:
    """What becomes of published values; nothing where none is replaced."""
    own = values_of(supply.catalog).values_IV
    now = values_of(filled.catalog).values_IV[:, : own.shape[1]]
    sure = filled.confidence_IV[:, : own.shape[1]] >= surely
    if not ((own >= 0) & (now != own)).any():
        return []
    item_P, column_P = np.nonzero(own >= 0)
    was_P = own[item_P, column_P].astype(np.int64)
    is_P = np.where(sure[item_P, column_P], now[item_P, column_P], was_P)
    structured = values_of(supply.catalog)
    cells = Cells(item_P, structured.attribute_W[was_P].astype(np.int64), was_P)
    true_P = looked_up(true.cells, cells, len(structured.attributes))
    wrong_P = true_P != was_P
    return [
        _share(step, part, measure, hit, confidence)
        for part, measure, hit in (
            (WRONG, "changed", (is_P != was_P)[wrong_P]),
            (WRONG, "corrected", (is_P == true_P)[wrong_P]),
            (RIGHT, "changed", (is_P != was_P)[~wrong_P]),
        )
    ]


def _calibrated(
    step: str, of: str, sure_G: NDArray[np.float64], right_G: Flags, confidence: float
) -> list[Calibrated]:
    bin_G = np.clip(np.searchsorted(EDGES, sure_G, side="right") - 1, 0, len(EDGES) - 2)
    rows = []
    for at in np.unique(bin_G).tolist():
        here_G = bin_G == at
        count = int(here_G.sum())
        share = exact_share(int(right_G[here_G].sum()), count, confidence=confidence)
        ends = float(EDGES[at]), float(EDGES[at + 1])
        rows.append(Calibrated(step, of, *ends, count, float(sure_G[here_G].mean()), share))
    return rows
