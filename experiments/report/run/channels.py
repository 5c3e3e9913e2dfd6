"""What each channel contributes: shares, overlap, and retrieval on human grades."""

from collections.abc import Sequence

from experiments.records.metrics import Overlap, Retrieval, Share
from experiments.records.run import Run
from experiments.report.kit.figures import (
    Bar,
    arm_legend,
    bar_line,
    channel_class,
    from_zero,
    grouped_bars,
    panels,
    swatch,
)
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.kit.words import EVENTS, fixed, number, percent, plain_name, range_of

MOST_SETS = 12  # sets drawn; the table has all


def shares(run: Run) -> Html:
    """The section with each channel's share of exposures, clicks, purchases and GMV."""
    title = "Channel shares"
    rows = [row for row in run.metrics.shares if row.rule == "any_touch"]
    if not rows:
        return section("shares", title, None, absent("The run holds no channel shares."))
    events = list(dict.fromkeys(row.event for row in rows))
    pictures = panels(*((event_label(event), share_bars(run, rows, event)) for event in events))
    lead = (
        "The share of each event whose item a channel found. An item found by several channels "
        "counts for each of them (any-touch), so shares add up to more than 100\u202f%. A high "
        "share is not a high contribution: without the channel, others may have found the item. "
        "The table also tells what a channel found alone."
    )
    picture = tag("div", arm_legend(run.arms), pictures)
    described = "Bar charts: any-touch share of each channel by arm, one for each event"
    return section("shares", title, lead, figure("", picture, shares_table(run, rows), described))


def event_label(event: str) -> str:
    """An event's name as a title."""
    return EVENTS.get(event, plain_name(event))


def share_bars(run: Run, rows: Sequence[Share], event: str) -> Html:
    """One event: channels by arms."""
    groups: list[tuple[object, list[Bar]]] = []
    for channel in run.channels:
        bars = [
            Bar(row.arm, share.estimate, percent(share.estimate), share.low, share.high)
            for row in rows
            if (row.channel, row.event) == (channel, event)
            for share in [row.share]
        ]
        if bars:
            groups.append((swatch(run.channels, channel), bars))
    return grouped_bars(groups, run.arms, whole=1.0)


def shares_table(run: Run, rows: Sequence[Share]) -> Html:
    """All shares with their intervals."""
    cells = [
        [
            swatch(run.channels, row.channel),
            event_label(row.event),
            row.arm,
            percent(row.share.estimate),
            range_of(row.share.low, row.share.high, 1),
            percent(exclusive_share(run, row)),
        ]
        for row in rows
    ]
    head = ["Channel", "Event", "Arm", "Share", "Interval", "Found by it alone"]
    return table("Any-touch channel shares", head, cells, names=3)


def exclusive_share(run: Run, share: Share) -> float | None:
    """The share of the same event that no other channel found; None where sets are not counted."""
    sets = [row for row in run.metrics.overlap if (row.arm, row.event) == (share.arm, share.event)]
    if not sets:
        return None
    return sum(row.share or 0.0 for row in sets if row.channels == (share.channel,))


def overlap(run: Run) -> Html:
    """The section with the exact sets of channels that found what was shown and bought."""
    title = "Channel overlap"
    rows = run.metrics.overlap
    if not rows:
        return section("overlap", title, None, absent("The run holds no channel overlap."))
    events = list(dict.fromkeys(row.event for row in rows))
    lead = (
        "Which channels found the same item. Each row is an exact set: the filled channels found "
        "the item, the others did not, so the rows of an arm add up to 100\u202f%."
    )
    pictures = panels(*((event_label(event), sets_picture(run, rows, event)) for event in events))
    described = "Set chart: share of events found by each exact set of channels, by arm"
    picture = tag("div", arm_legend(run.arms), channel_legend(run), pictures)
    return section("overlap", title, lead, figure("", picture, overlap_table(rows), described))


def channel_legend(run: Run) -> Html:
    """The channels in the order of the matrix' columns."""
    names = [swatch(run.channels, name) for name in run.channels]
    return tag("div", *names, cls="legend", aria_hidden="true")


