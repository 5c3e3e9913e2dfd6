"""The page of a scorecard: one self-contained HTML file, written from scorecard.json alone."""

from functools import partial

from experiments.inference.diagnostics.srm import SRM_ALARM
from experiments.records.experiment.scorecard import CardRow, Scorecard
from experiments.records.reading import read_record
from experiments.report.kit.digits import ABSENT, fixed, number, p_value, percent, sureness
from experiments.report.kit.forest import Lane, Row, forest
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import (
    Content,
    Part,
    figure,
    judged,
    listing,
    note,
    page,
    sections,
    style_of,
    verdict,
    writer,
)
from experiments.report.kit.scales import LONG, Axis, around_zero, known, signed_percents
from experiments.report.kit.sentences import counted
from experiments.report.kit.tables import Table
from experiments.report.scorecard.course import course, interactions, lasting, trends
from experiments.report.scorecard.words import (
    LABELS,
    ROLES,
    change,
    growth,
    headline,
    level,
    told,
)

_NO_TRUTH = "There is no truth beside these estimates: that only a simulation has."


def render(card: Scorecard) -> str:
    """The whole page."""
    labels = [each.label for each in card.verdicts]
    badge = ", ".join(dict.fromkeys(LABELS[each] for each in labels))
    tone = "bad" if "hold" in labels else "plain" if "test online" in labels else "good"
    sentences = [headline(card, each) for each in card.verdicts]
    reasons = [f"{each.contrast[1]}: {'; '.join(each.reasons)}." for each in card.verdicts]
    said = verdict(badge, tag("p", " ".join(sentences), cls="sentence"), reasons, tone)
    counts = card.srm[0].counts if card.srm else ()
    setting = [
        counted(sum(counts), "unit"),
        counted(len(card.arms), "arm"),
        f"{sureness(card.confidence)} intervals",
        card.source,
    ]
    parts = sections(PARTS, card)
    return page(card.name, "funnelab scorecard", said, setting, parts, style_of(__package__ or ""))


def _remarks(card: Scorecard) -> Content:
    return (listing(card.remarks),) if card.remarks else None


def _effects(card: Scorecard) -> Content:
    """The rows that decide, and the plain ones of the other metrics."""
    lead = (
        "The change of each metric relative to control, adjusted by the time before where that is "
        "known. Whether it is real is decided on the absolute scale, after correction for the "
        "number of questions."
    )
    pictures = []
    for contrast in card.contrasts:
        rows = [card.deciding(each.name, contrast) for each in card.metrics]
        lines = [_line(card, row) for row in rows]
        ends = known(end for row in rows for end in row.relative.numbers)
        axis = Axis(around_zero(ends), signed_percents, LONG)
        title = f"{contrast[1]} against {contrast[0]}"
        numbers = _estimates(card, rows, title)
        described = f"Forest plot: relative change of each metric, {title}"
        pictures.append(figure(forest(lines, axis, title), numbers, described))
    return (lead, *pictures, note(_NO_TRUTH))


def _line(card: Scorecard, row: CardRow) -> Row:
    """A metric's name, what it is for and what is found, and its relative effect."""
    metric = card.metric(row.metric)
    hints = [ROLES[metric.role], "less is better" if metric.better == "less" else ""]
    word = told(row, metric, card.confidence)
    size, _, around = growth(row.relative).partition(" (")
    around = around.rstrip(")")
    parts: list[object] = [metric.name, *(tag("small", each) for each in hints if each)]
    if word in ("better", "worse"):
        parts.append(tag("small", judged(word == "better", word, word)))
    if around:
        parts.append(tag("small", around, cls="brief"))
    lanes = []
    if row.relative.estimate is not None:
        mark = "mark-cuped" if row.narrowed else "mark-plain"
        lanes.append(Lane(row.relative, size, around or None, mark, "plain"))
    return Row(join(parts), lanes, "a1", metric.role == "primary")


def _estimates(card: Scorecard, rows: list[CardRow], title: str) -> Table:
    return Table.of(
        f"Estimates, {title}",
        rows,
        ("Metric", lambda row: row.metric),
        ("Estimate", lambda row: row.method),
        ("Control", lambda row: level(card.metric(row.metric), row.control)),
        ("Treatment", lambda row: level(card.metric(row.metric), row.treatment)),
        ("Effect", lambda row: change(card.metric(row.metric), row.effect)),
        ("Relative", lambda row: growth(row.relative)),
        ("p", lambda row: p_value(row.p_value)),
        ("p, corrected", lambda row: p_value(row.p_adjusted)),
        ("Finding", lambda row: told(row, card.metric(row.metric), card.confidence)),
    )


def _verdicts(card: Scorecard) -> Content:
    lead = (
        "Each part of the evidence votes, and the most careful vote is the label: hold where "
        "something speaks against a treatment, test online where too little speaks for it, launch "
        "where all that was asked speaks for it."
    )
    rows = [(each.contrast, vote) for each in card.verdicts for vote in each.votes]
    votes = Table.of(
        "Votes",
        rows,
        ("Treatment", lambda row: row[0][1]),
        ("Part", lambda row: row[1].part),
        ("Vote", lambda row: tag("b", LABELS[row[1].label], cls=row[1].label.split()[0])),
        ("Why", lambda row: tag("span", row[1].reason, cls="why")),
        names=4,
    )
    return lead, votes


