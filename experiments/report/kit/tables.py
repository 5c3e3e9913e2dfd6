"""A table as one value, drawn on a page and printed in a terminal."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich import box, table as rich_table
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from experiments.report.kit.digits import ABSENT, THIN
from experiments.report.kit.markup import Html, join, tag

FEW = 7  # columns of a table that is drawn at full size
ROOM, HALF = 119, 57  # letters of a full table beside each other on a page, and in half of one
_BETWEEN, _SMALL, _LARGE = (
    1.2,
    0.85,
    1.08,
)  # such letters: between columns, small, large
_PARTS = re.compile("(?<= to) | (?=[\u2192\u00b1])")

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True)
class Cell:
    """A level, and below it how it differs from another; what is empty is left out.

    Attributes:
        level: in words.
        change: the difference in words.
        interval: of the difference; of the level where there is none.
        told: 1: really more; -1: really less; 0: perhaps chance.
    """

    level: str = ""
    change: str = ""
    interval: str = ABSENT
    told: int = 0

    def __html__(self) -> Html:
        """On a page: below each other, with an arrow where a difference is real."""
        mark = {1: "\u25b2 ", -1: "\u25bc "}.get(self.told, "")
        kind = {1: "told up", -1: "told down"}.get(self.told, "untold")
        return tag(
            "div",
            tag("span", self.level, cls="level") if self.level else None,
            tag("span", mark + self.change, cls=kind) if self.change else None,
            tag("small", parted(self.interval)) if self.interval != ABSENT else None,
            cls="entry",
        )

    def __rich__(self) -> Text:
        """In a terminal: below each other, coloured where a difference is real."""
        style = {1: "green", -1: "red"}.get(self.told, "dim")
        below = "" if self.interval == ABSENT else "\n" + self.interval.rstrip("%")
        change = compact(self.change + below) if self.change else ""
        between = "\n" if self.level and change else ""
        return Text.assemble(compact(self.level), between, (change, style))


@dataclass(frozen=True)
class Table:
    """Rows of names and numbers.

    Attributes:
        caption: what they are of.
        head: of the columns.
        rows: cells: texts, numbers, or what knows how it looks.
        names: how many columns, from the left, are names; the others are numbers.
        spare: columns that a narrow terminal leaves out.
        bold: the row that a terminal shows in bold.
        whole: whether a terminal rather breaks the lines of numbers than those of names.
        room: letters that have place beside each other on a wide page.
    """

    caption: str
    head: Sequence[object]
    rows: Sequence[Sequence[object]]
    names: int = 1
    spare: Sequence[int] = ()
    bold: int | None = None
    whole: bool = True
    room: int = ROOM

    @classmethod
    def of(
        cls,
        caption: str,
        rows: Iterable[Row],
        *columns: tuple[str | tuple[str, ...] | Html, Callable[[Row], Any]],
        names: int = 1,
    ) -> "Table":
        """A line for each row of a record.

        Args:
            caption: what they are of.
            rows: of a record.
            columns: a head and what is read under it; several heads, and as many cells of one read.
            names: how many columns, from the left, are names.
        """

        def spread(head: object, told: Any) -> Iterable[object]:
            return told if isinstance(head, tuple) else [told]

        heads = [each for head, _ in columns for each in spread(head, head)]
        cells = [[c for head, read in columns for c in spread(head, read(row))] for row in rows]
        return cls(caption, heads, cells, names)

    @classmethod
    def grid(
        cls,
        caption: str,
        corner: str,
        rows: Mapping[str, object],
        columns: Mapping[Key, object],
        cell: Callable[[str, Key], object],
    ) -> "Table":
        """Some things by others: keys with what stands for them, and what is told of two keys."""
        cells = [[label, *(cell(row, key) for key in columns)] for row, label in rows.items()]
        return cls(caption, [corner, *columns.values()], cells)

    def __html__(self) -> Html:
        """On a page: ranges in two lines where it would be wider, scrolled where it is still."""
        header = tag(
            "tr",
            *(
                tag("th", cell, scope="col", cls=self._side(at))
                for at, cell in enumerate(self.head)
            ),
        )
        body = [
            tag(
                "tr",
                *(
                    tag("th", cell, scope="row")
                    if at == 0
                    else tag("td", cell if at < self.names else parted(cell), cls=self._side(at))
                    for at, cell in enumerate(row)
                ),
            )
            for row in self.rows
        ]
        parts = tag("caption", self.caption), tag("thead", header), tag("tbody", *body)
        kinds = ["full"] * (len(self.head) > FEW) + ["crowded"] * self._crowded
        return scrolled(tag("table", *parts, cls=" ".join(kinds) or None), self.caption)

    @property
    def _crowded(self) -> bool:
        """Whether it is wider than its place if no number is broken, by its letters."""
        columns = zip(self.head, *self.rows, strict=True)
        widths = (
            max(_letters(cell, whole=row > 0 and at >= self.names) for row, cell in enumerate(each))
            for at, each in enumerate(columns)
        )
        size = 1.0 if len(self.head) > FEW else _LARGE
        return size * sum(width + _BETWEEN for width in widths) > self.room

    @property
    def markdown(self) -> str:
        """As a table of GitHub's Markdown, under its caption."""
        sides = [":--" if at < self.names else "--:" for at in range(len(self.head))]
        lines = [_piped(self.head), _piped(sides), *(_piped(row) for row in self.rows)]
        return "\n".join([f"**{self.caption}**", "", *lines])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """In a terminal: without its spare columns where they would break the lines."""
        every = range(len(self.head))
        grid = self._grid(every)
        needed = Measurement.get(console, options.update(max_width=1000), grid).maximum
        if self.spare and needed > options.max_width:
            grid = self._grid([at for at in every if at not in self.spare])
        yield grid

    def _side(self, column: int) -> str | None:
        """Numbers stand to the right, names to the left."""
        return None if column < self.names else "num"

    def _grid(self, columns: Sequence[int]) -> rich_table.Table:
        """Some columns for a terminal."""
        grid = rich_table.Table(
            title=Text(self.caption, style="bold"),
            title_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1, 0, 0),
        )
        for at in columns:
            if at == 0 and not self.whole:
                grid.add_column(_terminal(self.head[at]), overflow="fold", min_width=12)
            else:
                stays = self.whole == (at == 0)
                side: Any = "left" if at == 0 else "right"
                grid.add_column(_terminal(self.head[at]), justify=side, no_wrap=stays)
        for at, row in enumerate(self.rows):
            style = "bold" if at == self.bold else None
            grid.add_row(*(_terminal(row[column]) for column in columns), style=style)
        return grid


