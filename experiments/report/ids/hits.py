"""Hit rates by beam, and against what a beam returns and costs."""

from collections.abc import Callable, Sequence

from experiments.records.ids import HIT_RATE, Cost, IdsRecord
from experiments.records.ids import Point as Reached
from experiments.report.ids.schemes import colour, scheme_legend, scheme_name
from experiments.report.ids.verdict import BASES, size_words
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, duration, fixed, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import figure, folded, note, panels, section
from experiments.report.kit.scales import Axis, LogScale, Scale, from_zero
from experiments.report.kit.tables import Table


def hit_rates(record: IdsRecord) -> Html:
    """The section with each scheme's hit rate by beam, beside the baseline's and the paper's."""
    lead = (
        "The share of clicked items whose id is in the beam. Each picture has one scheme, "
        f"{record.baseline} in grey and, where the paper reports the scheme, its numbers."
    )
    named = {"semantic": "the query alone", "personalised": "query and shopper"}
    keys = legend(
        *((f"stroke {style(mode)}", named[mode]) for mode in record.modes),
        ("diamond", "the paper's own shop"),
    )
    up = from_zero(
        [point.hit_rate for point in record.curves]
        + [row.value for row in record.published if row.measure == HIT_RATE]
    )
    drawn = ((scheme_name(record, scheme), one(record, scheme, up)) for scheme in record.schemes)
    picture = panels(*drawn, kind="small-multiples")
    described = "Line charts: hit rate by beam width, one for each scheme"
    return section(
        "hits",
        "Hit rate by beam",
        lead,
        keys,
        figure(picture, hits_table(record), described),
    )


def style(mode: str) -> str:
    """Curves with the shopper are dotted."""
    return "loose" if mode == "personalised" else ""


def points_of(record: IdsRecord, scheme: str, mode: str) -> list[Reached]:
    """A scheme's curve, narrow beams first."""
    own = [point for point in record.curves if (point.scheme, point.mode) == (scheme, mode)]
    return sorted(own, key=lambda point: point.beam)


def one(record: IdsRecord, scheme: str, up: Scale) -> Html:
    """A scheme's picture."""
    curves: list[Curve] = []
    diamonds: list[Point] = []
    for mode in record.modes:
        if scheme != record.baseline:
            base = points_of(record, record.baseline, mode)
            faint = f"faint {style(mode)}"
            curves.append(Curve("a0", curve(base, lambda point: point.beam), faint, marked=False))
        by_beam = curve(points_of(record, scheme, mode), lambda point: point.beam)
        curves.append(Curve(colour(record, scheme), by_beam, style(mode)))
        diamonds += [
            Point(row.beam, row.value, f"paper, {mode}, beam {row.beam}: {row.value:.4f}")
            for row in record.published
            if (row.scheme, row.mode, row.measure) == (scheme, mode, HIT_RATE)
            and row.beam in record.beams
        ]
    across = LogScale(1.0, float(max(point.beam for point in record.curves)))
    shown = [each for each in curves if each.points]
    return chart(shown, Axis(across, whole, name="beam"), Axis(up, most=4), diamonds)


def whole(values: Sequence[float]) -> list[str]:
    """Counts along an axis."""
    return [f"{value / 1000:g}k" if value >= 1000 else f"{value:g}" for value in values]


def curve(
    points: Sequence[Reached], across: Callable[[Reached], float], *, capped: bool = False
) -> list[Point]:
    """Points with what is told of each."""
    return [
        Point(
            across(point), rate, f"{rate:.4f} at beam {point.beam}, {fixed(point.items, 0)} items"
        )
        for point in points
        for rate in [point.hit_rate_at_items if capped else point.hit_rate]
    ]


def equal_terms(record: IdsRecord) -> Html:
    """The section that holds schemes against items returned, beam and compute."""
    lead = (
        "A scheme with large clusters covers more with each id, and returns more items for it. So "
        "the same hit rates are drawn against the beam, against the items returned and against "
        "the work of the decoder. Where the curves change places, the three disagree."
    )
    blocks = [join([tag("h3", mode.capitalize()), terms(record, mode)]) for mode in record.modes]
    return section(
        "equal",
        "On equal terms",
        lead,
        scheme_legend(record),
        *(tag("div", block) for block in blocks),
    )


