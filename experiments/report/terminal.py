"""What a command found, in the terminal: tables, then what they allow to be said."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from rich.text import Text

from experiments.inference.agreement import Agreement
from experiments.inference.finding import Finding
from experiments.records.attribution import AttributionRecord
from experiments.records.ids import HIT_RATE, IdsRecord
from experiments.records.metrics import Contrast, Estimate, Metrics
from experiments.records.reading import row_of, rows_of
from experiments.records.rewards import RewardsRecord
from experiments.records.truth import Truth, Truths
from experiments.report.ids.rates import matched
from experiments.report.ids.shapes import quality_rows
from experiments.report.ids.verdict import (
    BASES,
    choice as scheme_choice,
    comparisons,
    finding,
    headline as bench_headline,
    middle,
    paper_sentences,
    scheme_sentences,
    size_words,
)
from experiments.report.kit.digits import (
    ABSENT,
    change_words,
    fixed,
    interval_decimals,
    number,
    p_value,
    percent,
    sureness,
    with_range,
)
from experiments.report.kit.sentences import change, level
from experiments.report.kit.summary import Summary
from experiments.report.kit.tables import Table, compact
from experiments.report.rewards.choosing import choice
from experiments.report.rewards.controls import controls_headline
from experiments.report.rewards.overview import lift_cell, offline_cell
from experiments.report.rewards.policies import names, trained
from experiments.report.rewards.trust import (
    LEADING,
    metrics_of,
    trust_sentence,
)
from experiments.report.rewards.verdict import doubts, headline, offline_headline
from experiments.report.rewards.words import measure_name, shown_measures, shown_metrics
from experiments.report.run.answer import realised_sentence
from experiments.report.run.verdict import (
    covered_words,
    direction,
    effect_words,
    signed_effect,
    verdicts,
)

CREDITED = ("any_touch", "exclusive", "fractional")
FIRST = ("clk@10", "pvr@10", "recall@", "diversity")  # of the offline measures
COLUMNS = 4  # of measures in a table, so that it fits a terminal of 80 characters
SHORT = {"gmv": "GMV", "uctcvr": "UCTCVR", "orders": "orders", "ctr": "CTR"}


def run_summary(metrics: Metrics, truths: Truths | None, report: Path | None = None) -> Summary:
    """A table for each contrast, and the verdicts; in red where effects must not be read."""
    tables = [_contrast_table(metrics, truths, contrast) for contrast in metrics.contrasts]
    said = []
    for found in verdicts(metrics, truths):
        style = "bold red" if found.finding is Finding.UNREADABLE else "bold"
        said += [Text(found.sentence, style), *map(Text, found.beside)]
    realised = realised_sentence(truths) if truths else None
    said += [Text(realised)] if realised else []
    return Summary(tables, said, report)


def agreement_summary(rows: Sequence[Agreement], said: str) -> Summary:
    """The relative effects of two runs beside each other, and whether they agree."""
    table = Table.of(
        "Two runs of one config",
        rows,
        ("metric", lambda row: row.metric),
        ("arm", lambda row: row.contrast[1]),
        ("first", lambda row: " ".join(change_words(row.first))),
        ("second", lambda row: " ".join(change_words(row.second))),
        ("p", lambda row: p_value(row.p_holm)),
        ("agree", lambda row: ABSENT if row.agrees is None else "yes" if row.agrees else "no"),
        names=2,
    )
    return Summary([table], [Text(said, "bold")], None)


def _contrast_table(metrics: Metrics, truths: Truths | None, contrast: Contrast) -> Table:
    rows = rows_of(metrics.estimates, contrast=contrast, cuped=False)
    adjusted = {
        row.metric: row for row in metrics.estimates if row.cuped and row.contrast == contrast
    }

    def effect(row: Estimate) -> tuple[Text, Text]:
        style = "" if direction(row).real else "dim"
        shown = signed_effect(row), effect_words(row)[1]
        return Text(compact(shown[0]), style), Text(compact(shown[1]), style)

    def told(row: Estimate) -> tuple[object, Text]:
        truth = truths.of(row.metric, contrast) if truths else None
        covered = covered_words(row, truth)
        return _true_effect(row, truth), Text(covered, "red" if covered == "no" else "")

    table = Table.of(
        "{1} against {0}".format(*contrast),
        rows,
        ("metric", lambda row: row.metric),
        (contrast[0], lambda row: level(row.metric, row.control)),
        (contrast[1], lambda row: level(row.metric, row.treatment)),
        (("effect", f"{sureness(metrics.confidence)} interval"), effect),
        ("p", lambda row: p_value(row.p_value)),
        (
            "CUPED",
            lambda row: signed_effect(adjusted[row.metric]) if row.metric in adjusted else ABSENT,
        ),
        (("truth", "inside"), told),
    )
    shown = [row.metric for row in rows]
    bold = shown.index(metrics.primary) if metrics.primary in shown else None
    return replace(table, spare=(1, 2), bold=bold)


def _true_effect(row: Estimate, truth: Truth | None) -> str:
    if truth is None or truth.effect.estimate is None:
        return ABSENT
    middle = truth.growth.estimate
    if middle is None or row.relative.estimate is None:
        return change(row.metric, truth.effect.estimate)
    known = truth.growth if truth.growth.ends else row.relative
    return percent(middle, interval_decimals(known), sign=True)


def attribution_summary(record: AttributionRecord, report: Path | None = None) -> Summary:
    """The channels' credit beside what is lost without them, and what must be known."""
    warnings = [Text(f"Warning: {sentence}") for sentence in record.warnings]
    return Summary([_credit_table(record)], warnings, report)


