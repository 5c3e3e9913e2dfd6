"""Credit by rule beside what is incremental, channel by channel on one axis."""

from experiments.records.attribution import EVENTS, ValueRow
from experiments.report.attribution.lanes import Lane, lane_scale, lanes
from experiments.report.attribution.lookup import Lookup
from experiments.report.attribution.phrases import (
    INDICES,
    METHODS_NAMED,
    UNSHARED,
    noun_of,
    rule_name,
    share_words,
    title_of,
    with_range,
)
from experiments.report.kit.charts import mark_name
from experiments.report.kit.figures import Scale, channel_class, swatch
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.kit.words import ABSENT, fixed, percent

TITLE = "Credit by rule beside what is incremental"
LEAST = -0.25  # lanes that reach further below zero are cut by an arrow
MOST = 1.25
INCREMENTAL = ("shapley", "leave_one_out")
MARKS = {"replay": "rhomb hollow", "worlds": "rhomb"}


def credit(lookup: Lookup) -> Html:
    """The section with one panel of lanes for each channel."""
    event = shown_event(lookup)
    if not lookup.record.credits:
        said = absent("The log holds nothing that could be credited to a channel.")
        return section("credit", TITLE, None, said)
    groups = {name: channel_groups(lookup, name, event) for name in lookup.measured}
    every = [lane for own in groups.values() for _, rows in own for lane in rows]
    scale = lane_scale(every, LEAST, MOST)
    drawn = [panel(lookup, name, groups[name], scale) for name in lookup.measured]
    picture = tag("div", legend(lookup), tag("div", *drawn, cls="panels even"))
    described = (
        f"Lanes for each channel: its share of {noun_of(event)} under each rule of credit, and its "
        "Shapley and leave-one-out shares, with intervals, on one axis"
    )
    shown = figure("", picture, credit_table(lookup), described)
    return section("credit", TITLE, lead(lookup, event), shown, footnote(lookup))


def shown_event(lookup: Lookup) -> str:
    """GMV where the log has some, else the last kind of event that it has."""
    return next((event for event in reversed(EVENTS) if event in lookup.events), "gmv")


def lead(lookup: Lookup, event: str) -> str:
    """What the picture compares."""
    noun = noun_of(event)
    said = (
        f"One log of {lookup.arm}, many rules: each lane is the share of {noun} that a rule gives "
        "the channel. "
    )
    if not any(lookup.methods(index) for index in INCREMENTAL):
        return said + "What is lost without a channel was not measured."
    return said + (
        f"Below, what the channel is worth: its Shapley share, and the part of {noun} that would "
        "be lost without it."
    )


def legend(lookup: Lookup) -> Html:
    """The marks of the lanes."""
    marks = [
        mark_name("spot full inked", "rule whose shares add up to all"),
        mark_name("spot hollow inked", "rule whose shares do not"),
    ]
    found = {method for index in INCREMENTAL for method in lookup.methods(index)}
    marks += [
        mark_name(f"spot {mark} inked", f"incremental, {METHODS_NAMED[method]}")
        for method, mark in MARKS.items()
        if method in found
    ]
    return tag("div", *marks, cls="legend", aria_hidden="true")


def channel_groups(lookup: Lookup, channel: str, event: str) -> list[tuple[str, list[Lane]]]:
    """A channel's lanes: its credit by rule, and its worth by index and method."""
    colour = channel_class(lookup.channels, channel)
    credited = []
    for rule in lookup.rules:
        row = lookup.credit(rule, channel, event)
        if row is None or row.share.estimate is None:
            continue
        mark = "hollow" if rule in UNSHARED else "full"
        said = share_words(*row.share.numbers)[0]
        span = (row.share.estimate, row.share.low, row.share.high)
        credited.append(Lane(rule_name(rule), span, mark, said, colour))
    worth = {
        method: [
            value_lane(row, INDICES[index], MARKS[method])
            for index in INCREMENTAL
            for row in [lookup.value(method, index, channel, event)]
            if row is not None
        ]
        for method in MARKS
    }
    groups = [(f"Incremental, {METHODS_NAMED[method]}", own) for method, own in worth.items()]
    return [("Credit", credited), *groups]


def value_lane(row: ValueRow, label: str, mark: str, colour: str = "") -> Lane:
    """What a channel is worth as a lane."""
    said = share_words(*row.share.numbers)[0]
    span = (
        None if row.share.estimate is None else (row.share.estimate, row.share.low, row.share.high)
    )
    return Lane(label, span, mark, said, colour)


def panel(lookup: Lookup, channel: str, groups: list[tuple[str, list[Lane]]], scale: Scale) -> Html:
    """One channel."""
    title = tag("h4", swatch(lookup.channels, channel))
    if not any(rows for _, rows in groups):
        return tag("div", title, absent("Nothing is credited to it."), cls="panel")
    return tag("div", title, lanes(groups, scale), cls="panel")


def credit_table(lookup: Lookup) -> Html:
    """Every rule and index of every channel, for all kinds of event."""
    rows: list[list[object]] = []
    for channel in lookup.measured:
        name = swatch(lookup.channels, channel)
        for rule in lookup.rules:
            found = [lookup.credit(rule, channel, event) for event in lookup.events]
            if any(found):
                cells = [with_range(*r.share.numbers) if r else ABSENT for r in found]
                rows.append([name, rule_name(rule), *cells])
        for index, label in INDICES.items():
            for method in lookup.methods(index):
                worth = [lookup.value(method, index, channel, event) for event in lookup.events]
                rows.append([name, f"{label}, {method}", *(_value_cell(row) for row in worth)])
    head = ["Channel", "Rule or index", *(title_of(event) for event in lookup.events)]
    return table("Share of each kind of event", head, rows, names=2)


def _value_cell(row: ValueRow | None) -> str:
    return ABSENT if row is None else with_range(*row.share.numbers)


def footnote(lookup: Lookup) -> Html:
    """How the rules of credit differ."""
    record = lookup.record
    order = " \u2192 ".join(record.order) or "the config's"
    parts = [
        f"First in order credits the first channel of: {order}. Best rank: the channel that ranked "
        "the item best. Fractional: all that found it, alike."
    ]
    if any(rule not in ("any_touch", "exclusive", "first", "best_rank") for rule in record.rules):
        parts.append(
            f"Rules over paths credit the shopper\u2019s clicks on the item in the "
            f"{fixed(record.window_days, 1).removesuffix('.0')} days before; in time decay a click "
            f"counts half after {fixed(record.half_life_days, 1).removesuffix('.0')} days. Markov "
            "removes a channel from a chain of touches fitted to all paths."
        )
    if lookup.methods("leave_one_out"):
        parts.append(
            "Leave-one-out shares need not add up to all: what several channels find is lost "
            "without none of them."
        )
    parts.append(f"Intervals: {percent(record.confidence, 0)}, by shopper.")
    return tag("p", " ".join(parts), cls="note")
