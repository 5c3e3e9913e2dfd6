"""A test drawn many times over: what it would have said with other units in its arms.

Where no arm does anything, what a unit did is what it would have done in any arm, so that the law
of the test follows from the log by drawing the arms anew (Fisher, "The design of experiments",
1935). With two worlds of equal luck, one of each arm, the same holds of an effect, as far as units
do not touch each other. A thousand tests of a log take seconds: each is a few sums over its units.

The estimator is that of `grouped`, on arrays. Axis suffixes: U units, G groups, S strata, C
columns, R repetitions, M metrics, A arms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.designs.layout import Layout
from experiments.inference.intervals.student import ROUNDING, student, welch
from experiments.inference.logs import EngineSpec, scan
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import UNITS, open_cells
from experiments.inference.randomised.grouped import FEWEST_GROUPS
from experiments.inference.randomised.permutation import permutation_tests
from simulator.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Test = tuple[float, float, float, float, float]
"""Level of control, effect, its lower and upper end, and the p-value of no effect."""

NOTHING: Test = (np.nan, np.nan, np.nan, np.nan, np.nan)
"""A test without an estimate."""


class Assigns(Protocol):
    """A split that can be drawn anew, such as a design."""

    def assign(self, unit_U: Ints, at_U: Floats) -> NDArray[np.int8]:
        """The arm of each unit at simulated seconds."""


@dataclass(frozen=True)
class Outcomes:
    """What the units of a log did, in the order of groups and strata.

    Attributes:
        unit_U: number of the unit; one that is in several strata has several rows.
        at_U: simulated seconds of its first request.
        group_U, stratum_U: its group, and the stratum of the row.
        columns: names of the sums.
        sums_CU: of each row.
        shoppers: who searched.
    """

    unit_U: Ints
    at_U: Floats
    group_U: Ints
    stratum_U: Ints
    columns: tuple[str, ...]
    sums_CU: Floats
    shoppers: int

    def of(self, column: str) -> Floats:
        """(U,) one of the sums."""
        return np.asarray(self.sums_CU[self.columns.index(column)])


def outcomes(
    log: Path, layout: Layout, metrics: Sequence[Metric], *, spec: EngineSpec | None = None
) -> Outcomes:
    """What the units of a log did, whichever arms they were in.

    Memory grows with the units.

    Raises:
        DataError: the folder is no log, or slots of its pages have arms of their own.
    """
    if layout.slots:
        raise DataError(f"{layout.design} == arms of slots, must be arms of units to be drawn anew")
    by_unit = replace(layout, group=layout.key)
    with open_cells(log, by_unit, metrics, spec=spec) as cells:
        source = scan(log, "requests")
        if layout.by_text:
            source += f" JOIN {scan(log, 'texts')} USING (text)"
        names = (UNITS, *cells.columns)
        sums = ", ".join(f"sum({name})::DOUBLE AS {name}" for name in names)
        found = cells.connection.execute(
            f"SELECT * FROM (SELECT grp AS unit, stratum, {sums} FROM cells GROUP BY grp, stratum) "
            f"JOIN (SELECT ({layout.key})::BIGINT AS unit, ({layout.stratum})::BIGINT AS stratum, "
            f'min({layout.group})::BIGINT AS own, min("at") AS moment FROM {source} '
            f"WHERE {layout.kept} GROUP BY 1, 2) USING (unit, stratum) ORDER BY own, stratum, unit"
        ).fetchnumpy()
        row = cells.connection.execute("SELECT count(DISTINCT shopper) FROM asked").fetchone()
    sums_CU = np.array([np.asarray(found[name], np.float64) for name in names])
    return Outcomes(
        unit_U=np.asarray(found["unit"], np.int64),
        at_U=np.asarray(found["moment"], np.float64),
        group_U=np.asarray(found["own"], np.int64),
        stratum_U=np.asarray(found["stratum"], np.int64),
        columns=names,
        sums_CU=sums_CU,
        shoppers=int((row or (0,))[0]),
    )


@dataclass(frozen=True)
class Redrawn:
    """R tests of M metrics; NaN where a test has no estimate.

    Attributes:
        metrics: their names.
        level_RM: of control, per shopper where the metric has no denominator.
        effect_RM, low_RM, high_RM: treatment minus control, with its interval.
        p_RM: two-sided p-value of no effect.
    """

    metrics: tuple[str, ...]
    level_RM: Floats
    effect_RM: Floats
    low_RM: Floats
    high_RM: Floats
    p_RM: Floats


def redrawn(
    control: Outcomes,
    metrics: Sequence[Metric],
    splits: Iterable[Assigns],
    *,
    confidence: float,
    treatment: Outcomes | None = None,
    permuted: bool = False,
) -> Redrawn:
    """Test the same units again and again, each time split anew.

    Args:
        control: what the units do in control.
        metrics: what is compared; all of them sums over units.
        splits: one for each test, into arms 0 (control) and 1 (treatment).
        confidence: level of the intervals.
        treatment: what they do in treatment; None: the same (an A/A test).
        permuted: see `Layout.permuted`.

    Raises:
        DataError: the worlds of control and of treatment have other units.
    """
    twins = Twins.of(control, treatment, permuted=permuted)
    return told(metrics, [twins.tested(metrics, split, confidence) for split in splits])


def told(metrics: Sequence[Metric], tests_RM5: Sequence[Sequence[Test]]) -> Redrawn:
    """Tests as columns, from their numbers in the order of `Test`."""
    made_5RM = np.array(tests_RM5, np.float64).reshape(-1, len(metrics), 5).transpose(2, 0, 1)
    return Redrawn(tuple(metric.name for metric in metrics), *made_5RM)


@dataclass(frozen=True)
class Twins:
    """What the same units do in control and in treatment: rows of both stand beside each other.

    Attributes:
        control, treatment: of the two worlds.
        scale: units of a shopper, by which a level without a denominator becomes one of a shopper.
        permuted: see `Layout.permuted`.
    """

    control: Outcomes
    treatment: Outcomes
    scale: float
    permuted: bool = False

    @classmethod
    def of(
        cls, control: Outcomes, treatment: Outcomes | None = None, *, permuted: bool = False
    ) -> "Twins":
        """Both worlds' outcomes; without a treatment they are those of control, too.

        Raises:
            DataError: the worlds have other units.
        """
        scale = float(control.of(UNITS).sum()) / max(control.shoppers, 1)
        if treatment is None:
            return cls(control, control, scale, permuted)
        if _same(control, treatment):
            return cls(control, treatment, scale, permuted)
        return cls(*_matched(control, treatment), scale, permuted)

    def tested(self, metrics: Sequence[Metric], split: Assigns, confidence: float) -> list[Test]:
        """Level of control, effect, both ends and p-value of each metric, under a split.

        Units in arms beyond the second take no part.
        """
        arm_U = split.assign(self.control.unit_U, self.control.at_U)
        if arm_U.max(initial=0) > 1:
            kept_U = np.flatnonzero(arm_U <= 1)
            return self.rows(kept_U)._tests(metrics, arm_U[kept_U] == 1, confidence)
        return self._tests(metrics, arm_U == 1, confidence)

    def rows(self, rows: NDArray[np.intp]) -> "Twins":
        """Some rows of both worlds, in this order; a row may come several times."""
        one = rows_of(self.control, rows)
        same = self.treatment is self.control
        other = one if same else rows_of(self.treatment, rows)
        return replace(self, control=one, treatment=other)

    @cached_property
    def _places(self) -> tuple[int, Ints, int, Ints]:
        """How many groups there are and which each row is of, and the same of strata."""
        groups, group_U = np.unique(self.control.group_U, return_inverse=True)
        strata, stratum_U = np.unique(self.control.stratum_U, return_inverse=True)
        return len(groups), group_U, len(strata), stratum_U

    def _tests(
        self, metrics: Sequence[Metric], treated_U: NDArray[np.bool_], confidence: float
    ) -> list[Test]:
        groups, group_U, strata, stratum_U = self._places
        cells = _Cells(treated_U.astype(np.int64), group_U, stratum_U, groups, strata)

        def shown(column: str) -> Floats:
            if self.treatment is self.control:
                return self.control.of(column)
            return np.where(treated_U, self.treatment.of(column), self.control.of(column))

        sums = [(shown(each.numerator), shown(each.denominator or UNITS)) for each in metrics]
        per = [1.0 if metric.denominator else self.scale for metric in metrics]
        if self.permuted:
            return cells.permuted(sums, per, confidence)
        return [cells.tested(*of, by, confidence) for of, by in zip(sums, per, strict=True)]


def _same(one: Outcomes, other: Outcomes) -> bool:
    """Whether the rows of both are of the same units in the same strata."""
    return np.array_equal(one.unit_U, other.unit_U) and np.array_equal(
        one.stratum_U, other.stratum_U
    )


def _matched(one: Outcomes, other: Outcomes) -> tuple[Outcomes, Outcomes]:
    """The rows of units that are in both worlds, in one order.

    Raises:
        DataError: too many are in one alone, as sessions that an arm brings about.
    """
    kind = [("unit", np.int64), ("stratum", np.int64)]
    keys = []
    for each in (one, other):
        key_U = np.empty(len(each.unit_U), kind)
        key_U["unit"], key_U["stratum"] = each.unit_U, each.stratum_U
        keys.append(key_U)
    _, rows, others = np.intersect1d(keys[0], keys[1], return_indices=True)
    lost = 1 - len(rows) / max(len(keys[0]), len(keys[1]), 1)
    if lost > MOST_UNMATCHED:
        raise DataError(
            f"units of two worlds == {lost:.1%} without a twin, must be the same: arms change "
            "which units there are"
        )
    return rows_of(one, rows), rows_of(other, others)


MOST_UNMATCHED = 0.02
"""Part of the units of a world that may lack a twin in the other one: those are left out."""


def rows_of(made: Outcomes, rows: NDArray[np.intp]) -> Outcomes:
    """Some rows, in this order; a row may come several times."""
    return replace(
        made,
        unit_U=made.unit_U[rows],
        at_U=made.at_U[rows],
        group_U=made.group_U[rows],
        stratum_U=made.stratum_U[rows],
        sums_CU=made.sums_CU[:, rows],
    )


@dataclass(frozen=True)
class _Cells:
    """Where the rows of a split stand: the arm of each, its group and its stratum from 0."""

    arm_U: Ints
    group_U: Ints
    stratum_U: Ints
    groups: int
    strata: int

    def by_stratum(self, value_U: Floats) -> Floats:
        """(S, 2) sums by stratum and arm."""
        cell_U = self.stratum_U * 2 + self.arm_U
        sums = np.bincount(cell_U, value_U, 2 * self.strata)
        return np.asarray(sums.reshape(self.strata, 2), np.float64)

    def by_group(self, value_U: Floats | NDArray[np.bool_]) -> Floats:
        """(G, 2) sums by group and arm."""
        cell_U = self.group_U * 2 + self.arm_U
        sums = np.bincount(cell_U, value_U, 2 * self.groups)
        return np.asarray(sums.reshape(self.groups, 2), np.float64)

    def tested(self, top_U: Floats, under_U: Floats, per: float, confidence: float) -> Test:
        """See `grouped` for the formulas; NaNs where an arm has nothing to divide by."""
        top_SA, under_SA = self.by_stratum(top_U), self.by_stratum(under_U)
        kept_S = np.all(under_SA > 0, axis=1)
        if not kept_S.any():
            return NOTHING
        weight_S = np.where(kept_S, under_SA.sum(axis=1), 0.0)
        weight_S /= weight_S.sum()
        divisor_SA = np.where(kept_S[:, None], under_SA, 1.0)
        ratio_SA = np.where(kept_S[:, None], top_SA / divisor_SA, 0.0)
        factor_SA = weight_S[:, None] / divisor_SA
        level_A = weight_S @ ratio_SA
        off_U = top_U - ratio_SA[self.stratum_U, self.arm_U] * under_U
        z_GA = self.by_group(off_U * factor_SA[self.stratum_U, self.arm_U])
        there_GA = self.by_group(kept_S[self.stratum_U]) > 0
        n_A, n = there_GA.sum(axis=0), int(there_GA.any(axis=1).sum())
        if n_A.min() < FEWEST_GROUPS:
            return NOTHING
        variance_A = (z_GA**2).sum(axis=0) * n_A / (n_A - 1)
        together = float((z_GA[:, 0] * z_GA[:, 1]).sum()) * n / (n - 1)
        apart = float(variance_A.sum())
        error = float(np.sqrt(max(apart - 2 * together, 0.0)))
        if error <= ROUNDING * float(np.abs(level_A).max()):
            return NOTHING
        errors = float(np.sqrt(variance_A[0])), float(np.sqrt(variance_A[1]))
        alone = welch(errors, (float(n_A[0] - 1), float(n_A[1] - 1)))
        freedom = n - 1 if n_A.sum() > n else alone
        effect = float(level_A[1] - level_A[0])
        interval, p_value = student(effect, error, float(freedom), confidence=confidence)
        ends = interval.ends or (np.nan, np.nan)
        return (float(level_A[0]) * per, effect * per, ends[0] * per, ends[1] * per, p_value)

    def permuted(
        self, sums: Sequence[tuple[Floats, Floats]], per: Sequence[float], confidence: float
    ) -> list[Test]:
        """See `permutation`; NaNs where a test has no interval.

        Args:
            sums: (U,) numerators and denominators of each metric.
            per: units of a shopper by which a level is multiplied.
            confidence: level of the intervals.
        """
        treated_G = self.by_group(np.ones(len(self.arm_U)))[:, 1] > 0
        if min(treated_G.sum(), (~treated_G).sum()) < FEWEST_GROUPS:
            return [NOTHING] * len(sums)
        by_group = [
            (self.by_group(top_U).sum(axis=1), self.by_group(under_U).sum(axis=1))
            for top_U, under_U in sums
        ]
        tests = permutation_tests(by_group, treated_G, confidence=confidence, relative=False)
        found = []
        for (top_G, under_G), by, test in zip(by_group, per, tests, strict=True):
            if test is None or test.effect.ends is None or test.effect.estimate is None:
                found.append(NOTHING)
                continue
            base = float(top_G[~treated_G].sum() / under_G[~treated_G].sum())
            low, high = test.effect.ends
            found.append((base * by, test.effect.estimate * by, low * by, high * by, test.p_value))
        return found
