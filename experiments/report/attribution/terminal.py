"""Attribution in the terminal: credit beside incrementality, a line for each channel."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from experiments.records.attribution import AttributionRecord, ValueRow
from experiments.report.kit.numbers import ABSENT, interval_decimals, percent, range_of

_CREDITED = ("any_touch", "exclusive", "fractional")


@dataclass(frozen=True)
class Summary:
    """What was found, to be printed by a rich console.

    Attributes:
        record: the attribution.
        report: where the HTML report lies; left out where there is none.
    """

    record: AttributionRecord
    report: Path | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table of GMV, what must be known, and the report."""
        yield credit_table(self.record)
        yield Text()
        yield from (Text(f"Warning: {sentence}") for sentence in self.record.warnings)
        if self.report is not None:
            yield Text(f"Report: {self.report}", overflow="fold")


def credit_table(record: AttributionRecord) -> Table:
    """The measured arm's channels: shares of GMV by rule, Shapley share, and what is lost."""
    table = Table(
        title=Text(f"GMV of arm {record.arm}", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    rules = [rule for rule in _CREDITED if rule in record.rules] or list(record.rules[:3])
    methods = list(dict.fromkeys(row.method for row in record.values))
    table.add_column("channel", no_wrap=True)
    for head in [*rules, *(f"{method}: Shapley, lift" for method in methods)]:
        table.add_column(head, justify="right")
    for channel in record.arms[record.arm]:
        cells = [_credit(record, rule, channel) for rule in rules]
        cells += [_worth(record.values, method, channel) for method in methods]
        table.add_row(channel, *cells)
    return table


def _credit(record: AttributionRecord, rule: str, channel: str) -> str:
    wanted = (rule, channel, "gmv", record.arm, "all")
    found = [
        row.share.estimate
        for row in record.credits
        if (row.rule, row.channel, row.event, row.arm, row.cut) == wanted
    ]
    return percent(found[0]) if found else ABSENT


def _worth(values: Iterable[ValueRow], method: str, channel: str) -> str:
    """The Shapley share, and the lift over the funnel without the channel with its interval."""
    rows = {
        row.index: row
        for row in values
        if (row.method, row.channel, row.event) == (method, channel, "gmv")
    }
    shapley, without = rows.get("shapley"), rows.get("leave_one_out")
    share = percent(shapley.share.estimate) if shapley is not None else ABSENT
    if without is None or without.relative.estimate is None:
        return f"{share}, {ABSENT}"
    decimals = interval_decimals(without.relative)
    lift = percent(without.relative.estimate, decimals, sign=True)
    if without.relative.low is None or without.relative.high is None:
        return f"{share}, {lift}"
    return f"{share}, {lift} ({range_of(without.relative, decimals)})"
