"""A test of an effect drawn many times over, its units with it.

A real test's units are a sample, and its interval allows for another one. Where the units of two
worlds are kept and only the split is drawn anew, the estimate varies less than the interval says
whenever the effect differs from unit to unit (Neyman, 1923, translated in Statistical Science 5,
1990, 465-480): such an interval would hold too often, and the test find too seldom or too often.
So the independent groups are drawn with replacement first (Efron, The Annals of Statistics 7, 1979,
1-26; of whole groups), then the split.

Axis suffixes as of `redrawn`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.inference.metrics import Metric
from experiments.inference.randomised.redrawn import (
    Assigns,
    Ints,
    Outcomes,
    Redrawn,
    Twins,
    told,
)


def resampled(
    control: Outcomes,
    treatment: Outcomes,
    metrics: Sequence[Metric],
    splits: Iterable[Assigns],
    *,
    confidence: float,
    seed: int,
    spacing: int | None = None,
    permuted: bool = False,
) -> Redrawn:
    """Test an effect again and again, each time on another sample of groups, split anew.

    Args:
        control, treatment: what the same units do in either arm.
        metrics: what is compared; all of them sums over units.
        splits: one for each test, into arms 0 (control) and 1 (treatment).
        confidence: level of the intervals.
        seed: luck of the samples; each test has a stream of its own, so that more tests leave the
            earlier ones as they are.
        spacing: how far apart the numbers of units of successive groups are, where a unit's arm
            hangs on its place in time, as in periods that mirror each other: a drawn group then
            stands in the place of another. None: the units of a drawn group get numbers of their
            own.
        permuted: see `Layout.permuted`.

    Raises:
        DataError: the worlds of control and of treatment have other units.
    """
    groups = _Groups.of(Twins.of(control, treatment, permuted=permuted), spacing)
    tests = [
        groups.drawn(np.random.default_rng([seed, number])).tested(metrics, split, confidence)
        for number, split in enumerate(splits)
    ]
    return told(metrics, tests)


@dataclass(frozen=True)
class _Groups:
    """Rows of two worlds in the order of groups, to be drawn group by group.

    Attributes:
        twins: of both worlds.
        label_G: numbers of the groups.
        start_G, size_G: the first row of each, and how many it has.
        unit_U: units counted from 0.
        units: how many there are.
        spacing: as of `resampled`.
    """

    twins: Twins
    label_G: Ints
    start_G: Ints
    size_G: Ints
    unit_U: Ints
    units: int
    spacing: int | None

    @classmethod
    def of(cls, twins: Twins, spacing: int | None) -> "_Groups":
        """The groups of two worlds."""
        ordered = twins.rows(np.argsort(twins.control.group_U, kind="stable"))
        made = ordered.control
        label_G, start_G, size_G = np.unique(made.group_U, return_index=True, return_counts=True)
        units, unit_U = np.unique(made.unit_U, return_inverse=True)
        return cls(ordered, label_G, start_G, size_G, unit_U, len(units), spacing)

    def drawn(self, rng: np.random.Generator) -> Twins:
        """As many groups, drawn with replacement."""
        place_G = np.arange(len(self.label_G))
        pick_G = rng.integers(len(place_G), size=len(place_G))
        size_G = self.size_G[pick_G]
        place_U = np.repeat(place_G, size_G)
        before_G = np.cumsum(size_G) - size_G
        row_U = np.arange(len(place_U)) + np.repeat(self.start_G[pick_G] - before_G, size_G)
        found = self.twins.rows(row_U)
        if self.spacing is None:
            unit_U = place_U * self.units + self.unit_U[row_U]
        else:
            moved_G = self.label_G[place_G] - self.label_G[pick_G]
            unit_U = found.control.unit_U + self.spacing * moved_G[place_U]
        own = {"unit_U": unit_U, "group_U": self.label_G[place_U]}
        return replace(
            found,
            control=replace(found.control, **own),
            treatment=replace(found.treatment, **own),
        )
