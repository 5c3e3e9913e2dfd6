"""The bench in the terminal: hit rates, item recall, ids, and the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from experiments.records.ids import HIT_RATE, Cost, Gain, IdsRecord, Quality
from experiments.report.ids.verdict import BASES, Finding, finding, judge, middle, size_words
from experiments.report.kit.numbers import ABSENT, duration, fixed, number, percent
from experiments.report.terminal import compact

STYLES = {Finding.MORE: "green", Finding.LESS: "red"}


@dataclass(frozen=True)
class Summary:
    """What the bench found, to be printed by a rich console.

    Attributes:
        record: the bench.
        report: where the HTML report lies; left out where there is none.
    """

    record: IdsRecord
    report: Path | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Tables first, then what they allow to be said."""
        for mode in self.record.modes:
            yield hits_table(self.record, mode)
            yield Text()
            yield recall_table(self.record, mode)
            yield Text()
        if self.record.quality:
            yield ids_table(self.record)
            yield Text()
        verdict = judge(self.record)
        yield Text(verdict.sentence, style="bold")
        for said in (verdict.comparisons, verdict.schemes, verdict.paper, self.record.warnings):
            yield from (Text(sentence) for sentence in said)
        if self.report is not None:
            yield Text(f"Report: {self.report}", overflow="fold")


def plain_table(title: str, heads: Sequence[str]) -> Table:
    """A table with a name on the left and numbers on the right."""
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("scheme", no_wrap=True)
    for head in heads:
        table.add_column(Text(head), justify="right")
    return table


def gain_lines(record: IdsRecord, shown: str, gain: Gain | None) -> Text:
    """A level and its gain, below them the gain's interval; coloured where it is real."""
    if gain is None:
        return Text(f"{shown}\n")
    size, interval = size_words(gain)
    style = STYLES.get(finding(gain, record.confidence), "dim")
    below = "" if interval == ABSENT else f"({compact(interval)})"
    return Text.assemble(shown, "  ", (f"{compact(size)}\n{below}", style))


def hits_table(record: IdsRecord, mode: str) -> Table:
    """Hit rate at each beam, with the gain on the baseline and its interval."""
    title = f"Click hit rate, {mode}: level, and gain on {record.baseline}"
    table = plain_table(title, [f"beam {beam}" for beam in record.beams])
    for scheme in record.schemes:
        cells = []
        for beam in record.beams:
            row = record.of(scheme, mode, HIT_RATE, beam)
            found = row.value.estimate if row else None
            shown = ABSENT if found is None else fixed(found, 4)
            cells.append(gain_lines(record, shown, record.gain(scheme, mode, HIT_RATE, beam)))
        table.add_row(Text(scheme), *cells)
    return table


def recall_table(record: IdsRecord, mode: str) -> Table:
    """Item recall in the three comparisons, and the beam that matches the baseline."""
    at = middle(record.recall_sizes)
    heads = [label for _, label in BASES]
    limit = number(record.item_limit)
    table = plain_table(
        f"Item recall at {fixed(at, 0)}, {mode}; "
        f"beam that matches {record.baseline} at {limit} items",
        [*heads, "matching beam", "unreached"],
    )
    for scheme in record.schemes:
        cells = []
        for measure, _ in BASES:
            row = record.of(scheme, mode, measure, at)
            found = row.value.estimate if row else None
            shown = ABSENT if found is None else fixed(found, 4)
            cells.append(Text(shown))
        cost = cost_of(record, scheme, mode)
        beam = "" if cost is None else matched(record, cost)
        unreached = ABSENT if cost is None else percent(cost.without_id + cost.unreached)
        table.add_row(Text(scheme), *cells, Text(beam), Text(compact(unreached)))
    return table


def ids_table(record: IdsRecord) -> Table:
    """The ids of each scheme, means over seeds."""
    heads = ["ids", "perplexity", "Gini", "p99", "largest", "purity", "nearest", "trained"]
    table = plain_table("Ids, means over seeds", heads)
    for scheme, cells in quality_rows(record):
        table.add_row(Text(scheme), *(Text(compact(cell)) for cell in cells))
    return table


def quality_rows(record: IdsRecord) -> list[tuple[str, list[str]]]:
    """Each scheme's ids: number, perplexity by level, inequality, sizes, purity, cost."""
    rows = []
    for scheme in record.schemes:
        own = [row for row in record.quality if row.scheme == scheme]
        if own:
            rows.append((scheme, _quality_cells(own)))
    return rows


def _quality_cells(own: Sequence[Quality]) -> list[str]:
    levels = zip(*(row.perplexity_L for row in own), strict=True)
    return [
        fixed(fmean(row.ids for row in own), 0),
        " / ".join(number(mean(values), 2) for values in levels),
        number(mean(row.gini for row in own), 2),
        number(mean(row.p99 for row in own), 2),
        fixed(fmean(row.largest for row in own), 0),
        percent(mean(row.purity for row in own)),
        percent(mean(row.embedding_hit for row in own)),
        duration(mean(row.training_s for row in own)),
    ]


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def cost_of(record: IdsRecord, scheme: str, mode: str) -> Cost | None:
    """A scheme's costs, where there are some."""
    found = [row for row in record.costs if (row.scheme, row.mode) == (scheme, mode)]
    return found[0] if found else None


def matched(record: IdsRecord, cost: Cost) -> str:
    """The beam that matches the baseline, or that none does."""
    widest = max(point.beam for point in record.curves)
    return f"none to {widest}" if cost.matched_beam is None else str(cost.matched_beam)
