"""Gains over the baseline as a forest plot, with the paper's beside them."""

from experiments.records.ids import HIT_RATE, Gain, IdsRecord
from experiments.report.ids.pictures import colour, scheme_name
from experiments.report.ids.verdict import Finding, finding, size_words
from experiments.report.kit.charts import mark_name
from experiments.report.kit.figures import Scale, axis, place
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import figure, section, table
from experiments.report.kit.words import ABSENT, fixed, p_value, percent, range_of, step_decimals
from experiments.report.run.effects import TICKS, Span, shared_scale


def gains(record: IdsRecord) -> Html:
    """The section with one forest plot for each mode."""
    lead = (
        f"How much larger each scheme's hit rate is than that of {record.baseline}, at beams "
        f"{', '.join(str(beam) for beam in record.beams)}. A filled dot is real after correcting "
        "for the number of comparisons; a hollow one may be chance."
    )
    legend = tag(
        "div",
        mark_name("mark-plain a1", "real"),
        mark_name("mark-cuped a1", "may be chance"),
        mark_name("diamond", "the paper's gain"),
        cls="legend",
        aria_hidden="true",
    )
    plots = [forest(record, mode) for mode in record.modes]
    return section("gains", f"Gain over {record.baseline}", lead, legend, *plots)


def forest(record: IdsRecord, mode: str) -> Html:
    """All schemes of one mode on one axis."""
    rows = {
        scheme: [gain for beam in record.beams if (gain := gain_of(record, scheme, mode, beam))]
        for scheme in record.schemes
        if scheme != record.baseline
    }
    scale = shared_scale([spans(record, own) for own in rows.values()])
    decimals = step_decimals([100 * value for value in scale.ticks(TICKS)])
    ruler = tag(
        "div",
        tag("span", cls="label"),
        tag("div", axis(scale, lambda value: percent(value, decimals, sign=True), TICKS)),
        cls="metric ruler",
    )
    drawn = [
        tag(
            "div",
            tag("span", scheme_name(record, scheme), cls="label"),
            tag(
                "div",
                *(lane(record, gain, scale) for gain in own),
                cls=f"lanes {colour(record, scheme)}",
            ),
            cls="metric",
        )
        for scheme, own in rows.items()
    ]
    described = f"Forest plot: relative gain in hit rate of each scheme, {mode}"
    picture = tag("div", *drawn, ruler, cls="forest beams")
    title = tag("h3", mode.capitalize(), tag("small", "beam at the left of each line"))
    return tag("div", title, figure("", picture, gains_table(record, mode), described))


def gain_of(record: IdsRecord, scheme: str, mode: str, beam: int) -> Gain | None:
    """A gain in hit rate that has a relative size."""
    gain = record.gain(scheme, mode, HIT_RATE, beam)
    return gain if gain is not None and gain.relative.estimate is not None else None


def spans(record: IdsRecord, own: list[Gain]) -> dict[str, Span]:
    """What is drawn of a scheme, for the axis to hold it."""
    found: dict[str, Span] = {}
    for gain in own:
        found[str(gain.at)] = (gain.relative.estimate or 0.0, gain.relative.low, gain.relative.high)
        if (told := paper_gain(record, gain)) is not None:
            found[f"paper {gain.at}"] = (told, None, None)
    return found


def paper_gain(record: IdsRecord, gain: Gain) -> float | None:
    """The same gain as the paper reports it."""
    found = record.paper(gain.scheme, gain.mode, HIT_RATE, gain.at)
    return found.relative if found else None


def lane(record: IdsRecord, gain: Gain, scale: Scale) -> Html:
    """One beam: interval, middle, the paper's gain, and the numbers in words."""
    parts = [
        tag("i", cls="tick zero" if value == 0 else "tick", style=place(left=scale.at(value)))
        for value in scale.ticks(TICKS)
    ]
    low, high, middle = gain.relative.low, gain.relative.high, gain.relative.estimate or 0.0
    if low is not None and high is not None:
        left, right = scale.at(low), scale.at(high)
        cut = (" cut-low" if low < scale.low else "") + (" cut-high" if high > scale.high else "")
        parts.append(tag("i", cls=f"span{cut}", style=place(left=left, width=right - left)))
    if scale.holds(middle):
        real = finding(gain, record.confidence) in (Finding.MORE, Finding.LESS)
        mark = "mark-plain" if real else "mark-cuped"
        parts.append(tag("i", cls=mark, style=place(left=scale.at(middle))))
    told = paper_gain(record, gain)
    if told is not None and scale.holds(told):
        shown = f"paper: {percent(told, 1, sign=True)}"
        parts.append(tag("i", cls="diamond", style=place(left=scale.at(told)), title=shown))
    size, interval = size_words(gain)
    return tag(
        "div",
        tag("span", str(gain.at), cls="beam"),
        tag("div", *parts, cls="track"),
        tag("div", tag("span", size, cls="size"), tag("small", interval), cls="said"),
        cls="lane plain",
    )


_WORDS = {
    Finding.MORE: "yes, more",
    Finding.LESS: "yes, less",
    Finding.ALONE: "not after correction",
    Finding.UNTOLD: "no",
    Finding.MISSING: ABSENT,
}


def gains_table(record: IdsRecord, mode: str) -> Html:
    """All gains of one mode."""
    rows = []
    for gain in record.gains:
        if (gain.mode, gain.measure) != (mode, HIT_RATE):
            continue
        size, interval = size_words(gain)
        rows.append(
            [
                scheme_name(record, gain.scheme),
                fixed(gain.at, 0),
                percent(gain.effect.estimate, 2, sign=True),
                range_of(gain.effect.low, gain.effect.high, 2),
                size,
                interval,
                p_value(gain.p_value),
                p_value(gain.p_holm),
                _WORDS[finding(gain, record.confidence)],
                percent(paper_gain(record, gain), 1, sign=True),
            ]
        )
    head = ["Scheme", "Beam", "Difference", "Interval", "Relative", "Interval"]
    head += ["p", "p, corrected", "Real", "Paper"]
    return table(f"Gains in hit rate over {record.baseline}, {mode}", head, rows)
