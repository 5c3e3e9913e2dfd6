"""What a command found, in the terminal: tables, then what they allow to be said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from experiments.inference.finding import Finding
from experiments.records.attribution import AttributionRecord, ValueRow
from experiments.records.ids import HIT_RATE, Gain, IdsRecord
from experiments.records.metrics import Contrast, Estimate, Metrics
from experiments.records.reading import row_of
from experiments.records.rewards import RewardsRecord
from experiments.records.truth import Truth, Truths
from experiments.report.ids.rates import matched
from experiments.report.ids.shapes import quality_rows
from experiments.report.ids.verdict import BASES, finding, middle, size_words
from experiments.report.ids.verdict import judge as judge_schemes
from experiments.report.kit.digits import (
    ABSENT,
    between,
    change_words,
    fixed,
    interval_decimals,
    number,
    p_value,
    percent,
)
from experiments.report.kit.sentences import change, level, meaning
from experiments.report.kit.tables import Table, compact
from experiments.report.rewards.controls import controls_headline
from experiments.report.rewards.overview import lift_cell, offline_cell, share_cell
from experiments.report.rewards.shares import RULES
from experiments.report.rewards.trust import LEADING, metrics_of, ranked, trust_sentence
from experiments.report.rewards.verdict import judge as judge_policies
from experiments.report.rewards.words import measure_name, shown_measures, shown_metrics
from experiments.report.run.verdict import direction, effect_words, inside, verdicts

CREDITED = ("any_touch", "exclusive", "fractional")
COLUMNS = 4  # of measures in one table, so that it fits a terminal of 80 characters
SHORT = {"gmv": "GMV", "uctcvr": "UCTCVR", "orders": "orders", "ctr": "CTR"}


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


def run_summary(metrics: Metrics, truths: Truths | None, report: Path | None = None) -> Summary:
    """A table for each contrast, and the verdicts; in red where effects must not be read."""
    tables = [contrast_table(metrics, truths, contrast) for contrast in metrics.contrasts]
    said = [
        Text(found.sentence, "bold red" if found.finding is Finding.UNREADABLE else "bold")
        for found in verdicts(metrics, truths)
    ]
    return Summary(tables, said, report)


def contrast_table(metrics: Metrics, truths: Truths | None, contrast: Contrast) -> Table:
    """Every metric of one contrast, a line each."""
    interval = f"{percent(metrics.confidence, 0)} interval"
    head = ["metric", *contrast, "effect", interval, "p", "CUPED", "truth", "inside"]
    names = [
        name
        for name in metrics.metric_names
        if metrics.estimate(name, contrast, cuped=False) is not None
    ]
    rows = [[name, *effect_cells(metrics, truths, name, contrast)] for name in names]
    title = "{1} against {0}".format(*contrast)
    bold = names.index(metrics.primary) if metrics.primary in names else None
    return Table(title, head, rows, spare=(1, 2), bold=bold)


def effect_cells(
    metrics: Metrics, truths: Truths | None, name: str, contrast: Contrast
) -> list[object]:
    """Levels, effect, interval, p, CUPED, truth, and whether the interval holds it."""
    row = metrics.estimate(name, contrast, cuped=False)
    if row is None:
        return []
    adjusted = metrics.estimate(name, contrast, cuped=True)
    truth = truths.of(name, contrast) if truths else None
    style = "" if direction(row).real else "dim"
    covered = inside(row, truth) if truth else None
    place = ABSENT if covered is None else "yes" if covered else "no"
    return [
        level(name, row.control),
        level(name, row.treatment),
        Text(compact(effect(row)), style),
        Text(compact(effect_words(row)[1]), style),
        p_value(row.p_value),
        effect(adjusted) if adjusted else ABSENT,
        true_effect(row, truth),
        Text(place, "red" if covered is False else ""),
    ]


def effect(row: Estimate) -> str:
    """The effect, relative where control's level allows it."""
    if row.relative.estimate is None:
        return change(row.metric, row.effect.estimate)
    return change_words(row.relative)[0]