def compact(shown: str) -> str:
    """Numbers close to their units, as terminals have room for."""
    return shown.replace(THIN, "")


def scrolled(table: Html, name: str) -> Html:
    """A table that is scrolled sideways where it is wider than the page."""
    return tag("div", table, cls="scroll", tabindex="0", role="region", aria_label=name)


def parted(cell: object) -> object:
    """Numbers that are broken where a reader would: before brackets, then inside a range."""
    if not isinstance(cell, str) or isinstance(cell, Html):
        return cell
    groups = [_PARTS.split(group) for group in re.split(r" (?=\()|(?<=\)) ", cell)]
    if len(groups) == len(groups[0]) == 1:
        return cell
    shown = (join([tag("span", part, cls="part") for part in parts], " ") for parts in groups)
    return join([tag("span", group, cls="group") for group in shown], " ")


def _letters(cell: object, *, whole: bool) -> float:
    """About how many letters a cell needs beside each other; names may be broken between words."""
    if isinstance(cell, Cell):
        small = 0.0 if cell.interval == ABSENT else _SMALL * len(cell.interval)
        return max(len(cell.level), len(cell.change) + 2 * bool(cell.told), small)
    shown = re.sub("<[^>]+>", "", str(cell)) if isinstance(cell, Html) else plain(cell)
    return max(map(len, [shown] if whole else shown.split()), default=0)


def plain(cell: object) -> str:
    """A cell as text of one line."""
    if isinstance(cell, Cell):
        around = "" if cell.interval == ABSENT else f"({cell.interval})"
        return " ".join(filter(None, (cell.level, cell.change, around)))
    return (cell.plain if isinstance(cell, Text) else str(cell)).replace("\n", " ")


def _piped(cells: Iterable[object]) -> str:
    told = (plain(cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(told)} |"


def _terminal(cell: object) -> Text:
    if isinstance(cell, Text):
        return cell
    return cell.__rich__() if isinstance(cell, Cell) else Text(compact(str(cell)))
