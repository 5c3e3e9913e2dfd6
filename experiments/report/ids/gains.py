"""Gains over the baseline as a forest plot, with the paper's beside them."""

from experiments.inference.finding import Finding
from experiments.records.ids import HIT_RATE, Gain, IdsRecord
from experiments.records.interval import Interval
from experiments.report.ids.schemes import colour, scheme_name
from experiments.report.ids.verdict import finding, size_words
from experiments.report.kit.colours import legend
from experiments.report.kit.digits import ABSENT, fixed, p_value, percent, range_of, signed_percents
from experiments.report.kit.forest import TICKS, Lane, Row, forest
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import figure, section
from experiments.report.kit.scales import Axis, shared
from experiments.report.kit.tables import Table


def gains(record: IdsRecord) -> Html:
    """The section with one forest plot for each mode."""
    lead = (
        f"How much larger each scheme's hit rate is than that of {record.baseline}, at beams "
        f"{', '.join(str(beam) for beam in record.beams)}. A filled dot is real after correcting "
        "for the number of comparisons; a hollow one may be chance."
    )
    keys = legend(
        ("mark-plain a1", "real"),
        ("mark-cuped a1", "may be chance"),
        ("diamond", "the paper's gain"),
    )
    plots = [one(record, mode) for mode in record.modes]
    return section("gains", f"Gain over {record.baseline}", lead, keys, *plots)


def one(record: IdsRecord, mode: str) -> Html:
    """All schemes of one mode on one axis."""
    found = {
        scheme: [gain for beam in record.beams if (gain := gain_of(record, scheme, mode, beam))]
        for scheme in record.schemes
        if scheme != record.baseline
    }
    scale = shared([span for gain in own for span in spans(record, gain)] for own in found.values())
    rows = [
        Row(
            scheme_name(record, scheme),
            [lane(record, gain) for gain in own],
            colour(record, scheme),
        )
        for scheme, own in found.items()
    ]
    described = f"Forest plot: relative gain in hit rate of each scheme, {mode}"
    picture = forest(rows, Axis(scale, signed_percents, TICKS), kind="beams")
    title = tag("h3", mode.capitalize(), tag("small", "beam at the left of each line"))
    return tag("div", title, figure(picture, gains_table(record, mode), described))


def gain_of(record: IdsRecord, scheme: str, mode: str, beam: int) -> Gain | None:
    """A gain in hit rate that has a relative size."""
    gain = record.gain(scheme, mode, HIT_RATE, beam)
    return gain if gain is not None and gain.relative.estimate is not None else None


def spans(record: IdsRecord, gain: Gain) -> list[Interval]:
    """What is drawn of a gain, for the axis to hold it."""
    return [gain.relative, Interval(paper_gain(record, gain), None, None)]


def paper_gain(record: IdsRecord, gain: Gain) -> float | None:
    """The same gain as the paper reports it."""
    found = record.paper(gain.scheme, gain.mode, HIT_RATE, gain.at)
    return found.relative if found else None


def lane(record: IdsRecord, gain: Gain) -> Lane:
    """One beam: filled where the gain is real, with the paper's beside it."""
    real = finding(gain, record.confidence).real
    told = paper_gain(record, gain)
    return Lane(
        gain.relative,
        *size_words(gain),
        mark="mark-plain" if real else "mark-cuped",
        name=str(gain.at),
        diamond=None if told is None else (told, f"paper: {percent(told, 1, sign=True)}"),
    )


_WORDS = {
    Finding.MORE: "yes, more",
    Finding.LESS: "yes, less",
    Finding.ALONE: "not after correction",
    Finding.UNTOLD: "no",
    Finding.MISSING: ABSENT,
}


def gains_table(record: IdsRecord, mode: str) -> Table:
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
                range_of(gain.effect, 2),
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
    return Table(f"Gains in hit rate over {record.baseline}, {mode}", head, rows)
