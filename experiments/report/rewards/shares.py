"""What share of events the generative channel holds under each policy."""

from experiments.records.published import SHARES, SOURCE
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.bars import Bar, grouped_bars
from experiments.report.kit.colours import arm_class, legend
from experiments.report.kit.digits import ABSENT, percent, range_of
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, figure, note, panels, section
from experiments.report.kit.sentences import EVENTS, listed, noun_of, title_of
from experiments.report.kit.tables import Table
from experiments.report.rewards.overview import RULES, share_of
from experiments.report.rewards.policies import names, policy_name
from experiments.report.rewards.words import size_words

TITLE = "Shares of the channel"
ADDED = {"gmv": "GMV", "orders": "Orders"}
"""Metrics whose lift over the control arm stands beside the shares, and what they are called."""


def shares(record: RewardsRecord) -> Html:
    """The section with one panel for each kind of event."""
    if not record.policy_shares:
        return section("shares", TITLE, None, absent("No world was lived."))
    lead = (
        f"How much of what shoppers saw, clicked and bought came from {record.channel}. Any touch: "
        "it found the item, alone or with others. Exclusive: no other channel did. A share is not "
        f"a lift: what one channel holds, another may have found without it. {published_sentence()}"
    )
    found = list(dict.fromkeys(row.event for row in record.policy_shares))
    events = sorted(found, key=lambda event: [*EVENTS, event].index(event))
    keys = legend(("dot a0", "any touch"), ("dot a1", "exclusive"))
    drawn = panels(*((title_of(event), bars(record, event)) for event in events))
    described = "Bars: share of exposures, clicks, purchases and GMV of the channel by policy"
    picture = join([keys, drawn])
    drawn_shares = figure(picture, shares_table(record), described)
    return section("shares", TITLE, lead, drawn_shares, incremental(record))


def incremental(record: RewardsRecord) -> Html | None:
    """What the channel holds beside what it adds: nominal and incremental, policy by policy."""
    if not record.control:
        return None
    rows = []
    for name in names(record):
        cells: list[object] = [policy_name(record, name)]
        for rule in RULES:
            row = share_of(record, name, rule, "purchase")
            cells.append(ABSENT if row is None else percent(row.share.estimate))
        for metric in ADDED:
            found = [r for r in record.control if (r.policy, r.metric) == (name, metric)]
            cells.append("{} ({})".format(*size_words(found[0])) if found else ABSENT)
        rows.append(cells)
    head = ["Policy", "Any touch", "Exclusive", *(f"{label} added" for label in ADDED.values())]
    told = (
        "Held: its share of purchases. Added: the true lift over the control arm, which has no "
        f"{record.channel}. A policy that raises a share and adds nothing has only taken credit."
    )
    caption = "Held and added"
    return join(
        [
            tag("h3", "What it holds, and what it adds"),
            note(told),
            Table(caption, head, rows, names=1),
        ]
    )


def published_sentence() -> str:
    """The paper's shares in words."""
    told = [f"{percent(share, 2)} of {noun_of(event)}" for event, share in SHARES.items()]
    return (
        f"The paper reports {listed(told)} for its channel ({SOURCE}), and not how it counts what "
        "several channels found."
    )


def bars(record: RewardsRecord, event: str) -> Html:
    """Two bars for each policy, on one scale from zero to all."""
    groups = []
    for name in names(record):
        own = []
        for rule in RULES:
            row = share_of(record, name, rule, event)
            if row is not None:
                own.append(
                    Bar(row.share, percent(row.share.estimate), arm_class(list(RULES), rule))
                )
        if own:
            groups.append((policy_name(record, name), own))
    return grouped_bars(groups, whole=1.0)


def shares_table(record: RewardsRecord) -> Table:
    """Every share with its interval."""
    rows = [
        [
            policy_name(record, row.policy),
            RULES.get(row.rule, row.rule),
            title_of(row.event),
            percent(row.share.estimate),
            range_of(row.share, 1),
        ]
        for row in record.policy_shares
        if row.policy in names(record)
    ]
    head = ["Policy", "Rule", "Event", "Share", "Interval"]
    return Table(f"Shares of {record.channel}", head, rows, names=3)
