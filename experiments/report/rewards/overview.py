"""All policies in two tables: what they do offline, and what they truly do."""

from dataclasses import replace
from functools import partial

from cqsid.alignment.measures import FIRST_CODES
from experiments.inference.finding import Finding
from experiments.records.interval import Interval
from experiments.records.reading import rows_of
from experiments.records.rewards import Offline, Online, RewardsRecord
from experiments.report.kit.digits import ABSENT, between, fixed, percent, range_of
from experiments.report.kit.markup import tag
from experiments.report.kit.page import Content, absent, folded
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Cell, Table
from experiments.report.rewards.policies import named, policy_name
from experiments.report.rewards.shares import RULES, share_of
from experiments.report.rewards.words import (
    TESTED,
    finding,
    level,
    measure_name,
    shown_measures,
    shown_metrics,
    size_words,
    tested,
)


def overview(record: RewardsRecord) -> Content:
    """Every policy and every measure."""
    lead = (
        "Below each number stands its difference from the supervised model, as a share of it, "
        "with its interval. \u25b2 and \u25bc mark what is real after correcting for the number "
        "of comparisons; the rest may be chance."
    )
    measures = {measure: measure_name(measure) for measure in shown_measures(record)}
    caption = "Offline measures, means over seeds and test requests"
    offline = Table.grid(caption, "Policy", named(record), measures, partial(offline_cell, record))
    online = _online_table(record) if record.online else absent("No world was lived.")
    return (
        lead,
        tag("h3", "Offline", tag("small", f"{record.requests:,} test requests")),
        tag("div", offline, folded(_offline_numbers(record)), cls="wide"),
        tag("h3", "Online", tag("small", "true lift over the supervised model")),
        tag("div", online, cls="wide"),
    )


def offline_cell(record: RewardsRecord, policy: str, measure: str) -> Cell | str:
    """A level and its difference with its interval; for the base its own interval."""
    row = record.offline_of(policy, measure)
    if row is None:
        return ABSENT
    shown = level(row.measure, row.value.estimate)
    if row.policy == record.baseline:
        return Cell(shown, "", between(row.value, 2 if row.measure == FIRST_CODES else 3))
    return replace(_change_cell(record, row), level=shown)


def _change_cell(record: RewardsRecord, row: Offline | Online) -> Cell:
    """A difference and its interval, marked where it is real."""
    told = {Finding.MORE: 1, Finding.LESS: -1}.get(finding(row, record.confidence), 0)
    return Cell("", *size_words(row), told)


def _online_table(record: RewardsRecord) -> Table:
    metrics = shown_metrics([row.metric for row in record.online])
    rules = [rule for rule in RULES if rows_of(record.policy_shares, rule=rule)]
    heads = {metric: meaning(metric).label for metric in metrics}
    heads |= {rule: f"Purchases, {RULES[rule]}" for rule in rules}
    return Table.grid(
        f"True lifts, and the share of purchases that {record.channel} holds",
        "Policy",
        named(record),
        heads,
        lambda policy, key: (share_cell if key in rules else lift_cell)(record, policy, key),
    )


def lift_cell(record: RewardsRecord, policy: str, metric: str) -> Cell | str:
    """A true lift and its interval."""
    if policy == record.baseline:
        return Cell(change="base")
    row = record.online_of(policy, metric)
    return ABSENT if row is None else _change_cell(record, row)


def share_cell(record: RewardsRecord, policy: str, rule: str) -> Cell | str:
    """The channel's share of purchases and its interval."""
    row = share_of(record, policy, rule, "purchase")
    return ABSENT if row is None else Cell(percent(row.share.estimate), "", range_of(row.share, 1))


def _around(size: str, span: Interval) -> str:
    """A number with its interval in brackets, where it has one."""
    return size if between(span) == ABSENT else f"{size} ({between(span)})"


def _offline_numbers(record: RewardsRecord) -> Table:
    nothing = [ABSENT] * (1 + len(TESTED))
    return Table.of(
        "Offline measures and differences",
        record.offline,
        ("Policy", lambda row: policy_name(record, row.policy)),
        ("Measure", lambda row: measure_name(row.measure)),
        ("Mean", lambda row: _around(level(row.measure, row.value.estimate), row.value)),
        ("Difference", lambda row: _around(fixed(row.effect.estimate, 4, sign=True), row.effect)),
        (
            ("Relative", *TESTED),
            lambda row: nothing if row.policy == record.baseline else tested(record, row),
        ),
        ("By seed", lambda row: ", ".join(fixed(value, 4) for value in row.per_seed)),
        names=2,
    )
