"""Shapley values beside their bounds, and what pairs of channels are worth together."""

from collections.abc import Sequence
from dataclasses import replace

from experiments.inference.finding import Finding, decide
from experiments.records.attribution import InteractionRow
from experiments.records.reading import rows_of
from experiments.report.attribution.credit import share_lane
from experiments.report.attribution.lookup import INDICES, METHODS, METHODS_NAMED, Lookup
from experiments.report.kit.colours import channel_class, legend, swatch
from experiments.report.kit.digits import (
    ABSENT,
    amount,
    fixed,
    p_value,
    percent,
    share_words,
    with_range,
)
from experiments.report.kit.forest import Row, forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, figure, note, panels
from experiments.report.kit.scales import Axis, bounded, percents
from experiments.report.kit.sentences import noun_of, title_of
from experiments.report.kit.tables import HALF, Table

MARKS = {"alone": "hollow", "shapley": "full", "leave_one_out": "rhomb inked"}
FAINTEST, STRONGEST = 10, 62  # percent of the colour in the weakest and the strongest cell


def shapley(lookup: Lookup) -> Content:
    """Lanes of values and a matrix of pairs; no such section where nothing was measured."""
    methods = lookup.methods("shapley")
    matrices = [_interactions(lookup, m) for m in METHODS if lookup.pairs(m)]
    if not methods and not matrices:
        return None
    noun = noun_of(lookup.worth)
    lead = (
        f"A channel\u2019s Shapley value is what it adds to {noun}, averaged over all orders in "
        "which channels could join; the shares add up to all. What it adds alone, to no other "
        "channel, and what is lost when it leaves last are the two ends: where they lie far "
        "apart, others find the same."
    )
    parts: list[Html | None] = []
    if methods:
        keys = legend(*((f"spot {mark} inked", INDICES[index]) for index, mark in MARKS.items()))
        drawn = tag("div", keys, panels(*_lanes(lookup, methods), kind="panels even"))
        described = (
            f"Lanes: each channel's Shapley share of {noun}, what it brings alone, and what is "
            "lost without it"
        )
        parts += [figure(drawn, _values_table(lookup), described), _sampled(lookup)]
    if matrices:
        parts.append(tag("div", tag("div", *matrices, cls="panels even"), cls="pairing"))
    return lead, *parts


def _lanes(lookup: Lookup, methods: Sequence[str]) -> list[tuple[str, Html]]:
    """One panel for each method, all on one axis."""
    rows = {method: _rows(lookup, method) for method in methods}
    axis = Axis(bounded((s for own in rows.values() for s in spans(own)), -0.5, 1.5), percents)
    return [
        (f"{title_of(lookup.worth)}, {method}", forest(own, axis, kind="strips"))
        for method, own in rows.items()
    ]


def _rows(lookup: Lookup, method: str) -> list[Row]:
    rows = []
    for name in lookup.measured:
        lanes = [
            share_lane(row.share, INDICES[index], mark)
            for index, mark in MARKS.items()
            for row in [lookup.value(method, index, name, lookup.worth)]
            if row is not None
        ]
        colour = channel_class(lookup.channels, name)
        rows.append(Row(swatch(lookup.channels, name), lanes, colour))
    return [row for row in rows if row.lanes]


def _values_table(lookup: Lookup) -> Table:
    return Table.of(
        "Worth of channels",
        rows_of(lookup.record.values, arm=lookup.arm),
        ("Channel", lambda row: swatch(lookup.channels, row.channel)),
        ("Index", lambda row: INDICES.get(row.index, row.index)),
        ("Method", lambda row: row.method),
        ("Event", lambda row: title_of(row.event)),
        ("Per shopper", lambda row: amount(row.value)),
        ("Share", lambda row: with_range(row.share)),
        ("Lift", lambda row: with_range(row.relative)),
        ("p", lambda row: p_value(row.p_value)),
        ("Worlds, shoppers", lambda row: f"{row.seeds}, {fixed(row.shoppers, 0)}"),
        names=4,
    )


def _sampled(lookup: Lookup) -> Html | None:
    """The error of drawing orders, where not all coalitions were looked at."""
    rows = [row for row in lookup.record.values if row.index == "shapley" and row.sampling_error]
    if not rows:
        return None
    most = max(row.sampling_error or 0.0 for row in rows)
    said = (
        "With so many channels, orders were drawn for each request rather than all coalitions "
        f"asked; the standard error of a share from that is at most {percent(most, 2)}, and is "
        "part of no interval."
    )
    return note(said)


def _interactions(lookup: Lookup, method: str) -> Html:
    rows = lookup.pairs(method)
    noun = noun_of(lookup.worth)
    most = max((abs(row.share.estimate or 0.0) for row in rows), default=0.0)
    found = {frozenset((row.channel, row.other)): row for row in rows}
    ordinals = [tag("span", f"{at + 1}", cls="ordinal") for at in range(len(lookup.measured))]
    body = [
        tag(
            "tr",
            tag("th", ordinals[at], swatch(lookup.channels, name), scope="row"),
            *(_cell(found.get(frozenset((name, other))), most) for other in lookup.measured[:at]),
        )
        for at, name in enumerate(lookup.measured)
        if at
    ]
    heads = [
        tag("th", ordinals[at], tag("small", name), scope="col", title=name)
        for at, name in enumerate(lookup.measured[:-1])
    ]
    matrix = tag(
        "table", tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *body), cls="pairs"
    )
    meant = legend(
        ("patch instead", "stand in for each other"),
        ("patch together", "worth more together"),
        ("patch unsure", "cannot be told from zero"),
    )
    described = f"Matrix: interaction of each pair of channels in {noun}, {method}"
    numbers = Table.of(
        "Interactions of pairs",
        rows,
        ("Channel", lambda row: swatch(lookup.channels, row.channel)),
        ("Other", lambda row: swatch(lookup.channels, row.other)),
        (("Share", "Interval"), lambda row: share_words(row.share, sign=True)),
        ("Per shopper", lambda row: amount(row.value)),
        names=2,
    )
    numbers = replace(numbers, room=HALF)
    title = tag("h3", f"Pairs, {METHODS_NAMED[method]}", tag("small", f"share of {noun}"))
    picture = join([meant, tag("div", matrix, cls="scroll")])
    return tag("div", title, figure(picture, numbers, described), cls="panel")


def _cell(row: InteractionRow | None, most: float) -> Html:
    """One pair: colour by sign and size, pale where it cannot be told from zero."""
    if row is None or row.share.estimate is None:
        return tag("td", ABSENT)
    size, interval = share_words(row.share, sign=True)
    state = decide(row.share)
    if state is Finding.UNTOLD or state is Finding.MISSING or not most:
        kind, strength = "unsure", 0.0
    else:
        kind = "instead" if row.share.estimate < 0 else "together"
        strength = FAINTEST + (STRONGEST - FAINTEST) * abs(row.share.estimate) / most
    return tag(
        "td",
        size,
        cls=f"pair {kind}",
        style=f"--strength:{strength:.0f}%",
        title=f"{row.channel}, {row.other}: {size} ({interval})",
    )
