"""From exposure to click to purchase: whether a channel's share rises along the way."""

from itertools import pairwise

from experiments.inference.finding import Finding, decide
from experiments.records.attribution import StepRow
from experiments.records.interval import Interval
from experiments.records.papers.published import SHARES, SOURCE
from experiments.records.reading import grouped, row_of, rows_of
from experiments.report.attribution.contributions import some
from experiments.report.attribution.lookup import GENERATIVE, Lookup, rule_name
from experiments.report.kit.colours import channel_class, legend, swatch
from experiments.report.kit.curves import Curve, Point, chart, spanned
from experiments.report.kit.digits import (
    ABSENT,
    fixed,
    p_relation,
    p_value,
    percent,
    points,
    with_range,
)
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, figure, folded, note, panels
from experiments.report.kit.scales import Axis, Scale, percents
from experiments.report.kit.sentences import listed, noun_of, title_of
from experiments.report.kit.tables import Table

STEPS = ("exposure", "click", "purchase")


def flow(lookup: Lookup) -> Content:
    """One small curve for each channel."""
    shown = {name: _shares(lookup, name) for name in lookup.measured}
    if not any(len(own) > 1 for own in shown.values()):
        said = "There are too few kinds of event to follow a channel along the funnel."
        return (absent(said),)
    lead = (
        f"Each channel\u2019s any-touch share of exposures, clicks and purchases in {lookup.arm}. "
        "A share that rises says that what the channel finds is clicked and bought more readily "
        "than the rest of the page. It does not say that these purchases needed the channel."
    )
    groups = grouped(lookup.measured, lambda channel: monotone(lookup, channel))
    kinds = "; ".join(
        f"{words}: {some(groups[kind])}" for kind, words in KINDS.items() if kind in groups
    )
    drawn = panels(
        *(
            (swatch(lookup.channels, name), _curves(lookup, name, own))
            for name, own in shown.items()
        ),
        kind="multiples",
    )
    keys = legend(("stroke dashed published", f"published ({SOURCE})"))
    published = any(_generative(lookup, name) for name in lookup.measured)
    described = "Line charts: any-touch share of exposures, clicks and purchases of each channel"
    return (
        lead,
        tag("p", _published(), cls="told") if published else None,
        tag("p", f"In this run, {kinds}.", cls="told"),
        figure(tag("div", keys if published else None, drawn), _table(lookup), described),
        *_joint(lookup),
    )


def _shares(lookup: Lookup, channel: str, arm: str | None = None) -> dict[str, Interval]:
    """A channel's any-touch share of each kind of event, as far as known."""
    rows = {event: lookup.credit("any_touch", channel, event, arm) for event in STEPS}
    return {e: row.share for e, row in rows.items() if row and row.share.estimate is not None}


def _published() -> str:
    """What the paper reports of its generative channel."""
    levels = listed([f"{percent(SHARES[e], 2)} of {noun_of(e)}" for e in STEPS])
    return (
        f"The paper reports of its generative channel: {levels} ({SOURCE}; two weeks of "
        "deployment). The share rises at each step. How the paper counts an item that several "
        "channels found is not known."
    )


def _generative(lookup: Lookup, channel: str) -> bool:
    """Whether the published shares are of such a channel."""
    return lookup.types.get(channel, channel) == GENERATIVE


def _curves(lookup: Lookup, channel: str, shares: dict[str, Interval]) -> Html:
    found = []
    if _generative(lookup, channel):
        known = [
            Point(at, SHARES[e], f"published, {noun_of(e)}: {percent(SHARES[e], 2)}")
            for at, e in enumerate(STEPS)
        ]
        found.append(Curve("published", known, "dashed"))
    own = [
        spanned(
            STEPS.index(e),
            share,
            f"{channel}, {noun_of(e)}: {with_range(share)}",
            percent(share.estimate),
        )
        for e, share in shares.items()
    ]
    colour = channel_class(lookup.channels, channel)
    found.append(Curve(colour, own, spread="bars", labelled=True))
    ticks = [(float(at), title_of(event)) for at, event in enumerate(STEPS)]
    across = Axis(Scale(-0.45, 2.4), marks=ticks, thin=False)  # room for the words above a point
    return chart(found, across, Axis(Scale(0.0, 1.15), percents, 4), kind="shares-plot low")


