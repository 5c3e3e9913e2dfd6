"""A table as one value, drawn on a page and printed in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.report.kit.markup import Html, tag


@dataclass(frozen=True)
class Table:
    """Rows of names and numbers.

    Attributes:
        caption: what they are of.
        head: of the columns.
        rows: cells: texts, numbers, or what knows how it looks.
        names: how many columns, from the left, are names; the others are numbers.
    """

    caption: str
    head: Sequence[object]
    rows: Sequence[Sequence[object]]
    names: int = 1

    def __html__(self) -> Html:
        """On a page: scrolled sideways where it is wider."""
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
                    tag("th", cell, scope="row") if at == 0 else tag("td", cell, cls=self._side(at))
                    for at, cell in enumerate(row)
                ),
            )
            for row in self.rows
        ]
        parts = tag("caption", self.caption), tag("thead", header), tag("tbody", *body)
        return scrolled(tag("table", *parts), self.caption)

    def _side(self, column: int) -> str | None:
        """Numbers stand to the right, names to the left."""
        return None if column < self.names else "num"


def scrolled(table: Html, name: str) -> Html:
    """A table that is scrolled sideways where it is wider than the page."""
    return tag("div", table, cls="scroll", tabindex="0", role="region", aria_label=name)