def true_effect(row: Estimate, truth: Truth | None) -> str:
    """The truth in the scale of the effect."""
    if truth is None or truth.effect.estimate is None:
        return ABSENT
    middle = truth.growth.estimate
    if middle is None or row.relative.estimate is None:
        return change(row.metric, truth.effect.estimate)
    return percent(middle, interval_decimals(row.relative), sign=True)


def attribution_summary(record: AttributionRecord, report: Path | None = None) -> Summary:
    """The channels' credit beside what is lost without them, and what must be known."""
    warnings = [Text(f"Warning: {sentence}") for sentence in record.warnings]
    return Summary([credit_table(record)], warnings, report)


def credit_table(record: AttributionRecord) -> Table:
    """The measured arm's channels: shares of GMV by rule, Shapley share, and what is lost."""
    rules = [rule for rule in CREDITED if rule in record.rules] or list(record.rules[:3])
    methods = list(dict.fromkeys(row.method for row in record.values))
    rows = [
        [
            channel,
            *(Text(_credit(record, rule, channel)) for rule in rules),
            *(Text(_worth(record.values, method, channel)) for method in methods),
        ]
        for channel in record.arms[record.arm]
    ]
    head = ["channel", *rules, *(f"{method}: Shapley, lift" for method in methods)]
    return Table(f"GMV of arm {record.arm}", head, rows)


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
    wanted = (method, channel, "gmv")
    rows = {row.index: row for row in values if (row.method, row.channel, row.event) == wanted}
    shapley, without = rows.get("shapley"), rows.get("leave_one_out")
    share = percent(shapley.share.estimate) if shapley is not None else ABSENT
    lift, interval = change_words(without.relative) if without else (ABSENT, ABSENT)
    return f"{share}, {lift}" + ("" if interval == ABSENT else f" ({interval})")


def ids_summary(record: IdsRecord, report: Path | None = None) -> Summary:
    """Hit rates, item recall, ids, and the verdict."""
    tables = [make(record, mode) for mode in record.modes for make in (hits_table, recall_table)]
    if record.quality:
        head = ["scheme", "ids", "perplexity", "Gini", "p99", "largest", "purity", "nearest"]
        rows = [[scheme, *cells] for scheme, cells in quality_rows(record)]
        tables.append(Table("Ids, means over seeds", [*head, "trained"], rows))
    found = judge_schemes(record)
    further = (*found.comparisons, *found.schemes, *found.paper, *record.warnings)
    return Summary(tables, [Text(found.sentence, "bold"), *map(Text, further)], report)


def hits_table(record: IdsRecord, mode: str) -> Table:
    """Hit rate at each beam, with the gain on the baseline and its interval."""
    rows = [
        [
            scheme,
            *(
                gain_lines(record, shown, record.gain(scheme, mode, HIT_RATE, beam))
                for beam in record.beams
                for shown in [measured(record, scheme, mode, HIT_RATE, beam)]
            ),
        ]
        for scheme in record.schemes
    ]
    title = f"Click hit rate, {mode}: level, and gain on {record.baseline}"
    return Table(title, ["scheme", *(f"beam {beam}" for beam in record.beams)], rows)


def measured(record: IdsRecord, scheme: str, mode: str, measure: str, at: int) -> str:
    """The level of a measure."""
    row = record.of(scheme, mode, measure, at)
    found = row.value.estimate if row else None
    return ABSENT if found is None else fixed(found, 4)


def gain_lines(record: IdsRecord, shown: str, gain: Gain | None) -> Text:
    """A level and its gain, below them the gain's interval; coloured where it is real."""
    if gain is None:
        return Text(f"{shown}\n")
    size, interval = size_words(gain)
    state = finding(gain, record.confidence)
    style = {Finding.MORE: "green", Finding.LESS: "red"}.get(state, "dim")
    below = "" if interval == ABSENT else f"({compact(interval)})"
    return Text.assemble(shown, "  ", (f"{compact(size)}\n{below}", style))