def _rises(lookup: Lookup, channel: str, arm: str) -> list[StepRow | None]:
    own = rows_of(lookup.record.steps, arm=arm, channel=channel)
    return [row_of(own, event=event, then=then) for event, then in pairwise(STEPS)]


KINDS = {
    "same": "the share rises at both steps",
    "unsure": "it rises at both steps, but one rise at least may be chance",
    "falls": "it falls at a step",
    "none": "it does not rise at both steps",
    "unknown": "a share is missing, so it cannot be followed",
}
"""What a channel's share does from exposures to clicks to purchases."""


def monotone(lookup: Lookup, channel: str) -> str:
    """Which of `KINDS` a channel's share does."""
    found = _rises(lookup, channel, lookup.arm)
    rows = [row for row in found if row is not None and row.rise.estimate is not None]
    if len(rows) < len(STEPS) - 1:
        return "unknown"
    states = [decide(row.rise) for row in rows]
    if all(state is Finding.MORE for state in states):
        return "same"
    if Finding.LESS in states:
        return "falls"
    return "unsure" if all((row.rise.estimate or 0.0) > 0 for row in rows) else "none"


def _table(lookup: Lookup) -> Table:
    pairs = [(channel, arm) for arm in reversed(lookup.arms) for channel in lookup.channels]
    rises = [f"Rise, {noun_of(event)} to {noun_of(then)}" for event, then in pairwise(STEPS)]

    def shares(at: tuple[str, str]) -> list[str]:
        own = _shares(lookup, *at)
        return [with_range(own[event]) if event in own else ABSENT for event in STEPS]

    def tests(at: tuple[str, str]) -> list[str]:
        found = _rises(lookup, *at)
        cells = [(points(r.rise), p_value(r.p_value)) if r else (ABSENT, ABSENT) for r in found]
        return [cell for pair in cells for cell in pair]

    return Table.of(
        "Any-touch shares along the funnel",
        [at for at in pairs if _shares(lookup, *at)],
        ("Channel", lambda at: swatch(lookup.channels, at[0])),
        ("Arm", lambda at: at[1]),
        (tuple(map(title_of, STEPS)), shares),
        (tuple(head for rise in rises for head in (rise, "p")), tests),
        names=2,
    )


def _joint(lookup: Lookup) -> list[Html]:
    """Tests of all channels at once, which their shares move together in."""
    rows = lookup.record.joint
    if not rows:
        return []
    own = []
    for row in rows_of(rows, arm=lookup.arm, rule="any_touch"):
        if row.p_value is not None:
            shown = f"p{p_relation(row.p_value)}".replace(" ", "\u00a0")  # which no line breaks
            own.append(f"{noun_of(row.event)} and {noun_of(row.against)}: {shown}")
    said = (
        "Shares of all channels move together, so that they are the same in two kinds of event is "
        "also tested jointly (Wald)"
    )
    said += f"; any touch: {', '.join(own)}." if own else "."
    numbers = Table.of(
        "Joint tests that two kinds of event have the same shares",
        rows,
        ("Rule", lambda row: rule_name(row.rule)),
        ("Compared", lambda row: f"{title_of(row.event)}, {noun_of(row.against)}"),
        ("Arm", lambda row: row.arm),
        ("Chi-square", lambda row: fixed(row.statistic, 2)),
        ("df", lambda row: row.freedom),
        ("p", lambda row: p_value(row.p_value)),
        names=3,
    )
    return [note(said), folded(numbers, "Show the joint tests")]
