"""What share of events the generative channel holds under each policy."""

from collections.abc import Iterator

from experiments.records.papers.published import SHARES, SOURCE
from experiments.records.reading import row_of
from experiments.records.rewards import PolicyShare, RewardsRecord
from experiments.report.kit.bars import Bar, grouped_bars
from experiments.report.kit.colours import arm_class, legend
from experiments.report.kit.digits import ABSENT, percent, range_of, with_range
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, figure, note, panels
from experiments.report.kit.sentences import EVENTS, listed, noun_of, plain_name, title_of
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import names, policy_name
from experiments.report.rewards.words import size_words

RULES = {"any_touch": "any touch", "exclusive": "exclusive"}
"""How events are given to channels; see `PolicyShare`."""

ADDED = {"gmv": "GMV", "orders": "Orders"}
"""Metrics whose lift over the control arm stands beside the shares, and what they are called."""


def share_of(record: RewardsRecord, policy: str, rule: str, event: str) -> PolicyShare | None:
    """The channel's share of a kind of event in a policy's worlds."""
    return row_of(record.policy_shares, policy=policy, rule=rule, event=event)


def shares(record: RewardsRecord) -> Content:
    """One panel for each kind of event, and what the channel holds beside what it adds."""
    if not record.policy_shares:
        return (absent("No world was lived."),)
    published = [f"{percent(share, 2)} of {noun_of(event)}" for event, share in SHARES.items()]
    lead = (
        f"How much of what shoppers saw, clicked and bought came from {record.channel}. Any touch: "
        "it found the item, alone or with others. Exclusive: no other channel did. A share is not "
        "a lift: what one channel holds, another may have found without it. The paper reports "
        f"{listed(published)} for its channel ({SOURCE}), and not how it counts what several "
        "channels found."
    )
    found = [row.event for row in record.policy_shares]
    events = [event for event in dict.fromkeys((*EVENTS, *found)) if event in found]
    keys = legend(("dot a0", "any touch"), ("dot a1", "exclusive"))
    drawn = panels(*((title_of(event), _bars(record, event)) for event in events))
    described = "Bars: share of exposures, clicks, purchases and GMV of the channel by policy"
    numbers = Table.of(
        f"Shares of {record.channel}",
        [row for row in record.policy_shares if row.policy in names(record)],
        ("Policy", lambda row: policy_name(record, row.policy)),
        ("Rule", lambda row: RULES.get(row.rule, row.rule)),
        ("Event", lambda row: title_of(row.event)),
        ("Share", lambda row: percent(row.share.estimate)),
        ("Interval", lambda row: range_of(row.share, 1)),
        names=3,
    )
    return lead, figure(join([keys, drawn]), numbers, described), *_incremental(record)


def _incremental(record: RewardsRecord) -> Iterator[object]:
    """What the channel holds beside what it adds: nominal and incremental, policy by policy."""
    if not record.control:
        return
    rows = []
    for name in names(record):
        held = [share_of(record, name, rule, "purchase") for rule in RULES]
        added = [row_of(record.control, policy=name, metric=metric) for metric in ADDED]
        cells = [percent(row.share.estimate) if row else ABSENT for row in held]
        cells += ["{} ({})".format(*size_words(row)) if row else ABSENT for row in added]
        rows.append([policy_name(record, name), *cells])
    yield tag("h3", "What it holds, and what it adds")
    yield note(
        "Held: its share of purchases. Added: the true lift over the control arm, which has no "
        f"{record.channel}. A policy that raises a share and adds nothing has only taken credit."
    )
    head = ["Policy", "Any touch", "Exclusive", *(f"{label} added" for label in ADDED.values())]
    yield Table("Held and added", head, rows)


def _bars(record: RewardsRecord, event: str) -> Html:
    """Two bars for each policy, on one scale from zero to all."""
    groups = []
    for name in names(record):
        found = ((rule, share_of(record, name, rule, event)) for rule in RULES)
        own = [
            Bar(
                row.share,
                percent(row.share.estimate),
                arm_class(list(RULES), rule),
                told=f"{plain_name(rule).lower()}: {with_range(row.share)}",
            )
            for rule, row in found
            if row is not None
        ]
        if own:
            groups.append((policy_name(record, name), own))
    return grouped_bars(groups, whole=1.0)
