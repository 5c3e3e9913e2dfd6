"""The one table that `make bench` ends with: our figure, the peer's beside it, and the aim."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cqsid.kernels.choice import instruction_set, processor


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: what is computed; equal ones in a row are printed once.
        ours, unit: our figure; a rate unless the unit says otherwise.
        peer: who else computes it; empty where nobody does.
        theirs: the peer's figure in the same unit, None where it could not be measured.
        aim: what is wanted, in words; empty where nothing is.
        met: whether it is reached.
    """

    what: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float | None = None
    aim: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        ratio = self.ours / self.theirs if self.theirs else None
        return (
            self.what,
            figure(self.ours),
            self.unit,
            self.peer,
            figure(self.theirs),
            f"{figure(ratio)}x" if ratio is not None else "",
            instruction_set(),
            self.aim,
            {True: "yes", False: "NO", None: ""}[self.met],
        )


HEAD = ("what", "ours", "unit", "peer", "theirs", "ratio", "instructions", "aim", "met")


def figure(value: float | None) -> str:
    """Three digits that count, and no more."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def comparison(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of the table."""
    cells = [row.cells() for row in rows]
    named = [
        (after[0] if after[0] != before[0] else "", *after[1:])
        for before, after in pairwise([HEAD, *cells])
    ]
    return aligned([HEAD, *named], right={1, 4, 5})


def growth(sizes: dict[str, dict[str, dict[str, float]]]) -> Iterator[str]:
    """Core seconds and MB of each stage (columns) at each size (rows)."""
    stages = list(next(iter(sizes.values()))["seconds"])
    lines = [
        (size, *(f"{found['core_seconds'][s]:.1f} s {found['peak_mb'][s]:,.0f}" for s in stages))
        for size, found in sizes.items()
    ]
    return aligned([("size", *stages), *lines], right=set(range(1, len(stages) + 1)))


def machine() -> str:
    """What the figures were measured on, as far as it matters to them."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return (
        f"{processor()}, instructions {instruction_set()}, {os.cpu_count()} cores, load {load}, "
        f"OMP_NUM_THREADS {threads}"
    )


def aligned(rows: Sequence[tuple[str, ...]], right: set[int]) -> Iterator[str]:
    """Rows of cells as lines of equal columns, a rule under the first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
        if not number:
            yield "  ".join("-" * width for width in widths)