def _credit_table(record: AttributionRecord) -> Table:
    """The measured arm's channels: shares of GMV by rule, Shapley share, and what is lost."""
    rules = [rule for rule in CREDITED if rule in record.rules] or list(record.rules[:3])
    methods = list(dict.fromkeys(row.method for row in record.values))
    gmv = rows_of(record.credits, event="gmv", arm=record.arm, cut="all")

    def cell(channel: str, key: str) -> Text:
        if key in methods:
            return _worth(record, key, channel)
        row = row_of(gmv, rule=key, channel=channel)
        return Text(percent(row.share.estimate) if row else ABSENT)

    channels = {channel: channel for channel in record.arms[record.arm]}
    heads = {rule: rule for rule in rules} | {m: f"{m}: Shapley, lost without it" for m in methods}
    return Table.grid(f"GMV of arm {record.arm}", "channel", channels, heads, cell)


def _worth(record: AttributionRecord, method: str, channel: str) -> Text:
    """The Shapley share, and the share that is lost without the channel, as on the page."""
    own = rows_of(record.values, method=method, channel=channel, event="gmv")
    shapley, without = (row_of(own, index=index) for index in ("shapley", "leave_one_out"))
    share = percent(shapley.share.estimate) if shapley else ABSENT
    return Text(f"{share}, {with_range(without.share) if without else ABSENT}")


def ids_summary(record: IdsRecord, report: Path | None = None) -> Summary:
    """Hit rates, item recall, ids, and the verdict."""
    schemes = {scheme: scheme for scheme in record.schemes}
    beams = {beam: f"beam {beam}" for beam in record.beams}
    tables = []
    for mode in record.modes:
        title = f"Click hit rate, {mode}: level, and gain on {record.baseline}"
        tables.append(Table.grid(title, "scheme", schemes, beams, partial(_gained, record, mode)))
        tables.append(_recall_table(record, mode))
    if record.quality:
        head = ["scheme", "ids", "perplexity", "Gini", "p99", "largest", "purity", "nearest"]
        rows = [[scheme, *cells] for scheme, cells in quality_rows(record)]
        tables.append(Table("Ids, means over seeds", [*head, "trained"], rows))
    told = (comparisons, scheme_sentences, paper_sentences)
    further = [*(sentence for each in told for sentence in each(record)), *record.warnings]
    said = [Text(bench_headline(record)[0], "bold"), Text(scheme_choice(record), "bold")]
    return Summary(tables, [*said, *map(Text, further)], report)