def terms(record: IdsRecord, mode: str) -> Html:
    """One mode: three pictures, the numbers, and the beams that match the baseline."""
    limit = number(record.item_limit)
    axes: tuple[tuple[str, str, Callable[[Reached], float]], ...] = (
        ("Equal beam", "beam", lambda point: point.beam),
        ("Equal items", "items returned", lambda point: point.items),
        ("Equal compute", "positions", lambda point: point.positions),
    )
    drawn = [(title, against(record, mode, xname, across)) for title, xname, across in axes]
    last = against(record, mode, "beam", lambda point: point.beam, capped=True)
    pictures = panels(*drawn, (f"At most {limit} items", last))
    described = f"Line charts: hit rate against beam, items returned and compute, {mode}"
    recall = Table(
        f"Item recall, {mode}: level and gain on {record.baseline}",
        ["Scheme", "List", *(label.capitalize() for _, label in BASES)],
        recall_rows(record, mode),
    )
    return join(
        [
            tag("div", pictures, role="img", aria_label=described, cls="picture"),
            tag("div", matching_table(record, mode), cls="shown"),
            folded(recall, "Show item recall at equal items, beam and compute"),
        ]
    )


def against(
    record: IdsRecord,
    mode: str,
    xname: str,
    across: Callable[[Reached], float],
    *,
    capped: bool = False,
) -> Html:
    """All schemes of one mode against one measure of what a beam takes."""
    own = {scheme: points_of(record, scheme, mode) for scheme in record.schemes}
    every = [point for points in own.values() for point in points]
    ends = [across(point) for point in every if across(point) > 0]
    curves = [
        Curve(colour(record, scheme), curve(points, across, capped=capped))
        for scheme, points in own.items()
        if points
    ]
    up = from_zero([point.hit_rate for point in every])
    scale = LogScale(min(ends, default=1.0), max(ends, default=10.0))
    return chart(curves, Axis(scale, whole, name=xname), Axis(up, most=4), kind="plot large")


def matching_table(record: IdsRecord, mode: str) -> Html:
    """The beam with which each scheme matches the baseline, and what it costs and misses."""
    rows = []
    for scheme in record.schemes:
        cost = cost_of(record, scheme, mode)
        if cost is None:
            continue
        items_beam = ABSENT if cost.items_beam is None else str(cost.items_beam)
        rows.append(
            [
                scheme_name(record, scheme),
                matched(record, cost),
                items_beam,
                fixed(cost.compute_beam, 0),
                number(cost.positions),
                duration(cost.decode_s),
                percent(cost.unreached),
                percent(cost.without_id),
            ]
        )
    limit = number(record.item_limit)
    base = cost_of(record, record.baseline, mode)
    rate = ABSENT if base is None else fixed(base.matched_rate, 4)
    head = ["Scheme", "Matches at", f"{limit} items at", "Equal compute at"]
    head += ["Positions", "Decoding", "Not reached", "No id"]
    said = (
        f"Matches at: the narrowest beam with which at most {limit} items cover what "
        f"{record.baseline} covers with about {limit} ({rate}). Positions and decoding: of one "
        f"request at beam {record.serving_beam}. Not reached: items that no test request's widest "
        "beam returned."
    )
    shown = Table(f"Beams and their cost, {mode}", head, rows)
    return join([shown, note(said)])


def cost_of(record: IdsRecord, scheme: str, mode: str) -> Cost | None:
    """A scheme's costs, where there are some."""
    found = [row for row in record.costs if (row.scheme, row.mode) == (scheme, mode)]
    return found[0] if found else None


def matched(record: IdsRecord, cost: Cost) -> str:
    """The beam that matches the baseline, or that none does."""
    widest = max(point.beam for point in record.curves)
    return f"none to {widest}" if cost.matched_beam is None else str(cost.matched_beam)


def recall_rows(record: IdsRecord, mode: str) -> list[list[object]]:
    """Every scheme, list length and comparison."""
    rows: list[list[object]] = []
    for scheme in record.schemes:
        for at in record.recall_sizes:
            cells = []
            for measure, _ in BASES:
                row = record.of(scheme, mode, measure, at)
                gain = record.gain(scheme, mode, measure, at)
                found = row.value.estimate if row else None
                shown = ABSENT if found is None else fixed(found, 4)
                told = "" if gain is None else " {} ({})".format(*size_words(gain))
                cells.append(shown + told)
            rows.append([scheme_name(record, scheme), fixed(at, 0), *cells])
    return rows


def hits_table(record: IdsRecord) -> Table:
    """Every hit rate with its interval, its seeds and the paper's."""
    rows = []
    for row in record.measured:
        if row.measure != HIT_RATE:
            continue
        paper = record.paper(row.scheme, row.mode, HIT_RATE, row.at)
        ends = (row.value.low, row.value.high)
        known = [fixed(end, 4) for end in ends if end is not None]
        rows.append(
            [
                scheme_name(record, row.scheme),
                row.mode,
                fixed(row.at, 0),
                ABSENT if row.value.estimate is None else fixed(row.value.estimate, 4),
                " to ".join(known) or ABSENT,
                ", ".join(fixed(value, 4) for value in row.per_seed),
                ABSENT if paper is None else fixed(paper.value, 4),
            ]
        )
    head = ["Scheme", "Mode", "Beam", "Hit rate", "Interval", "By seed", "Paper"]
    return Table("Hit rates", head, rows, names=2)
