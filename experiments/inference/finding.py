"""Whether a difference is real: the one rule by which every page and table speaks of one."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Protocol, TypeVar

from experiments.records.interval import Interval, Number


class Finding(StrEnum):
    """What can be said about one difference."""

    MORE = "more"
    """Real: above zero, also after correcting for the number of comparisons."""

    LESS = "less"
    """Real, and below zero."""

    ALONE = "alone"
    """Beyond chance by itself, but with so many comparisons one such may be chance."""

    UNTOLD = "untold"
    """Within chance."""

    MISSING = "missing"
    """There is no interval: unknown."""

    UNREADABLE = "unreadable"
    """The arms' sizes are not those that were planned, or one showed nothing: no effect is read."""

    @property
    def real(self) -> bool:
        """Whether it may be told as a difference."""
        return self in (Finding.MORE, Finding.LESS)


def decide(
    *intervals: Interval,
    tested: tuple[Number, Number] | None = None,
    confidence: float = 0.95,
) -> Finding:
    """What may be said about a difference.

    A difference that stands alone is decided by its intervals: each of them that there is must
    exclude zero, on the same side. One of a family of comparisons is decided by its p-value, by
    itself and then corrected for the family's size; the sign is the estimate's.

    Args:
        intervals: of the difference; several where it is told on several scales.
        tested: p-value of no difference, and the corrected one, where it is one of a family. No
            corrected one proves nothing.
        confidence: level of the family; that of the intervals is their own.
    """
    known = [each for each in intervals if each.low is not None and each.high is not None]
    estimate = intervals[0].estimate
    if estimate is None or not known:
        return Finding.MISSING
    if tested is None:
        excluded = all(each.holds(0.0) is False for each in known)
        sides = {(each.low or 0.0) > 0 for each in known}
        if not excluded or len(sides) > 1:
            return Finding.UNTOLD
        return Finding.MORE if sides.pop() else Finding.LESS
    p_value, p_holm = tested
    if p_value is None:
        return Finding.MISSING
    if p_value >= 1 - confidence or estimate == 0:
        return Finding.UNTOLD
    if p_holm is None or p_holm >= 1 - confidence:
        return Finding.ALONE
    return Finding.MORE if estimate > 0 else Finding.LESS


class Tested(Protocol):
    """A row with a p-value that can be corrected for the number of rows."""

    @property
    def p_value(self) -> Number:
        """Of no difference."""

    @property
    def p_holm(self) -> Number:
        """The same, corrected."""


AnyTested = TypeVar("AnyTested", bound=Tested)


def holm(p_values: Sequence[Number]) -> tuple[Number, ...]:
    """p-values corrected for their number; None stays None and is not counted.

    The smallest of n is multiplied by n, the next by n - 1, and so on; none ends below one that was
    smaller (Holm, "A simple sequentially rejective multiple test procedure", 1979).
    """
    found: list[Number] = [None] * len(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    least = 0.0
    for smaller, (p, place) in enumerate(known):
        least = max(least, min(1.0, (len(known) - smaller) * p))
        found[place] = least
    return tuple(found)


def corrected(
    rows: Sequence[AnyTested], family: Callable[[AnyTested], Hashable] = lambda row: "all"
) -> tuple[AnyTested, ...]:
    """Rows with their p-values corrected for the number of comparisons.

    Args:
        rows: any rows of a record that have `p_value` and `p_holm`.
        family: which family a row is compared in; None: in none, its `p_holm` stays as it is.
    """
    found = list(rows)
    for name in dict.fromkeys(family(row) for row in rows):
        places = [at for at, row in enumerate(rows) if family(row) == name and name is not None]
        for at, p in zip(places, holm([rows[at].p_value for at in places]), strict=True):
            found[at] = replace(rows[at], p_holm=p)  # type: ignore[type-var]
    return tuple(found)
