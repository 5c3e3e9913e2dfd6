"""All policies in two tables: what they do offline, and what they truly do."""

from dataclasses import replace

from cqsid.alignment.measures import FIRST_CODES
from experiments.inference.finding import Finding
from experiments.records.rewards import Offline, Online, PolicyShare, RewardsRecord
from experiments.report.kit.digits import ABSENT, between, fixed, p_value, percent, range_of
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, folded, section
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Cell, Table
from experiments.report.rewards.policies import policy_name
from experiments.report.rewards.verdict import finding
from experiments.report.rewards.words import (
    Difference,
    level,
    measure_name,
    shown_measures,
    shown_metrics,
    size_words,
)

RULES = {"any_touch": "any touch", "exclusive": "exclusive"}
"""How events are given to channels; see `PolicyShare`."""

WORDS = {
    Finding.MORE: "yes, higher",
    Finding.LESS: "yes, lower",
    Finding.ALONE: "not after correction",
    Finding.UNTOLD: "no",
    Finding.MISSING: "unknown",
}


def overview(record: RewardsRecord) -> Html:
    """The section with every policy and every measure."""
    lead = (
        "Below each number stands its difference from the supervised model, as a share of it, "
        "with its interval. \u25b2 and \u25bc mark what is real after correcting for the number "
        "of comparisons; the rest may be chance."
    )
    online = online_table(record) if record.online else absent("No world was lived.")
    return section(
        "policies",
        "All policies",
        lead,
        tag("h3", "Offline", tag("small", f"{record.requests:,} test requests")),
        tag("div", offline_table(record), folded(offline_numbers(record)), cls="wide"),
        tag("h3", "Online", tag("small", "true lift over the supervised model")),
        tag("div", online, cls="wide"),
    )


def offline_table(record: RewardsRecord) -> Table:
    """Policies by offline measures."""
    rows = [
        [
            policy_name(record, row.name),
            *(
                offline_cell(record, record.offline_of(row.name, measure))
                for measure in shown_measures(record)
            ),
        ]
        for row in record.policies
    ]
    head = ["Policy", *(measure_name(measure) for measure in shown_measures(record))]
    return Table("Offline measures, means over seeds and test requests", head, rows)


def offline_cell(record: RewardsRecord, row: Offline | None) -> Cell | str:
    """A level and its difference with its interval; for the base its own interval."""
    if row is None:
        return ABSENT
    shown = level(row.measure, row.value.estimate)
    if row.policy == record.baseline:
        return Cell(shown, "", between(row.value, 2 if row.measure == FIRST_CODES else 3))
    return replace(change_cell(record, row), level=shown)


def change_cell(record: RewardsRecord, row: Offline | Online) -> Cell:
    """A difference and its interval, marked where it is real."""
    told = {Finding.MORE: 1, Finding.LESS: -1}.get(finding(row, record.confidence), 0)
    return Cell("", *size_words(row), told)


def online_table(record: RewardsRecord) -> Table:
    """Policies by true lifts, with the channel's shares of purchases."""
    metrics = shown_metrics([row.metric for row in record.online])
    rules = [rule for rule in RULES if any(row.rule == rule for row in record.policy_shares)]
    rows = []
    for policy in record.policies:
        cells = [lift_cell(record, policy.name, metric) for metric in metrics]
        cells += [share_cell(record, policy.name, rule) for rule in rules]
        rows.append([policy_name(record, policy.name), *cells])
    head = [meaning(metric).label for metric in metrics]
    head += [f"Purchases, {RULES[rule]}" for rule in rules]
    caption = f"True lifts, and the share of purchases that {record.channel} holds"
    return Table(caption, ["Policy", *head], rows)


def lift_cell(record: RewardsRecord, policy: str, metric: str) -> Cell | str:
    """A true lift and its interval."""
    if policy == record.baseline:
        return Cell(change="base")
    row = record.online_of(policy, metric)
    return ABSENT if row is None else change_cell(record, row)


def share_of(record: RewardsRecord, policy: str, rule: str, event: str) -> PolicyShare | None:
    """The channel's share of a kind of event in a policy's worlds."""
    found = [
        row
        for row in record.policy_shares
        if (row.policy, row.rule, row.event) == (policy, rule, event)
    ]
    return found[0] if found else None


def share_cell(record: RewardsRecord, policy: str, rule: str) -> Cell | str:
    """The channel's share of purchases and its interval."""
    row = share_of(record, policy, rule, "purchase")
    return ABSENT if row is None else Cell(percent(row.share.estimate), "", range_of(row.share, 1))


def tested(record: RewardsRecord, row: Difference) -> list[object]:
    """Size, interval, p, p corrected, and whether the difference is real."""
    found = WORDS[finding(row, record.confidence)]
    return [*size_words(row), p_value(row.p_value), p_value(row.p_holm), found]


def offline_numbers(record: RewardsRecord) -> Table:
    """Every offline measure with all that is known of it."""
    rows = []
    for row in record.offline:
        base = row.policy == record.baseline
        rows.append(
            [
                policy_name(record, row.policy),
                measure_name(row.measure),
                level(row.measure, row.value.estimate),
                between(row.value),
                ABSENT if row.effect.estimate is None else fixed(row.effect.estimate, 4, sign=True),
                between(row.effect),
                *([ABSENT] * 5 if base else tested(record, row)),
                ", ".join(fixed(value, 4) for value in row.per_seed),
            ]
        )
    head = ["Policy", "Measure", "Mean", "Interval", "Difference", "Interval", "Relative"]
    head += ["Interval", "p", "p, corrected", "Real", "By seed"]
    return Table("Offline measures and differences", head, rows, names=2)
