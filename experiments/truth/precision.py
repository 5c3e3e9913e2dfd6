"""How sure the truth is, and what it would take to be as sure as is wanted."""

import math
from collections.abc import Mapping

from experiments.records.truth import Truths

MOST_PAIRS = 200
"""Pairs of worlds that are lived at most for one run."""


def missed(truths: Truths, wanted: Mapping[str, float]) -> dict[str, float]:
    """By metric, the widest half-width that is known of its effects, where it is not small enough.

    An effect without an interval counts as infinitely wide, and so does a metric without effects.
    Only half-widths are looked at, never
    an effect's sign or size, so that stopping cannot favour a result.

    Args:
        truths: of a run.
        wanted: by metric, the half-width of the relative effect.
    """
    there = {row.metric for row in truths.truth}
    found = {name: math.inf for name in wanted if name not in there}
    for row in truths.truth:
        if row.metric in wanted:
            width = math.inf if row.resolution is None else row.resolution
            found[row.metric] = max(found.get(row.metric, 0.0), width)
    return {name: width for name, width in found.items() if width > wanted[name]}


def pairs_wanted(pairs: int, width: float, wanted: float) -> int:
    """About how many pairs of worlds it takes: half-widths fall with the root of their number."""
    return 2 * pairs if math.isinf(width) else math.ceil(pairs * (width / wanted) ** 2)


def shortfall(
    pairs: int, found: Mapping[str, float], wanted: Mapping[str, float]
) -> tuple[str, ...]:
    """What was not reached, in plain sentences."""
    return tuple(
        f"truth.resolution.{name} == {wanted[name]:g} was not reached: "
        + (
            f"the effect has no interval with {pairs} pairs of worlds"
            if math.isinf(width)
            else f"the effect is known to +-{width:.2%} with {pairs} pairs of worlds; about "
            f"{pairs_wanted(pairs, width, wanted[name])} would do (truth.minutes, truth.seeds)"
        )
        for name, width in found.items()
    )
