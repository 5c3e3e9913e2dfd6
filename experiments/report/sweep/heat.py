"""Heat maps: a tile for each pair of values, and the line along which a quantity is zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from experiments.report.kit.curves import lines, outline
from experiments.report.kit.markup import Html, tag

Spot = tuple[float, float]
"""A place between tiles: columns from the left and rows from the top, in tiles."""


@dataclass(frozen=True)
class Tile:
    """One tile.

    Attributes:
        value: of which the contour is drawn; None where there is none.
        words: one below the other.
        kind: class: "up", "down", "untold" or "gone".
        strength: of its colour, from 0 to 1.
        told: what is told of it when it is pointed at.
    """

    value: float | None
    words: Sequence[str]
    kind: str
    strength: float = 0.0
    told: str = ""


def heat_map(
    tiles: Sequence[Sequence[Tile]],
    across: Sequence[str],
    down: Sequence[str],
    names: tuple[str, str],
    *,
    contour: bool,
) -> Html:
    """Tiles with the words of their columns below and of their rows at the left.

    Args:
        tiles: rows from top to bottom, each from left to right.
        across, down: words of columns and rows.
        names: what the columns and the rows are.
        contour: draw the line of zero; only where both are scales.
    """
    drawn = [tag("div", *(_tile(each) for each in row), cls="tiles-row") for row in tiles]
    paths = []
    if contour:
        height, width = len(tiles), len(across)
        paths = [
            tag(
                "path",
                d=outline([(100 * x / width, 100 * y / height) for x, y in segment]),
                cls="zero-line",
            )
            for segment in zero_line([[each.value for each in row] for row in tiles])
        ]
    rows = tag("div", *(tag("span", word) for word in down), cls="tiles-down")
    columns = tag("div", *(tag("span", word) for word in across), cls="tiles-across")
    grid = tag("div", *drawn, lines(*paths) if paths else None, cls="tiles")
    upright = tag("span", names[1], cls="tiles-yname")
    return tag(
        *("div", upright, rows, grid, tag("div"), columns),
        tag("span", names[0], cls="tiles-xname"),
        cls="heat",
        style=f"--columns:{len(across)};--rows:{len(down)}",
    )


def _tile(tile: Tile) -> Html:
    first, *further = tile.words or ("",)
    return tag(
        "div",
        tag("b", first),
        *(tag("small", each) for each in further),
        cls=f"tile {tile.kind}",
        style=f"--strength:{100 * tile.strength:.0f}%" if tile.strength else None,
        title=tile.told or None,
    )


def zero_line(values: Sequence[Sequence[float | None]]) -> list[tuple[Spot, Spot]]:
    """Pieces of the line along which a quantity on a grid is zero (marching squares).

    Between two neighbours it is taken to change evenly. Of four tiles whose signs cross, that of
    their mean decides which corners are cut off. Nothing is drawn beside a tile without a value.

    Args:
        values: rows from top to bottom; the middle of the first tile is at (0.5, 0.5).

    Returns:
        The ends of each piece.
    """
    pieces = []
    for top, (row, below) in enumerate(pairwise(values)):
        for left, square in enumerate(zip(row, row[1:], below[1:], below, strict=False)):
            known = [each for each in square if each is not None]  # clockwise from the top left
            if len(known) == 4:
                pieces += [
                    ((left + 0.5 + a[0], top + 0.5 + a[1]), (left + 0.5 + b[0], top + 0.5 + b[1]))
                    for a, b in _pieces(known)
                ]
    return pieces


_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))


def _pieces(square: Sequence[float]) -> list[tuple[Spot, Spot]]:
    """The pieces in one square, its values clockwise from the top left."""
    crossings = {}
    for side in range(4):
        one, other = square[side], square[(side + 1) % 4]
        if (one > 0) != (other > 0):
            share = one / (one - other)
            (x, y), (to_x, to_y) = _CORNERS[side], _CORNERS[(side + 1) % 4]
            crossings[side] = (x + share * (to_x - x), y + share * (to_y - y))
    sides = list(crossings)
    if len(sides) == 2:
        return [(crossings[sides[0]], crossings[sides[1]])]
    if len(sides) != 4:
        return []
    # The corner between sides 3 and 0 is cut off where it is not on the side of the mean.
    alone = (square[0] > 0) != (sum(square) > 0)
    pairs = ((3, 0), (1, 2)) if alone else ((0, 1), (2, 3))
    return [(crossings[a], crossings[b]) for a, b in pairs]
