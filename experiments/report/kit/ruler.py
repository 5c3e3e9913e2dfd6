"""Words along an axis: as many as there is room for, at any width of the page."""

from itertools import pairwise

from experiments.report.kit.digits import THIN
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.scales import Axis, place

ROOMS = (4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96)
"""Widths of an axis that the style knows, in rem."""

_LETTER, _THIN, _GAP = 0.47, 0.2, 0.35  # of a letter, a thin space, and between words, in rem
_EVERY = {2: "odd", 4: "rare", 8: "most"}  # classes of words that go first, second and last


def labels(axis: Axis, kind: str = "") -> list[Html]:
    """The words, each with a class that says when it gives way.

    Zero, or else the first word, never does. Every second one counted from there goes first, then
    every second of those that are left, and at last all others.

    Args:
        axis: of which the words are.
        kind: class of each.
    """
    ticks = axis.ticks
    start = next((n for n, (value, _) in enumerate(ticks) if value == 0), 0)
    return [
        tag("span", label, style=place(left=axis.at(at)), cls=_class(kind, abs(n - start)))
        for n, (at, label) in enumerate(ticks)
        if label
    ]


def room(axis: Axis) -> str:
    """The class of what holds the words: how wide it must be for all of them."""
    if not axis.thin:
        return ""
    ticks = [(axis.at(value), _width(label)) for value, label in axis.ticks if label]
    wanted = [
        100 * (_GAP + (one + other) / 2) / (right - left)
        for (left, one), (right, other) in pairwise(ticks)
        if right > left
    ]
    need = max(wanted, default=0.0)
    return f"fits-{next((room for room in ROOMS if room >= need), ROOMS[-1])}"


def _width(label: str) -> float:
    return sum(_THIN if letter == THIN else _LETTER for letter in label)


def _class(kind: str, steps: int) -> str | None:
    every = next((name for each, name in _EVERY.items() if steps % each), "")
    return " ".join(filter(None, (kind, every))) or None
