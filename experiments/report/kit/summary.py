"""What a command prints in the end: tables, then what they allow to be said."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from experiments.report.kit.tables import Table


@dataclass(frozen=True)
class Summary:
    """What was found, to be printed by a rich console.

    Attributes:
        tables: above everything else.
        said: a line each.
        report: where the HTML report lies; left out where there is none.
    """

    tables: Sequence[Table]
    said: Sequence[Text]
    report: Path | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Tables with a line between, then what is said."""
        for table in self.tables:
            yield table
            yield Text()
        yield from self.said
        if self.report is not None:
            yield Text(f"Report: {self.report}", overflow="fold")
