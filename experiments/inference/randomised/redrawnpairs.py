"""An A/A test of both sides drawn many times over: shoppers and items get their arms anew.

As `redrawn`, for an experiment that splits shoppers and items: where no arm does anything, what a
shopper did with an item is what both would have done in any arm. The estimator is that of
`twosided`, on arrays. Axis suffixes: S shoppers, I items, P pairs of both, C columns, V as of
`PairMoments`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from experiments.designs.layout import TwoSidedLayout
from experiments.inference.intervals.student import student
from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import added_by, summed_by_table
from experiments.inference.randomised.grouped import FEWEST_GROUPS
from experiments.inference.randomised.pairs import PairMoments
from experiments.inference.randomised.redrawn import (
    NOTHING,
    Assigns,
    Floats,
    Ints,
    Redrawn,
    Test,
    told,
)
from experiments.inference.randomised.twosided import two_sided_means


class AssignsBoth(Protocol):
    """A split of shoppers and items that can be drawn anew."""

    @property
    def shoppers(self) -> Assigns:
        """The split of shoppers."""

    @property
    def listings(self) -> Assigns:
        """The split of items."""


@dataclass(frozen=True)
class PairOutcomes:
    """What shoppers of a log did with items, whichever arms both were in.

    Attributes:
        shopper_S: those who searched, in rising order.
        item_I: the items on sale, in rising order.
        shopper_P, item_P: of each pair that has anything, the places of both.
        columns: names of the sums.
        sums_CP: of each pair.
    """

    shopper_S: Ints
    item_I: Ints
    shopper_P: Ints
    item_P: Ints
    columns: tuple[str, ...]
    sums_CP: Floats

    def of(self, column: str) -> Floats:
        """(P,) one of the sums."""
        return np.asarray(self.sums_CP[self.columns.index(column)])


def pair_outcomes(
    log: Path, item_I: Ints, metrics: Sequence[Metric], *, spec: EngineSpec | None = None
) -> PairOutcomes:
    """Read them from a log; memory grows with the pairs.

    Args:
        log: of a world.
        item_I: the items on sale, in rising order.
        metrics: those that are sums over slots are told.
        spec: threads and memory.

    Raises:
        DataError: the folder is no log.
    """
    read_manifest(log)
    wanted = {column for metric in metrics for column in metric.columns}
    columns = tuple(sorted(wanted & TwoSidedLayout.columns))
    parts = [
        f"SELECT shopper, item, {sums} FROM {scan(log, table)} GROUP BY ALL"
        for table, sums in summed_by_table(columns)
    ]
    with engine(spec or EngineSpec()) as connection:
        asked = f"SELECT DISTINCT shopper FROM {scan(log, 'requests')} ORDER BY shopper"
        shopper_S = np.asarray(connection.execute(asked).fetchnumpy()["shopper"], np.int64)
        found = connection.execute(
            f"{added_by('shopper, item', parts, columns)} ORDER BY shopper, item"
        ).fetchnumpy()
    return PairOutcomes(
        shopper_S=shopper_S,
        item_I=item_I,
        shopper_P=np.searchsorted(shopper_S, np.asarray(found["shopper"], np.int64)),
        item_P=np.searchsorted(item_I, np.asarray(found["item"], np.int64)),
        columns=columns,
        sums_CP=np.array([np.asarray(found[name], np.float64) for name in columns]),
    )


def redrawn_pairs(
    made: PairOutcomes,
    metrics: Sequence[Metric],
    splits: Iterable[AssignsBoth],
    layout: TwoSidedLayout,
    *,
    confidence: float,
) -> Redrawn:
    """Test the same pairs again and again, both sides split anew.

    Args:
        made: what shoppers do with items in control.
        metrics: what is compared; all of them sums over pairs.
        splits: one for each test, into arms 0 (control) and 1 (treatment).
        layout: of the design, whose estimator it is.
        confidence: level of the intervals.
    """
    tests = []
    for split in splits:
        arm_S = split.shoppers.assign(made.shopper_S, np.zeros(len(made.shopper_S)))
        arm_I = split.listings.assign(made.item_I, np.zeros(len(made.item_I)))
        arms = arm_S.astype(np.int64), arm_I.astype(np.int64)
        tests.append([_test(moments_of(made, m, *arms), layout, confidence) for m in metrics])
    return told(metrics, tests)


def _test(moments: PairMoments, layout: TwoSidedLayout, confidence: float) -> Test:
    if min(moments.shoppers_i.min(), moments.items_j.min()) < FEWEST_GROUPS:
        return NOTHING
    means = None
    if moments.under_ij.min() > 0 and moments.top_ij.any():
        means = two_sided_means(moments, layout.estimator, layout.weight)
    if means is None:
        return NOTHING
    interval, p_value = student(means.effect, means.error, means.freedom, confidence=confidence)
    low, high = interval.ends or (np.nan, np.nan)
    return means.levels[0], means.effect, low, high, p_value


def moments_of(made: PairOutcomes, metric: Metric, arm_S: Ints, arm_I: Ints) -> PairMoments:
    """Those of `Pairs.moments`, under given arms 0 and 1.

    Args:
        made: what shoppers do with items.
        metric: a sum over pairs.
        arm_S, arm_I: of every shopper and item.
    """
    shoppers_i, items_j = (np.bincount(arm, minlength=2).astype(float) for arm in (arm_S, arm_I))
    i_P, j_P = arm_S[made.shopper_P], arm_I[made.item_P]
    y_P = made.of(metric.numerator)
    x_P = None if metric.denominator is None else made.of(metric.denominator)

    def by_cell(value_P: Floats) -> Floats:
        return np.asarray(np.bincount(i_P * 2 + j_P, value_P, 4).reshape(2, 2), np.float64)

    def by_side(place_P: Ints, other_P: Ints, count: int, value_P: Floats) -> Floats:
        sums = np.bincount(place_P * 2 + other_P, value_P, 2 * count)
        return np.asarray(sums.reshape(count, 2), np.float64)

    sides = (made.shopper_P, j_P, arm_S), (made.item_P, i_P, arm_I)
    each = 1 / max(items_j.sum(), 1.0)
    of_sides = []
    for (place_P, other_P, arm_U), others in zip(sides, (items_j, shoppers_i), strict=True):
        of_y = by_side(place_P, other_P, len(arm_U), y_P)
        if x_P is None:
            of_x = np.tile(others * each, (len(arm_U), 1))
        else:
            of_x = by_side(place_P, other_P, len(arm_U), x_P)
        vector_UV = np.hstack((of_y, of_x))
        of_sides.append(
            np.stack([vector_UV[arm_U == arm].T @ vector_UV[arm_U == arm] for arm in (0, 1)])
        )
    all_ij = np.outer(shoppers_i, items_j)
    if x_P is None:
        squares = by_cell(y_P * y_P), by_cell(y_P) * each, all_ij * each**2
    else:
        squares = by_cell(y_P * y_P), by_cell(x_P * y_P), by_cell(x_P * x_P)
    return PairMoments(
        top_ij=by_cell(y_P),
        under_ij=all_ij * each if x_P is None else by_cell(x_P),
        shoppers_i=shoppers_i,
        items_j=items_j,
        of_shoppers_iVV=of_sides[0],
        of_items_jVV=of_sides[1],
        of_pairs_ij3=np.stack(squares, axis=2),
    )
