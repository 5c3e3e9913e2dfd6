"""Hit rates by beam, their gains over the baseline, and what a beam returns and costs."""

from collections.abc import Callable, Sequence

from experiments.inference.finding import Finding
from experiments.records.ids import HIT_RATE, Cost, Gain, IdsRecord, Point as Reached
from experiments.records.reading import row_of, rows_of
from experiments.report.ids.schemes import colour, scheme_legend, scheme_name
from experiments.report.ids.verdict import BASES, finding, others, size_words
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import (
    ABSENT,
    beside,
    between,
    duration,
    fixed,
    number,
    p_value,
    percent,
    range_of,
)
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, figure, folded, note, panels
from experiments.report.kit.scales import Axis, LogScale, Scale, from_zero, growths, rounded
from experiments.report.kit.tables import Table

STYLES = {"personalised": "loose"}
"""Curves with the shopper are dotted."""

Read = Callable[[Reached], float]
"""What is read of a point of a curve."""

_REAL = {
    Finding.MORE: "yes, more",
    Finding.LESS: "yes, less",
    Finding.ALONE: "not after correction",
    Finding.UNTOLD: "no",
    Finding.MISSING: ABSENT,
}


def gains(record: IdsRecord) -> Content:
    """One forest plot of gains over the baseline for each mode, the paper's beside them."""
    lead = (
        "A clicked item is a hit if its id is among the ids that the beam ends with; a wider beam "
        f"costs more. How much larger each scheme's hit rate is than that of {record.baseline}, at "
        f"beams {', '.join(str(beam) for beam in record.beams)}. A filled dot is real after "
        "correcting for the number of comparisons; a hollow one may be chance."
    )
    keys = legend(
        ("mark-plain a1", "real"),
        ("mark-cuped a1", "may be chance"),
        ("diamond", "the paper's gain"),
    )
    return lead, keys, *(_gains_of(record, mode) for mode in record.modes)


def _gains_of(record: IdsRecord, mode: str) -> Html:
    rows = []
    for scheme in others(record):
        found = [record.gain(scheme, mode, HIT_RATE, beam) for beam in record.beams]
        own = [gain for gain in found if gain and gain.relative.estimate is not None]
        lanes = [_gain_lane(record, gain) for gain in own]
        rows.append(Row(scheme_name(record, scheme), lanes, colour(record, scheme)))
    picture = forest(rows, growths(spans(rows)), kind="beams")
    title = tag("h3", mode.capitalize(), tag("small", "beam at the left of each line"))
    described = f"Forest plot: relative gain in hit rate of each scheme, {mode}"
    return tag("div", title, figure(picture, _gains_table(record, mode), described))


def _paper_gain(record: IdsRecord, gain: Gain) -> float | None:
    """The same gain as the paper reports it."""
    found = record.paper(gain.scheme, gain.mode, HIT_RATE, gain.at)
    return found.relative if found else None


def _gain_lane(record: IdsRecord, gain: Gain) -> Lane:
    """One beam: filled where the gain is real."""
    told = _paper_gain(record, gain)
    return Lane(
        gain.relative,
        *size_words(gain),
        mark="mark-plain" if finding(gain, record.confidence).real else "mark-cuped",
        name=str(gain.at),
        told=f"{beside(*size_words(gain))} at beam {gain.at}",
        diamond=None if told is None else (told, f"paper: {percent(told, 1, sign=True)}"),
    )


def _gains_table(record: IdsRecord, mode: str) -> Table:
    return Table.of(
        f"Gains in hit rate over {record.baseline}, {mode}",
        rows_of(record.gains, mode=mode, measure=HIT_RATE),
        ("Scheme", lambda gain: scheme_name(record, gain.scheme)),
        ("Beam", lambda gain: fixed(gain.at, 0)),
        ("Difference", lambda gain: percent(gain.effect.estimate, 2, sign=True)),
        ("Interval", lambda gain: range_of(gain.effect, 2)),
        (("Relative", "Interval"), size_words),
        ("p", lambda gain: p_value(gain.p_value)),
        ("p, corrected", lambda gain: p_value(gain.p_holm)),
        ("Real", lambda gain: _REAL[finding(gain, record.confidence)]),
        ("Paper", lambda gain: percent(_paper_gain(record, gain), 1, sign=True)),
    )


