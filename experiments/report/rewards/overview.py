"""All policies in two tables: what they do offline, and what they truly do."""

from cqsid.alignment.measures import FIRST_CODES
from experiments.records.rewards import Offline, Online, PolicyShare, RewardsRecord
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.numbers import ABSENT, between, fixed, p_value, percent, range_of
from experiments.report.kit.page import absent, folded, section
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import policy_name
from experiments.report.rewards.verdict import Finding, finding
from experiments.report.rewards.words import (
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
CLASSES = {Finding.MORE: "told up", Finding.LESS: "told down"}


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


def offline_cell(record: RewardsRecord, row: Offline | None) -> Html:
    """A level, and below it the difference with its interval; the interval alone for the base."""
    if row is None:
        return tag("span", ABSENT)
    shown = tag("span", level(row.measure, row.value.estimate), cls="level")
    if row.policy == record.baseline:
        decimals = 2 if row.measure == FIRST_CODES else 3
        return tag("div", shown, small(between(row.value, decimals)), cls="entry")
    return tag("div", shown, *difference_parts(record, row), cls="entry")


def difference_parts(record: RewardsRecord, row: Offline | Online) -> list[Html | None]:
    """The difference, marked where it is real, and its interval."""
    size, interval = size_words(row)
    kind = finding(row, record.confidence)
    mark = {Finding.MORE: "\u25b2 ", Finding.LESS: "\u25bc "}.get(kind, "")
    return [tag("span", mark + size, cls=CLASSES.get(kind, "untold")), small(interval)]


def online_table(record: RewardsRecord) -> Table:
    """Policies by true lifts, with the channel's shares of purchases."""
    metrics = shown_metrics([row.metric for row in record.online])
    rules = [rule for rule in RULES if any(row.rule == rule for row in record.policy_shares)]
    rows = []
    for policy in record.policies:
        cells = [lift_cell(record, policy.name, metric) for metric in metrics]
        cells += [share_cell(share_of(record, policy.name, rule, "purchase")) for rule in rules]
        rows.append([policy_name(record, policy.name), *cells])
    head = [meaning(metric).label for metric in metrics]
    head += [f"Purchases, {RULES[rule]}" for rule in rules]
    caption = f"True lifts, and the share of purchases that {record.channel} holds"
    return Table(caption, ["Policy", *head], rows)


def lift_cell(record: RewardsRecord, policy: str, metric: str) -> Html:
    """A true lift and its interval."""
    if policy == record.baseline:
        return tag("span", "base", cls="untold")
    row = record.online_of(policy, metric)
    if row is None:
        return tag("span", ABSENT)
    return tag("div", *difference_parts(record, row), cls="entry")


def share_of(record: RewardsRecord, policy: str, rule: str, event: str) -> PolicyShare | None:
    """The channel's share of a kind of event in a policy's worlds."""
    found = [
        row
        for row in record.policy_shares
        if (row.policy, row.rule, row.event) == (policy, rule, event)
    ]
    return found[0] if found else None


def share_cell(row: PolicyShare | None) -> Html:
    """A share and its interval."""
    if row is None:
        return tag("span", ABSENT)
    shown = tag("span", percent(row.share.estimate), cls="level")
    return tag("div", shown, small(range_of(row.share, 1)), cls="entry")


def small(interval: str) -> Html | None:
    """An interval below its number, where there is one."""
    return None if interval == ABSENT else tag("small", interval)


def offline_numbers(record: RewardsRecord) -> Table:
    """Every offline measure with all that is known of it."""
    rows = []
    for row in record.offline:
        base = row.policy == record.baseline
        size, interval = (ABSENT, ABSENT) if base else size_words(row)
        rows.append(
            [
                policy_name(record, row.policy),
                measure_name(row.measure),
                level(row.measure, row.value.estimate),
                between(row.value),
                ABSENT if row.effect.estimate is None else fixed(row.effect.estimate, 4, sign=True),
                between(row.effect),
                size,
                interval,
                p_value(row.p_value),
                p_value(row.p_holm),
                ABSENT if base else WORDS[finding(row, record.confidence)],
                ", ".join(fixed(value, 4) for value in row.per_seed),
            ]
        )
    head = ["Policy", "Measure", "Mean", "Interval", "Difference", "Interval", "Relative"]
    head += ["Interval", "p", "p, corrected", "Real", "By seed"]
    return Table("Offline measures and differences", head, rows, names=2)