def _ways(card: Scorecard) -> Content:
    """All estimates that are not plain, beside the plain ones."""
    rows = [row for row in card.rows if row.method != "plain"]
    if not rows:
        return None
    lead = (
        "The same effects with less noise, and effects on means that few units cannot move. The "
        "last are another question: they say less of the largest."
    )
    table = Table.of(
        "Estimates in every way",
        card.rows,
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        ("Estimate", _method),
        ("Relative", lambda row: growth(row.relative)),
        ("p", lambda row: p_value(row.p_value)),
        ("Worth of units", _worth),
        names=3,
    )
    said = (
        "Worth of units: how many times as many units a plain estimate needs for the same interval."
    )
    return lead, table, note(said)


def _method(row: CardRow) -> Html:
    """How it was estimated, and what must be known of that."""
    return tag("span", row.method, tag("small", row.note) if row.note else None, cls="why")


def _worth(row: CardRow) -> str:
    if row.gain.estimate is None:
        return ABSENT
    ends = "" if row.gain.ends is None else " to ".join(fixed(each, 2) for each in row.gain.ends)
    return f"{fixed(row.gain.estimate, 2)}{f' ({ends})' if ends else ''}"


def _beliefs(card: Scorecard) -> Content:
    if not card.beliefs:
        return None
    lead = (
        "What to believe of a lift once the data are seen. Before them, "
        f"{card.beliefs[0].prior}. Large lifts are rare, so a large estimate is drawn towards 0."
    )
    table = Table.of(
        "Beliefs",
        card.beliefs,
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        ("Lift believed", lambda row: growth(row.lift) if not row.note else row.note),
        ("Of it the data's", lambda row: percent(row.data, 0)),
        ("Chance to be better", lambda row: percent(row.chance, 1)),
        ("Loss expected of launching", lambda row: percent(row.loss, 2)),
        ("Of not launching", lambda row: percent(row.regret, 2)),
        names=2,
    )
    return lead, table


def _segments(card: Scorecard) -> Content:
    if not card.segments:
        return None
    lead = (
        "The effects among the units of each value. First read whether they differ at all: single "
        "values that stand out are mostly chance."
    )
    apart = Table.of(
        "Do effects differ?",
        card.differences,
        ("By", lambda row: row.by),
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        ("p of one effect in all", lambda row: p_value(row.p_value)),
        ("Spread beyond chance", lambda row: percent(row.i2, 0)),
        names=3,
    )
    table = Table.of(
        "Effects by segment",
        card.segments,
        ("By", lambda row: row.by),
        ("Value", lambda row: row.value),
        ("Metric", lambda row: row.metric),
        ("Treatment", lambda row: row.contrast[1]),
        ("Units", lambda row: number(row.n_control + row.n_treatment)),
        ("Relative", lambda row: growth(row.relative)),
        ("p, corrected", lambda row: p_value(row.p_holm)),
        ("Drawn to the mean", lambda row: change(card.metric(row.metric), row.shrunk)),
        names=4,
    )
    return lead, apart, table


def _health(card: Scorecard) -> Content:
    (ratio,) = card.srm
    sizes = Table.of(
        "Sizes of arms",
        list(zip(ratio.arms, ratio.counts, ratio.expected, strict=True)),
        ("Arm", lambda row: row[0]),
        ("Units", lambda row: number(row[1])),
        ("Planned", lambda row: fixed(row[2], 0)),
    )
    sound = ratio.p_value is None or ratio.p_value >= SRM_ALARM
    said = tag(
        "p",
        f"Arms as large as planned (chi-square, alarm below {SRM_ALARM}): p ",
        p_value(ratio.p_value),
        " ",
        judged(sound, "as planned", "not as planned"),
    )
    parts: list[Html | Table] = [said, sizes]
    if card.balance:
        parts.append(
            Table.of(
                "The time before",
                card.balance,
                ("Metric", lambda row: row.metric),
                ("Treatment", lambda row: row.contrast[1]),
                ("Difference before", lambda row: growth(row.relative)),
                ("p", lambda row: p_value(row.p_value)),
                ("Alike", lambda row: judged(not row.alarm, "yes", "no")),
                names=2,
            )
        )
    if card.tails:
        parts.append(
            Table.of(
                "On how few units a sum rests",
                card.tails,
                ("Metric", lambda row: row.metric),
                ("Arm", lambda row: row.arm),
                ("Units", lambda row: number(row.units)),
                ("With any", lambda row: number(row.nonzero)),
                ("Effective", lambda row: number(row.effective)),
                ("Held by the top 1 %", lambda row: percent(row.top, 0)),
                names=2,
            )
        )
    return parts


PARTS: tuple[Part[Scorecard], ...] = (
    ("remarks", "Read first", "Read this first", _remarks),
    ("effects", "Effects", "What changed", _effects),
    ("verdicts", "What to do", "What to do, and why", _verdicts),
    ("course", "Day by day", "How it went", course),
    ("trends", "Trends", "Does it last?", trends),
    ("lasting", "Since the launch", "What is left since the launch", lasting),
    ("ways", "All estimates", "The same effects in other ways", _ways),
    ("beliefs", "Beliefs", "What to believe", _beliefs),
    ("segments", "Segments", "For whom", _segments),
    ("interactions", "Other experiments", "Beside other experiments", interactions),
    ("health", "Health", "Is the experiment sound?", _health),
)

write_report = writer("scorecard.html", partial(read_record, Scorecard), render)
