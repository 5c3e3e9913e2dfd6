"""The lab in the terminal: offline measures, true lifts, trust, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from experiments.records.rewards import Offline, Online, RewardsRecord
from experiments.report.kit.numbers import ABSENT, between, fixed, percent
from experiments.report.kit.sentences import meaning
from experiments.report.rewards.controls import controls_headline
from experiments.report.rewards.overview import RULES, share_of
from experiments.report.rewards.trust import LEADING, metrics_of, ranked, trust_sentence
from experiments.report.rewards.verdict import Finding, finding, judge
from experiments.report.rewards.words import (
    level,
    measure_name,
    shown_measures,
    shown_metrics,
    size_words,
)
from experiments.report.terminal import compact

STYLES = {Finding.MORE: "green", Finding.LESS: "red"}
COLUMNS = 4  # of measures in one table, so that it fits a terminal of 80 characters
SHORT = {"gmv": "GMV", "uctcvr": "UCTCVR", "orders": "orders", "ctr": "CTR"}


@dataclass(frozen=True)
class Summary:
    """What the lab found, to be printed by a rich console.

    Attributes:
        record: the lab.
        report: where the HTML report lies; left out where there is none.
    """

    record: RewardsRecord
    report: Path | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Tables first, then what they allow to be said."""
        for table in tables(self.record):
            yield table
            yield Text()
        verdict = judge(self.record)
        yield Text(verdict.sentence, style="bold")
        yield Text(verdict.offline)
        yield Text(controls_headline(self.record))
        for words in verdict.policies:
            yield Text()
            yield Text(words.policy, style="bold")
            yield from (Text(sentence) for sentence in words.sentences)
        said = [trust_sentence(self.record, metric) for metric in leading(self.record)]
        for sentence in (*said, *self.record.warnings):
            yield Text()
            yield Text(sentence)
        if self.report is not None:
            yield Text(f"Report: {self.report}", overflow="fold")


def tables(record: RewardsRecord) -> list[Table]:
    """All tables of which the record has rows."""
    measures = shown_measures(record)
    cuts = range(0, len(measures), COLUMNS)
    found = [offline_table(record, measures[at : at + COLUMNS]) for at in cuts]
    if record.online:
        found.append(online_table(record))
    if record.policy_shares:
        found.append(shares_table(record))
    return found + ([trust_table(record)] if record.trust else [])


def plain_table(title: str, first: str, heads: Sequence[str]) -> Table:
    """A table with a name on the left and numbers on the right."""
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(first, overflow="fold", min_width=12)
    for head in heads:
        table.add_column(Text(head), justify="right", no_wrap=True)
    return table


def change_lines(record: RewardsRecord, row: Offline | Online | None) -> Text:
    """A difference, and below it its interval; coloured where it is real."""
    if row is None:
        return Text(ABSENT)
    size, interval = size_words(row)
    style = STYLES.get(finding(row, record.confidence), "dim")
    below = "" if interval == ABSENT else f"\n{compact(interval).rstrip('%')}"
    return Text(compact(size) + below, style=style)


def offline_table(record: RewardsRecord, measures: Sequence[str]) -> Table:
    """Levels, with differences from the supervised model and their intervals."""
    title = f"Offline: level, and difference from {record.baseline}"
    table = plain_table(title, "policy", [measure_name(measure) for measure in measures])
    for policy in record.policies:
        cells = []
        for measure in measures:
            row = record.offline_of(policy.name, measure)
            shown = Text(ABSENT if row is None else level(measure, row.value.estimate))
            if policy.name != record.baseline:
                shown = Text.assemble(shown, "\n", change_lines(record, row))
            cells.append(shown)
        table.add_row(Text(policy.name), *cells)
    return table


def online_table(record: RewardsRecord) -> Table:
    """True lifts with their intervals."""
    metrics = shown_metrics([row.metric for row in record.online])
    title = f"Online: true lift over {record.baseline}"
    heads = [SHORT.get(metric, metric) for metric in metrics]
    table = plain_table(title, "policy", heads)
    for policy in record.policies:
        if policy.name != record.baseline:
            rows = [record.online_of(policy.name, metric) for metric in metrics]
            table.add_row(Text(policy.name), *(change_lines(record, row) for row in rows))
    return table


def shares_table(record: RewardsRecord) -> Table:
    """The channel's shares of purchases."""
    title = f"Share of purchases that {record.channel} holds"
    table = plain_table(title, "policy", list(RULES.values()))
    for policy in record.policies:
        rows = [share_of(record, policy.name, rule, "purchase") for rule in RULES]
        shown = [ABSENT if row is None else percent(row.share.estimate) for row in rows]
        table.add_row(Text(policy.name), *(Text(compact(cell)) for cell in shown))
    return table


def leading(record: RewardsRecord) -> list[str]:
    """The metrics whose trust is told here; all of them are on the page."""
    found = metrics_of(record)
    return [metric for metric in found if metric in LEADING] or found[:1]


def trust_table(record: RewardsRecord) -> Table:
    """Rank correlations of the offline measures with the leading metrics."""
    metrics = leading(record)
    heads = [SHORT.get(metric, meaning(metric).noun) for metric in metrics]
    table = plain_table("Rank correlation of offline measures with true lifts", "measure", heads)
    for measure in [row.measure for row in ranked(record, metrics[0])]:
        cells = []
        for metric in metrics:
            row = next((r for r in ranked(record, metric) if r.measure == measure), None)
            if row is None or row.rank_correlation.estimate is None:
                cells.append(ABSENT)
                continue
            shown = fixed(row.rank_correlation.estimate, 2, sign=True)
            cells.append(f"{shown} ({between(row.rank_correlation, 2)})")
        table.add_row(Text(measure_name(measure)), *(Text(cell) for cell in cells))
    return table