def _measured(record: IdsRecord, scheme: str, mode: str, measure: str, at: int) -> str:
    row = record.of(scheme, mode, measure, at)
    return fixed(row.value.estimate if row else None, 4)


def _gained(record: IdsRecord, mode: str, scheme: str, beam: int) -> Text:
    """A hit rate and its gain, below them the gain's interval; coloured where it is real."""
    shown = _measured(record, scheme, mode, HIT_RATE, beam)
    gain = record.gain(scheme, mode, HIT_RATE, beam)
    if gain is None:
        return Text(f"{shown}\n")
    size, interval = map(compact, size_words(gain))
    state = finding(gain, record.confidence)
    style = {Finding.MORE: "green", Finding.LESS: "red"}.get(state, "dim")
    below = "" if interval == ABSENT else f"({interval})"
    return Text.assemble(shown, "  ", (f"{size}\n{below}", style))


def _recall_table(record: IdsRecord, mode: str) -> Table:
    """Item recall in the three comparisons, and the beam that matches the baseline."""
    at = middle(record.recall_sizes)
    rows = []
    for scheme in record.schemes:
        cost = row_of(record.costs, scheme=scheme, mode=mode)
        beam = "" if cost is None else matched(record, cost)
        unreached = ABSENT if cost is None else percent(cost.unreached)
        shown = [_measured(record, scheme, mode, measure, at) for measure, _ in BASES]
        rows.append([scheme, *shown, beam, unreached])
    title = (
        f"Item recall at {fixed(at, 0)}, {mode}; "
        f"beam that matches {record.baseline} at {number(record.item_limit)} items"
    )
    head = ["scheme", *(label for _, label in BASES), "matching beam", "not reached"]
    return Table(title, head, rows)


def rewards_summary(record: RewardsRecord, report: Path | None = None) -> Summary:
    """What a screen holds: true lifts, which reward to take, and what speaks against it.

    Without worlds, offline measures stand in the place of lifts. All else is on the page.
    """
    said = [Text(headline(record)[0], "bold"), Text(choice(record), "bold")]
    said += [Text(offline_headline(record)), Text(controls_headline(record))]
    said += [Text(sentence) for sentence in (*doubts(record), *record.warnings)]
    trusted = next((m for m in metrics_of(record) if m in LEADING), None)
    if trusted:
        said += [Text(), Text(trust_sentence(record, trusted))]
    more = "Every measure, share of purchases and course of training"
    said += [Text(), Text(f"{more} is {'on the page' if report else 'in rewards.json'}.")]
    table = _lifts(record) if record.online else _measures(record)
    return Summary([replace(table, whole=False)], said, report)


def _lifts(record: RewardsRecord) -> Table:
    """True lifts of every policy that was trained."""
    found = shown_metrics([row.metric for row in record.online])
    heads = {metric: SHORT.get(metric, metric) for metric in found}
    own = {row.name: row.name for row in trained(record)}
    title = f"Online: true lift over {record.baseline}"
    return Table.grid(title, "policy", own, heads, partial(lift_cell, record))


def _measures(record: RewardsRecord) -> Table:
    """What matters most of the offline measures."""
    known = shown_measures(record)
    named = {measure: measure_name(measure) for measure in known}
    first = {measure: name for measure, name in named.items() if name.startswith(FIRST)} or named
    heads = dict(islice(first.items(), COLUMNS))
    policies = {name: name for name in names(record)}
    title = f"Offline: level, and difference from {record.baseline}"
    return Table.grid(title, "policy", policies, heads, partial(offline_cell, record))
