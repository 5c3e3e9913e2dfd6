"""Shapley values beside their bounds, and what pairs of channels are worth together."""

from collections.abc import Sequence

from experiments.records.attribution import InteractionRow
from experiments.report.attribution.credit import value_lane
from experiments.report.attribution.lanes import Lane, lane_scale, lanes
from experiments.report.attribution.lookup import METHODS, Lookup
from experiments.report.attribution.phrases import (
    INDICES,
    METHODS_NAMED,
    Told,
    amount,
    noun_of,
    share_words,
    title_of,
    told,
    with_range,
)
from experiments.report.kit.charts import mark_name
from experiments.report.kit.figures import channel_class, swatch
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import figure, section, table
from experiments.report.kit.words import ABSENT, fixed, p_value, percent

TITLE = "Shapley values and interactions"
MARKS = {"alone": "hollow", "shapley": "full", "leave_one_out": "rhomb inked"}
FAINTEST, STRONGEST = 10, 62  # percent of the colour in the weakest and the strongest cell


def shapley(lookup: Lookup) -> Html | None:
    """The section with lanes of values and a matrix of pairs; None where nothing was measured."""
    methods = lookup.methods("shapley")
    matrices = [m for m in METHODS if own_pairs(lookup, m)]
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
        drawn = tag("div", legend(), tag("div", *panels_of(lookup, methods), cls="panels even"))
        described = (
            f"Lanes: each channel's Shapley share of {noun}, what it brings alone, and what is "
            "lost without it"
        )
        parts.append(figure("", drawn, values_table(lookup), described))
        parts.append(sampled(lookup))
    if matrices:
        drawn = tag("div", *(interactions(lookup, m) for m in matrices), cls="panels even")
        parts.append(tag("div", drawn, cls="pairing"))
    return section("shapley", TITLE, lead, *parts)


def legend() -> Html:
    """The marks of the lanes."""
    marks = [mark_name(f"spot {mark} inked", INDICES[index]) for index, mark in MARKS.items()]
    return tag("div", *marks, cls="legend", aria_hidden="true")


def panels_of(lookup: Lookup, methods: Sequence[str]) -> list[Html]:
    """One panel for each method, all on one axis."""
    groups = {method: groups_of(lookup, method) for method in methods}
    every = [lane for own in groups.values() for _, rows in own for lane in rows]
    scale = lane_scale(every, -0.5, 1.5)
    return [
        tag("div", tag("h4", f"{title_of(lookup.worth)}, {method}"), lanes(own, scale), cls="panel")
        for method, own in groups.items()
    ]


def groups_of(lookup: Lookup, method: str) -> list[tuple[Html, list[Lane]]]:
    """Each channel's values by one method."""
    groups: list[tuple[Html, list[Lane]]] = []
    for name in lookup.measured:
        found = [
            value_lane(row, INDICES[index], mark, channel_class(lookup.channels, name))
            for index, mark in MARKS.items()
            for row in [lookup.value(method, index, name, lookup.worth)]
            if row is not None
        ]
        groups.append((swatch(lookup.channels, name), found))
    return groups


def values_table(lookup: Lookup) -> Html:
    """Every value of every channel, index and event."""
    rows = [row for row in lookup.record.values if row.arm == lookup.arm]
    cells = [
        [
            swatch(lookup.channels, row.channel),
            INDICES.get(row.index, row.index),
            row.method,
            title_of(row.event),
            amount(*row.value.numbers),
            with_range(*row.share.numbers),
            ABSENT if row.relative.estimate is None else with_range(*row.relative.numbers),
            p_value(row.p_value),
            f"{row.seeds}, {fixed(row.shoppers, 0)}",
        ]
        for row in rows
    ]
    head = ["Channel", "Index", "Method", "Event", "Per shopper", "Share", "Lift", "p"]
    return table("Worth of channels", [*head, "Worlds, shoppers"], cells, names=4)


def sampled(lookup: Lookup) -> Html | None:
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
    return tag("p", said, cls="note")


def own_pairs(lookup: Lookup, method: str) -> list[InteractionRow]:
    """Interactions of the measured arm in what is lost first."""
    wanted = (method, lookup.arm, lookup.worth)
    rows = lookup.record.interactions
    return [row for row in rows if (row.method, row.arm, row.event) == wanted]


def interactions(lookup: Lookup, method: str) -> Html:
    """The matrix of pairs by one method."""
    rows = own_pairs(lookup, method)
    noun = noun_of(lookup.worth)
    most = max((abs(row.share.estimate or 0.0) for row in rows), default=0.0)
    found = {frozenset((row.channel, row.other)): row for row in rows}
    body = [
        tag(
            "tr",
            tag(
                "th",
                tag("span", f"{at + 1}", cls="ordinal"),
                swatch(lookup.channels, name),
                scope="row",
            ),
            *(cell(found.get(frozenset((name, other))), most) for other in lookup.measured[:at]),
        )
        for at, name in enumerate(lookup.measured)
        if at
    ]
    heads = [
        tag(
            "th",
            tag("span", f"{at + 1}", cls="ordinal"),
            tag("small", name),
            scope="col",
            title=name,
        )
        for at, name in enumerate(lookup.measured[:-1])
    ]
    matrix = tag(
        "table", tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *body), cls="pairs"
    )
    legend = tag(
        "div",
        mark_name("patch instead", "stand in for each other"),
        mark_name("patch together", "worth more together"),
        mark_name("patch unsure", "cannot be told from zero"),
        cls="legend",
        aria_hidden="true",
    )
    described = f"Matrix: interaction of each pair of channels in {noun}, {method}"
    numbers = pairs_table(lookup, rows)
    title = tag("h3", f"Pairs, {METHODS_NAMED[method]}", tag("small", f"share of {noun}"))
    picture = join([legend, tag("div", matrix, cls="scroll")])
    return tag("div", title, figure("", picture, numbers, described), cls="panel")


def cell(row: InteractionRow | None, most: float) -> Html:
    """One pair: colour by sign and size, pale where it cannot be told from zero."""
    if row is None or row.share.estimate is None:
        return tag("td", ABSENT)
    size, interval = share_words(*row.share.numbers, sign=True)
    state = told(row.share.low, row.share.high)
    if state is Told.UNTOLD or state is Told.MISSING or not most:
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


def pairs_table(lookup: Lookup, rows: Sequence[InteractionRow]) -> Html:
    """Every pair with its interval."""
    cells = [
        [
            swatch(lookup.channels, row.channel),
            swatch(lookup.channels, row.other),
            *share_words(*row.share.numbers, sign=True),
            amount(*row.value.numbers),
        ]
        for row in rows
    ]
    head = ["Channel", "Other", "Share", "Interval", "Per shopper"]
    return table("Interactions of pairs", head, cells, names=2)