def hit_rates(record: IdsRecord) -> Content:
    """Each scheme's hit rate by beam, beside the baseline's and the paper's."""
    lead = (
        "The share of clicked items whose id is in the beam. Each picture has one scheme, "
        f"{record.baseline} in grey and, where the paper reports the scheme, its numbers."
    )
    named = {"semantic": "the query alone", "personalised": "query and shopper"}
    keys = legend(
        *((f"stroke {STYLES.get(mode, '')}", named[mode]) for mode in record.modes),
        *(
            (f"diamond {STYLES.get(mode, '')}".rstrip(), f"the paper's own shop, {named[mode]}")
            for mode in record.modes
        ),
    )
    published = [row.value for row in rows_of(record.published, measure=HIT_RATE)]
    up = rounded(from_zero([*(point.hit_rate for point in record.curves), *published]), 1.0)
    drawn = (
        (scheme_name(record, scheme), _scheme_picture(record, scheme, up))
        for scheme in record.schemes
    )
    described = "Line charts: hit rate by beam width, one for each scheme"
    return lead, keys, figure(panels(*drawn, kind="small-multiples"), _hits(record), described)


def _reached(record: IdsRecord, scheme: str, mode: str) -> list[Reached]:
    return sorted(rows_of(record.curves, scheme=scheme, mode=mode), key=lambda point: point.beam)


def _scheme_picture(record: IdsRecord, scheme: str, up: Scale) -> Html:
    curves: list[Curve] = []
    diamonds: list[Point] = []
    for mode in record.modes:
        style = STYLES.get(mode, "")
        if scheme != record.baseline:
            base = _points(_reached(record, record.baseline, mode), lambda point: point.beam)
            told = f"{record.baseline}, {mode}: {base[0].told} to {base[-1].told}" if base else ""
            curves.append(Curve("a0", base, f"faint {style}", marked=False, told=told))
        own = _points(_reached(record, scheme, mode), lambda point: point.beam)
        curves.append(Curve(colour(record, scheme), own, style))
        diamonds += [
            Point(
                row.beam,
                row.value,
                f"paper, {mode}, beam {row.beam}: {row.value:.4f}",
                label=STYLES.get(mode, ""),
            )
            for row in rows_of(record.published, scheme=scheme, mode=mode, measure=HIT_RATE)
            if row.beam in record.beams
        ]
    across = LogScale(1.0, float(max(point.beam for point in record.curves)))
    shown = [each for each in curves if each.points]
    return chart(shown, Axis(across, _counts, name="beam"), Axis(up, most=4), diamonds)


def _counts(values: Sequence[float]) -> list[str]:
    return [f"{value / 1000:g}k" if value >= 1000 else f"{value:g}" for value in values]


def _points(points: Sequence[Reached], across: Read, *, capped: bool = False) -> list[Point]:
    """Points with what is told of each; `capped`: with the limit of items."""
    return [
        Point(
            across(point), rate, f"{rate:.4f} at beam {point.beam}, {fixed(point.items, 0)} items"
        )
        for point in points
        for rate in [point.hit_rate_at_items if capped else point.hit_rate]
    ]


def _hits(record: IdsRecord) -> Table:
    """Every hit rate with its interval, its seeds and the paper's."""
    published = rows_of(record.published, measure=HIT_RATE)
    known = {(row.scheme, row.mode, row.beam): row.value for row in published}
    return Table.of(
        "Hit rates",
        rows_of(record.measured, measure=HIT_RATE),
        ("Scheme", lambda row: scheme_name(record, row.scheme)),
        ("Mode", lambda row: row.mode),
        ("Beam", lambda row: fixed(row.at, 0)),
        ("Hit rate", lambda row: fixed(row.value.estimate, 4)),
        ("Interval", lambda row: between(row.value)),
        ("By seed", lambda row: ", ".join(fixed(value, 4) for value in row.per_seed)),
        ("Paper", lambda row: fixed(known.get((row.scheme, row.mode, row.at)), 4)),
        names=2,
    )


def equal_terms(record: IdsRecord) -> Content:
    """Schemes held against items returned, beam and compute."""
    lead = (
        "A scheme with large clusters covers more with each id, and returns more items for it. So "
        "the same hit rates are drawn against the beam, against the items returned and against "
        "the work of the decoder. Where the curves change places, the three disagree."
    )
    blocks = (
        tag("div", tag("h3", mode.capitalize()), *_terms(record, mode)) for mode in record.modes
    )
    return lead, scheme_legend(record), *blocks