def recall_table(record: IdsRecord, mode: str) -> Table:
    """Item recall in the three comparisons, and the beam that matches the baseline."""
    at = middle(record.recall_sizes)
    rows = []
    for scheme in record.schemes:
        cost = row_of(record.costs, scheme=scheme, mode=mode)
        beam = "" if cost is None else matched(record, cost)
        unreached = ABSENT if cost is None else percent(cost.without_id + cost.unreached)
        shown = [measured(record, scheme, mode, measure, at) for measure, _ in BASES]
        rows.append([scheme, *shown, beam, unreached])
    title = (
        f"Item recall at {fixed(at, 0)}, {mode}; "
        f"beam that matches {record.baseline} at {number(record.item_limit)} items"
    )
    head = ["scheme", *(label for _, label in BASES), "matching beam", "unreached"]
    return Table(title, head, rows)


def rewards_summary(record: RewardsRecord, report: Path | None = None) -> Summary:
    """Offline measures, true lifts, trust, and the verdict, policy by policy."""
    found = judge_policies(record)
    said = [Text(found.sentence, "bold"), Text(found.offline), Text(controls_headline(record))]
    for words in found.policies:
        said += [Text(), Text(words.policy, "bold"), *map(Text, words.sentences)]
    last = [trust_sentence(record, metric) for metric in leading(record)]
    for sentence in (*last, *record.warnings):
        said += [Text(), Text(sentence)]
    return Summary(lab_tables(record), said, report)


def lab_tables(record: RewardsRecord) -> list[Table]:
    """All tables of which the record has rows."""
    measures = shown_measures(record)
    cuts = range(0, len(measures), COLUMNS)
    found = [offline_table(record, measures[at : at + COLUMNS]) for at in cuts]
    if record.online:
        found.append(online_table(record))
    if record.policy_shares:
        found.append(shares_table(record))
    return found + ([trust_table(record)] if record.trust else [])


def offline_table(record: RewardsRecord, measures: Sequence[str]) -> Table:
    """Levels, with differences from the supervised model and their intervals."""
    rows = [
        [row.name, *(offline_cell(record, row.name, each) for each in measures)]
        for row in record.policies
    ]
    title = f"Offline: level, and difference from {record.baseline}"
    return Table(title, ["policy", *map(measure_name, measures)], rows, whole=False)


def online_table(record: RewardsRecord) -> Table:
    """True lifts with their intervals."""
    metrics = shown_metrics([row.metric for row in record.online])
    rows = [
        [policy.name, *(lift_cell(record, policy.name, metric) for metric in metrics)]
        for policy in record.policies
        if policy.name != record.baseline
    ]
    head = ["policy", *(SHORT.get(metric, metric) for metric in metrics)]
    return Table(f"Online: true lift over {record.baseline}", head, rows, whole=False)


def shares_table(record: RewardsRecord) -> Table:
    """The channel's shares of purchases."""
    rows = [
        [policy.name, *(share_cell(record, policy.name, rule) for rule in RULES)]
        for policy in record.policies
    ]
    title = f"Share of purchases that {record.channel} holds"
    return Table(title, ["policy", *RULES.values()], rows, whole=False)


def leading(record: RewardsRecord) -> list[str]:
    """The metrics whose trust is told here; all of them are on the page."""
    found = metrics_of(record)
    return [metric for metric in found if metric in LEADING] or found[:1]


def trust_table(record: RewardsRecord) -> Table:
    """Rank correlations of the offline measures with the leading metrics."""
    metrics = leading(record)
    found = {
        (row.measure, metric): row.rank_correlation
        for metric in metrics
        for row in ranked(record, metric)
        if row.rank_correlation.estimate is not None
    }
    rows: list[list[object]] = []
    for measure in [row.measure for row in ranked(record, metrics[0])]:
        cells = []
        for metric in metrics:
            value = found.get((measure, metric))
            shown = (
                f"{fixed(value.estimate or 0.0, 2, sign=True)} ({between(value, 2)})"
                if value
                else ABSENT
            )
            cells.append(shown)
        rows.append([measure_name(measure), *cells])
    head = ["measure", *(SHORT.get(metric, meaning(metric).noun) for metric in metrics)]
    title = "Rank correlation of offline measures with true lifts"
    return Table(title, head, rows, whole=False)