def sets_picture(run: Run, rows: Sequence[Overlap], event: str) -> Html:
    """The most frequent sets of one event: a matrix of channels, and bars by arm."""
    found = {(row.channels, row.arm): row for row in rows if row.event == event}
    sizes: dict[tuple[str, ...], float] = {}
    for (channels, _), row in found.items():
        sizes[channels] = sizes.get(channels, 0.0) + (row.share or 0.0)
    sets = sorted(sizes, key=lambda channels: -sizes[channels])[:MOST_SETS]
    scale = from_zero(
        [row.share or 0.0 for (channels, _), row in found.items() if channels in sets]
    )
    drawn = []
    for channels in sets:
        bars = [
            Bar(arm, row.share if row else 0.0, percent(row.share if row else 0.0))
            for arm in run.arms
            for row in [found.get((channels, arm))]
        ]
        lines = tag("span", *(bar_line(bar, scale, run.arms) for bar in bars), cls="lines")
        drawn.append(tag("div", matrix_row(run, channels), lines, cls="set"))
    rest = len(sizes) - len(sets)
    more = tag("p", f"{rest} smaller sets are in the table.", cls="note") if rest > 0 else None
    return tag("div", join(drawn), more, cls="sets")


def matrix_row(run: Run, channels: Sequence[str]) -> Html:
    """One cell for each channel, filled where it is in the set."""
    cells = [
        tag(
            "i",
            cls=f"cell {channel_class(run.channels, name)}" if name in channels else "cell off",
            title=name,
        )
        for name in run.channels
    ]
    return tag("span", *cells, cls="matrix")


def overlap_table(rows: Sequence[Overlap]) -> Html:
    """All sets of all arms and events."""
    cells = [
        [
            " + ".join(row.channels) or "no channel",
            event_label(row.event),
            row.arm,
            number(row.count),
            percent(row.share, 2),
        ]
        for row in sorted(rows, key=lambda row: (row.event, -(row.share or 0.0)))
    ]
    head = ["Exactly these channels", "Event", "Arm", "Count", "Share"]
    return table("Exact sets of channels", head, cells, names=3)


def retrieval(run: Run) -> Html:
    """The section with each channel against human grades."""
    title = "Retrieval on human grades"
    rows = run.metrics.retrieval
    if not rows:
        said = "This catalogue has no queries with human grades, so retrieval was not graded."
        return section("retrieval", title, None, absent(said))
    lead = (
        f"What each channel alone returns for the {number(max(row.queries for row in rows))} "
        "queries that people have graded. Judged@10 tells how much of the first ten was graded at "
        "all: where it is low, NDCG says little."
    )
    columns = (
        ("Recall@100", "recall_at_100"),
        ("NDCG@10", "ndcg_at_10"),
        ("Judged@10", "judged_at_10"),
    )
    pictures = panels(*((label, grade_bars(run, rows, key)) for label, key in columns))
    cells = [
        [
            swatch(run.channels, row.channel),
            number(row.queries),
            *(grade(getattr(row, key)) for _, key in columns),
        ]
        for row in rows
    ]
    head = ["Channel", "Queries", *(label for label, _ in columns)]
    numbers = table("Retrieval on human grades", head, cells)
    described = "Bar charts: recall@100, NDCG@10 and judged@10 of each channel"
    return section("retrieval", title, lead, figure("", pictures, numbers, described))


def grade(value: float | None) -> str:
    """A measure between 0 and 1 with three decimals."""
    return number(None) if value is None else fixed(value, 3)


def grade_bars(run: Run, rows: Sequence[Retrieval], key: str) -> Html:
    """One measure, one bar for each channel in its colour."""
    groups = []
    for row in rows:
        value: float | None = getattr(row, key)
        bar = bar_line(Bar("", value, grade(value)), from_zero([1.0]), ())
        colour = channel_class(run.channels, row.channel)
        label = tag("span", swatch(run.channels, row.channel), cls="label")
        groups.append(tag("div", label, tag("span", bar, cls=f"lines own {colour}"), cls="group"))
    return tag("div", *groups, cls="bars whole")