def _terms(record: IdsRecord, mode: str) -> tuple[Html, Html, Html]:
    """One mode: three pictures, the beams that match the baseline, and the numbers."""
    axes: tuple[tuple[str, str, Read], ...] = (
        ("Equal beam", "beam", lambda point: point.beam),
        ("Equal items", "items returned", lambda point: point.items),
        ("Equal compute", "positions", lambda point: point.positions),
    )
    drawn = [(title, _against(record, mode, xname, across)) for title, xname, across in axes]
    last = _against(record, mode, "beam", lambda point: point.beam, capped=True)
    pictures = panels(*drawn, (f"At most {number(record.item_limit)} items", last))
    described = f"Line charts: hit rate against beam, items returned and compute, {mode}"
    return (
        tag("div", pictures, role="img", aria_label=described, cls="picture"),
        tag("div", _matching(record, mode), cls="shown"),
        folded(_recall(record, mode), "Show item recall at equal items, beam and compute"),
    )


def _against(
    record: IdsRecord, mode: str, xname: str, across: Read, *, capped: bool = False
) -> Html:
    """All schemes of one mode against one measure of what a beam takes."""
    own = {scheme: _reached(record, scheme, mode) for scheme in record.schemes}
    every = [point for points in own.values() for point in points]
    ends = [across(point) for point in every if across(point) > 0]
    curves = [
        Curve(colour(record, scheme), _points(points, across, capped=capped))
        for scheme, points in own.items()
        if points
    ]
    up = rounded(from_zero([point.hit_rate for point in every]), 1.0)
    scale = LogScale(min(ends, default=1.0), max(ends, default=10.0))
    return chart(curves, Axis(scale, _counts, name=xname), Axis(up, most=4), kind="plot large")


def _matching(record: IdsRecord, mode: str) -> Html:
    """The beam with which each scheme matches the baseline, and what it costs and misses."""
    limit = number(record.item_limit)
    base = row_of(record.costs, scheme=record.baseline, mode=mode)
    own = (row_of(record.costs, scheme=scheme, mode=mode) for scheme in record.schemes)
    shown = Table.of(
        f"Beams and their cost, {mode}",
        [cost for cost in own if cost is not None],
        ("Scheme", lambda cost: scheme_name(record, cost.scheme)),
        ("Matches at", lambda cost: matched(record, cost)),
        (f"{limit} items at", lambda cost: fixed(cost.items_beam, 0)),
        ("Equal compute at", lambda cost: fixed(cost.compute_beam, 0)),
        ("Positions", lambda cost: number(cost.positions)),
        ("Decoding", lambda cost: duration(cost.decode_s)),
        ("Not reached", lambda cost: percent(cost.unreached)),
        ("No id", lambda cost: percent(cost.without_id)),
    )
    rate = fixed(base.matched_rate if base else None, 4)
    said = (
        f"Matches at: the narrowest beam with which at most {limit} items cover what "
        f"{record.baseline} covers with about {limit} ({rate}). "
        f"Positions and decoding: of one request at beam {record.serving_beam}. Not reached: items "
        "that no test request's widest beam returned."
    )
    return join([shown, note(said)])


def matched(record: IdsRecord, cost: Cost) -> str:
    """The beam that matches the baseline, or that none does."""
    widest = max(point.beam for point in record.curves)
    return f"none to {widest}" if cost.matched_beam is None else str(cost.matched_beam)


def _recall(record: IdsRecord, mode: str) -> Table:
    def told(scheme: str, at: int, measure: str) -> str:
        row, gain = record.of(scheme, mode, measure, at), record.gain(scheme, mode, measure, at)
        shown = fixed(row.value.estimate, 4) if row else ABSENT
        return shown + (" {} ({})".format(*size_words(gain)) if gain else "")

    rows = [
        [scheme_name(record, scheme), fixed(at, 0), *(told(scheme, at, each) for each, _ in BASES)]
        for scheme in record.schemes
        for at in record.recall_sizes
    ]
    caption = f"Item recall, {mode}: level and gain on {record.baseline}"
    return Table(caption, ["Scheme", "List", *(label.capitalize() for _, label in BASES)], rows)
