"""Credit by rule beside what is incremental, channel by channel on one axis."""

from experiments.records.attribution import EVENTS
from experiments.records.interval import Interval
from experiments.report.attribution.lookup import (
    INDICES,
    METHODS_NAMED,
    UNSHARED,
    Lookup,
    rule_name,
)
from experiments.report.kit.colours import channel_class, legend, swatch
from experiments.report.kit.digits import ABSENT, fixed, share_words, sureness, with_range
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, figure, note, panels
from experiments.report.kit.scales import Axis, bounded, percents
from experiments.report.kit.sentences import noun_of, title_of
from experiments.report.kit.tables import Table

LEAST = -0.25  # lanes that reach further below zero are cut by an arrow
MOST = 1.25
INCREMENTAL = ("shapley", "leave_one_out")
MARKS = {"replay": "rhomb hollow", "worlds": "rhomb"}


def credit(lookup: Lookup) -> Content:
    """One panel of lanes for each channel."""
    event = next((event for event in reversed(EVENTS) if event in lookup.events), "gmv")
    if not lookup.record.credits:
        return (absent("The log holds nothing that could be credited to a channel."),)
    noun = noun_of(event)
    lead = (
        f"One log of {lookup.arm}, many rules: each lane is the share of {noun} that a rule gives "
        "the channel. "
    )
    if any(lookup.methods(index) for index in INCREMENTAL):
        lead += (
            f"Below, what the channel is worth: its Shapley share, and the part of {noun} that "
            "would be lost without it."
        )
    else:
        lead += "What is lost without a channel was not measured."
    rows = {name: _rows(lookup, name, event) for name in lookup.measured}
    reached = (span for own in rows.values() for span in spans(own))
    axis = Axis(bounded(reached, LEAST, MOST), percents)
    nothing = absent("Nothing is credited to it.")
    drawn = (
        (swatch(lookup.channels, name), forest(own, axis, kind="strips") if own else nothing)
        for name, own in rows.items()
    )
    picture = tag("div", _marks(lookup), panels(*drawn, kind="panels even"))
    described = (
        f"Lanes for each channel: its share of {noun} under each rule of credit, and its "
        "Shapley and leave-one-out shares, with intervals, on one axis"
    )
    return lead, figure(picture, _table(lookup), described), note(_footnote(lookup))


def _marks(lookup: Lookup) -> Html:
    found = {method for index in INCREMENTAL for method in lookup.methods(index)}
    return legend(
        ("spot full inked", "rule whose shares add up to all"),
        ("spot hollow inked", "rule whose shares do not"),
        *(
            (f"spot {mark} inked", f"incremental, {METHODS_NAMED[method]}")
            for method, mark in MARKS.items()
            if method in found
        ),
    )


def _rows(lookup: Lookup, channel: str, event: str) -> list[Row]:
    """A channel's lanes: its credit by rule, and its worth by index and method."""
    colour = channel_class(lookup.channels, channel)
    credited = [
        share_lane(row.share, rule_name(rule), "hollow" if rule in UNSHARED else "full")
        for rule in lookup.rules
        for row in [lookup.credit(rule, channel, event)]
        if row is not None and row.share.estimate is not None
    ]
    rows = [Row("Credit", credited, colour, called=channel)]
    for method, mark in MARKS.items():
        worth = [
            share_lane(row.share, INDICES[index], mark)
            for index in INCREMENTAL
            for row in [lookup.value(method, index, channel, event)]
            if row is not None
        ]
        named = METHODS_NAMED[method]
        called = f"{channel}, incremental {named}"
        rows.append(Row(f"Incremental, {named}", worth, colour, called=called))
    return [row for row in rows if row.lanes]


def share_lane(share: Interval, name: str, mark: str) -> Lane:
    """A share as a line of a small panel."""
    told = with_range(share)
    return Lane(share, share_words(share)[0], mark=f"spot {mark}", name=name, told=told)


def _table(lookup: Lookup) -> Table:
    rows: list[list[object]] = []
    for channel in lookup.measured:
        name = swatch(lookup.channels, channel)
        for rule in lookup.rules:
            found = [lookup.credit(rule, channel, event) for event in lookup.events]
            if any(found):
                cells = [with_range(row.share) if row else ABSENT for row in found]
                rows.append([name, rule_name(rule), *cells])
        for index, label in INDICES.items():
            for method in lookup.methods(index):
                worth = [lookup.value(method, index, channel, event) for event in lookup.events]
                cells = [with_range(row.share) if row else ABSENT for row in worth]
                rows.append([name, f"{label}, {method}", *cells])
    head = ["Channel", "Rule or index", *(title_of(event) for event in lookup.events)]
    return Table("Share of each kind of event", head, rows, names=2)


def _footnote(lookup: Lookup) -> str:
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
            "Leave-one-out shares need not add up to all: what several channels find is not lost "
            "when one of them is missing."
        )
    parts.append(f"Intervals: {sureness(record.confidence)}, by shopper.")
    return " ".join(parts)
