"""Hit rates by beam, and against what a beam returns and costs."""

from collections.abc import Callable, Sequence

from experiments.idsbench.readings import Mode
from experiments.records.ids import HIT_RATE, IdsRecord, Point
from experiments.report.ids.pictures import colour, scheme_legend, scheme_name
from experiments.report.ids.tables import cost_of, matched
from experiments.report.ids.verdict import BASES, size_words
from experiments.report.kit.charts import Line, LogScale, chart, mark_name
from experiments.report.kit.figures import Scale, from_zero, panels
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import figure, folded, section, table
from experiments.report.kit.words import ABSENT, duration, fixed, number, percent


def hit_rates(record: IdsRecord) -> Html:
    """The section with each scheme's hit rate by beam, beside the baseline's and the paper's."""
    lead = (
        "The share of clicked items whose id is in the beam. Each picture has one scheme, "
        f"{record.baseline} in grey and, where the paper reports the scheme, its numbers."
    )
    named = {Mode.SEMANTIC: "the query alone", Mode.PERSONALISED: "query and shopper"}
    entries = [mark_name(f"stroke {style(mode)}", named[Mode(mode)]) for mode in record.modes]
    entries.append(mark_name("diamond", "the paper's own shop"))
    legend = tag("div", *entries, cls="legend", aria_hidden="true")
    up = from_zero(
        [point.hit_rate for point in record.curves]
        + [row.value for row in record.published if row.measure == HIT_RATE]
    )
    drawn = [
        tag("div", tag("h4", scheme_name(record, scheme)), one(record, scheme, up), cls="panel")
        for scheme in record.schemes
    ]
    picture = tag("div", *drawn, cls="small-multiples")
    described = "Line charts: hit rate by beam width, one for each scheme"
    return section(
        "hits",
        "Hit rate by beam",
        lead,
        legend,
        figure("", picture, hits_table(record), described),
    )


def style(mode: str) -> str:
    """Curves with the shopper are dotted."""
    return "loose" if mode == Mode.PERSONALISED else ""


def points_of(record: IdsRecord, scheme: str, mode: str) -> list[Point]:
    """A scheme's curve, narrow beams first."""
    own = [point for point in record.curves if (point.scheme, point.mode) == (scheme, mode)]
    return sorted(own, key=lambda point: point.beam)


def one(record: IdsRecord, scheme: str, up: Scale) -> Html:
    """A scheme's picture."""
    lines, diamonds = [], []
    for mode in record.modes:
        if scheme != record.baseline:
            base = points_of(record, record.baseline, mode)
            faint = f"faint {style(mode)}"
            lines.append(Line("a0", curve(base, lambda point: point.beam), faint, marked=False))
        own = points_of(record, scheme, mode)
        by_beam = curve(own, lambda point: point.beam)
        lines.append(Line(colour(record, scheme), by_beam, style(mode)))
        diamonds += [
            (float(row.beam), row.value, f"paper, {mode}, beam {row.beam}: {row.value:.4f}")
            for row in record.published
            if (row.scheme, row.mode, row.measure) == (scheme, mode, HIT_RATE)
            and row.beam in record.beams
        ]
    across = LogScale(1.0, float(max(point.beam for point in record.curves)))
    shown = [line for line in lines if line.points]
    return chart(shown, diamonds, across=across, up=up, xname="beam", shown=whole)


def whole(value: float) -> str:
    """A count on an axis."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def curve(
    points: Sequence[Point], across: Callable[[Point], float], *, capped: bool = False
) -> list[tuple[float, float, str]]:
    """Points with what is told of each."""
    return [
        (across(point), rate, f"{rate:.4f} at beam {point.beam}, {fixed(point.items, 0)} items")
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
    axes: tuple[tuple[str, str, Callable[[Point], float]], ...] = (
        ("Equal beam", "beam", lambda point: point.beam),
        ("Equal items", "items returned", lambda point: point.items),
        ("Equal compute", "positions", lambda point: point.positions),
    )
    drawn = [(title, against(record, mode, xname, across)) for title, xname, across in axes]
    last = against(record, mode, "beam", lambda point: point.beam, capped=True)
    pictures = panels(*drawn, (f"At most {limit} items", last))
    described = f"Line charts: hit rate against beam, items returned and compute, {mode}"
    recall = table(
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
    across: Callable[[Point], float],
    *,
    capped: bool = False,
) -> Html:
    """All schemes of one mode against one measure of what a beam takes."""
    own = {scheme: points_of(record, scheme, mode) for scheme in record.schemes}
    every = [point for points in own.values() for point in points]
    ends = [across(point) for point in every if across(point) > 0]
    lines = [
        Line(colour(record, scheme), curve(points, across, capped=capped))
        for scheme, points in own.items()
        if points
    ]
    up = from_zero([point.hit_rate for point in every])
    scale = LogScale(min(ends, default=1.0), max(ends, default=10.0))
    return chart(lines, (), across=scale, up=up, xname=xname, shown=whole, large=True)


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
    note = (
        f"Matches at: the narrowest beam with which at most {limit} items cover what "
        f"{record.baseline} covers with about {limit} ({rate}). Positions and decoding: of one "
        f"request at beam {record.serving_beam}. Not reached: items that no test request's widest "
        "beam returned."
    )
    shown = table(f"Beams and their cost, {mode}", head, rows)
    return join([shown, tag("p", note, cls="note")])


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


def hits_table(record: IdsRecord) -> Html:
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
    return table("Hit rates", head, rows, names=2)
