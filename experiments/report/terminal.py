"""The end of a run in the terminal: one table for each contrast, the verdict, and the report."""

from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from experiments.records.metrics import Contrast, Estimate, Metrics
from experiments.records.truth import Truth, Truths
from experiments.report.kit.numbers import ABSENT, THIN, interval_decimals, p_value, percent
from experiments.report.kit.sentences import change, level
from experiments.report.run.verdict import (
    Finding,
    Verdict,
    direction,
    effect_words,
    inside,
    verdicts,
)


@dataclass(frozen=True)
class Summary:
    """A run's tables and verdicts, as wide as the console allows.

    Attributes:
        metrics: what the analysis found.
        truths: true effects; None where the truth stage has not run.
        report: where the HTML report lies; left out where there is none.
    """

    metrics: Metrics
    truths: Truths | None
    report: Path | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The arms' levels are left out where they would break the lines."""
        for contrast in self.metrics.contrasts:
            table = contrast_table(self.metrics, self.truths, contrast, levels=True)
            needed = Measurement.get(console, options.update(max_width=1000), table).maximum
            if needed > options.max_width:
                table = contrast_table(self.metrics, self.truths, contrast, levels=False)
            yield table
            yield Text()
        for verdict in verdicts(self.metrics, self.truths):
            yield sentence(verdict)
        if self.report is not None:
            yield Text(f"Report: {self.report}", overflow="fold")


def sentence(verdict: Verdict) -> Text:
    """The verdict, in red where the effect must not be read."""
    alarmed = verdict.finding is Finding.UNREADABLE
    return Text(verdict.sentence, style="bold red" if alarmed else "bold")


def contrast_table(
    metrics: Metrics, truths: Truths | None, contrast: Contrast, *, levels: bool
) -> Table:
    """Every metric of one contrast, a line each, with or without the arms' levels."""
    control, treatment = contrast
    title = Text(f"{treatment} against {control}", style="bold")
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("metric", no_wrap=True)
    interval = compact(f"{percent(metrics.confidence, 0)} interval")
    heads = [*contrast] if levels else []
    for head in [*heads, "effect", interval, "p", "CUPED", "truth", "inside"]:
        table.add_column(Text(head), justify="right", no_wrap=True)
    for name in metrics.metric_names:
        row = metrics.estimate(name, contrast, cuped=False)
        if row is None:
            continue
        adjusted = metrics.estimate(name, contrast, cuped=True)
        truth = truths.of(name, contrast) if truths else None
        shown = level_cells(row) if levels else []
        style = "bold" if name == metrics.primary else None
        table.add_row(Text(name), *shown, *effect_cells(row, adjusted, truth), style=style)
    return table


def compact(shown: str) -> str:
    """Numbers close to their units, as terminals have room for."""
    return shown.replace(THIN, "")


def level_cells(row: Estimate) -> list[Text]:
    """The metric's level in both arms."""
    return [Text(compact(level(row.metric, value))) for value in (row.control, row.treatment)]


def effect_cells(row: Estimate, adjusted: Estimate | None, truth: Truth | None) -> list[Text]:
    """Effect, interval, p, CUPED, truth, and whether the interval holds it."""
    told = direction(row) in (Finding.RAISED, Finding.LOWERED)
    covered = inside(row, truth) if truth else None
    place = ABSENT if covered is None else "yes" if covered else "no"
    return [
        Text(compact(effect(row)), style="" if told else "dim"),
        Text(compact(effect_words(row)[1]), style="" if told else "dim"),
        Text(compact(p_value(row.p_value))),
        Text(compact(effect(adjusted)) if adjusted else ABSENT),
        Text(compact(true_effect(row, truth))),
        Text(place, style="red" if covered is False else ""),
    ]


def effect(row: Estimate) -> str:
    """The effect, relative where control's level allows it."""
    if row.relative.estimate is None:
        return change(row.metric, row.effect.estimate)
    decimals = interval_decimals(row.relative)
    return percent(row.relative.estimate, decimals, sign=True)


def true_effect(row: Estimate, truth: Truth | None) -> str:
    """The truth in the scale of the effect."""
    if truth is None or truth.effect.estimate is None:
        return ABSENT
    middle = truth.growth.estimate
    if middle is None or row.relative.estimate is None:
        return change(row.metric, truth.effect.estimate)
    return percent(middle, interval_decimals(row.relative), sign=True)
