"""Studies of share against lift: one channel at several weights in the merge."""

from collections.abc import Sequence
from dataclasses import replace

from experiments.inference.finding import decide
from experiments.records.attribution import StudyRow
from experiments.records.reading import rows_of
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.colours import legend, swatch
from experiments.report.kit.curves import Curve, Point, chart, spanned
from experiments.report.kit.digits import number, p_value, percent, with_range
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import (
    Axis,
    Scale,
    around_zero,
    percents,
    shared,
    signed_percents,
)
from experiments.report.kit.sentences import listed, noun_of, plain_name
from experiments.report.kit.tables import Table

SHARES = {"any_touch": ("a1", "any-touch share"), "exclusive": ("a2", "exclusive share")}
LIFT = "lift"
_ROOM = 1.06  # of the farthest lift


def studies(lookup: Lookup) -> Content:
    """One picture for each study; no such section where there is none."""
    rows = lookup.record.studies
    if not rows:
        return None
    lead = (
        "The weight with which the merge favours a channel decides how much of the page it fills, "
        "and so how much it is credited with. Whether shoppers buy more is another question: each "
        "study lives worlds at several weights, and beside the shares stands the true lift over "
        "the same worlds without the channel."
    )
    names = dict.fromkeys(row.study for row in rows)
    return lead, *(_study(lookup, name, rows_of(rows, study=name)) for name in names)


def _preferred(rows: Sequence[StudyRow], share: bool) -> str | None:
    """The event that is drawn: purchases for shares, GMV for the lift, or what there is."""
    found = [row.event for row in rows if (row.measure != LIFT) == share]
    order = ("purchase", "gmv", "exposure") if share else ("gmv", "purchase", "exposure")
    return next((event for event in order if event in found), next(iter(found), None))


def _series(rows: Sequence[StudyRow], measure: str, event: str | None) -> list[StudyRow]:
    own = rows_of(rows, measure=measure, event=event)
    known = (row for row in own if row.value.estimate is not None)
    return sorted(known, key=lambda row: row.weight)


def _study(lookup: Lookup, name: str, rows: Sequence[StudyRow]) -> Html:
    """One study: two panels above each other, and what they show."""
    channel, arm = rows[0].channel, rows[0].arm
    weights = sorted({row.weight for row in rows})
    across = Axis(
        Scale(-0.2, max(len(weights) - 0.8, 0.2)),
        marks=[(float(at), f"{weight:g}") for at, weight in enumerate(weights)],
    )
    shares, lifted = _preferred(rows, share=True), _preferred(rows, share=False)
    pictures = []
    if shares is not None:
        curves = [
            Curve(colour, _points(own, weights), spread="band")
            for measure, (colour, _) in SHARES.items()
            for own in [_series(rows, measure, shares)]
            if own
        ]
        drawn = chart(curves, across, Axis(Scale(0, 1), percents, 4), kind="shares-plot")
        title = tag("h4", f"Share of {noun_of(shares)}")
        keys = legend(*((f"stroke {colour}", label) for colour, label in SHARES.values()))
        pictures.append(tag("div", title, keys, drawn))
    if lifted is not None:
        own = _series(rows, LIFT, lifted)
        curves = [Curve("a4", _points(own, weights), spread="bars")] if own else []
        named = replace(across, name=f"weight of {channel} in the merge")
        up = Axis(_lift_scale(own), signed_percents, 4)
        title = tag("h4", f"True lift of {noun_of(lifted)} over worlds without {channel}")
        pictures.append(tag("div", title, chart(curves, named, up, kind="shares-plot")))
    described = f"Two line charts: share and true lift of {channel} along its weight in the merge"
    head = tag("h3", name, tag("small", swatch(lookup.channels, channel), f" in {arm}"))
    picture = tag("div", *pictures, cls="stacked")
    confidence = lookup.record.confidence
    said = tag("p", _sentence(rows, shares, lifted, confidence), cls="told")
    shown = figure(picture, _table(rows), described)
    return tag("div", head, said, shown, note("Weights stand at equal distances."), cls="study")


def _lift_scale(rows: Sequence[StudyRow]) -> Scale:
    """An axis around zero that holds every lift; a single wild interval cannot squash it."""
    if not rows:
        return around_zero([-0.01, 0.01])
    scale = shared([row.value] for row in rows)
    lifts = [row.value.estimate or 0.0 for row in rows]
    return Scale(min(scale.low, _ROOM * min(lifts)), max(scale.high, _ROOM * max(lifts)))


def _points(rows: Sequence[StudyRow], weights: list[float]) -> list[Point]:
    return [
        spanned(
            weights.index(row.weight),
            row.value,
            f"{'True lift' if row.measure == LIFT else plain_name(row.measure)} at weight "
            f"{row.weight:g}: {with_range(row.value)}",
        )
        for row in rows
    ]


def _sentence(
    rows: Sequence[StudyRow], shares: str | None, lifted: str | None, confidence: float
) -> str:
    """What the study shows; `confidence` is that of the tests of all weights together."""
    touched = _series(rows, "any_touch", shares)
    own = _series(rows, LIFT, lifted)
    said = []
    if len(touched) > 1:
        first, last = touched[0], touched[-1]
        said.append(
            f"From weight {first.weight:g} to {last.weight:g}, the any-touch share of "
            f"{noun_of(first.event)} goes from {percent(first.value.estimate)} to "
            f"{percent(last.value.estimate)}"
        )
    if own and lifted is not None:
        said.append(_lift_clause(own, noun_of(lifted), confidence))
    return "; ".join(said) + "." if said else "Nothing could be measured."


def _lift_clause(rows: Sequence[StudyRow], noun: str, confidence: float) -> str:
    """Where the lift lies, and at which weights it can be told from zero."""
    values = [row.value.estimate or 0.0 for row in rows]
    least, most = percent(min(values), sign=True), percent(max(values), sign=True)
    within = f"is {least}" if least == most else f"lies between {least} and {most}"
    sure = [
        row
        for row in rows
        if decide(row.value, tested=(row.p_value, row.p_holm), confidence=confidence).real
    ]
    counted = f" (Holm, {len(rows)} weights)" if len(rows) > 1 else ""
    start = f"the true lift of {noun} {within}"
    if not sure:
        return f"{start} and cannot be told from zero at any weight{counted}"
    if len(sure) == len(rows):
        return f"{start}, told from zero at every weight{counted}"
    weights = listed([f"{row.weight:g}" for row in sure])
    return f"{start}, and can be told from zero at weight {weights} alone{counted}"


def _table(rows: Sequence[StudyRow]) -> Table:
    return Table.of(
        f"Study {rows[0].study}",
        sorted(rows, key=lambda row: (row.measure, row.event, row.weight)),
        ("Weight", lambda row: f"{row.weight:g}"),
        (
            "Measure",
            lambda row: "True lift" if row.measure == LIFT else f"{plain_name(row.measure)} share",
        ),
        ("Of", lambda row: noun_of(row.event)),
        ("Value (interval)", lambda row: with_range(row.value)),
        ("p", lambda row: p_value(row.p_value)),
        ("p (Holm)", lambda row: p_value(row.p_holm)),
        ("Worlds", lambda row: row.seeds),
        ("Shoppers", lambda row: number(row.shoppers)),
        names=3,
    )
