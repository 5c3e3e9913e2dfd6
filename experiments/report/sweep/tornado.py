"""What drawn worlds say together, and the tornado of what that hangs on."""

from collections import Counter
from collections.abc import Sequence

from experiments.inference.finding import Finding, decide
from experiments.records.interval import Interval
from experiments.records.metrics import Contrast
from experiments.records.reading import rows_of
from experiments.records.sweep import Importance, Lean, OverWorlds, SweepRecord, short_keys
from experiments.report.kit.digits import (
    ABSENT,
    beside,
    change_words,
    p_relation,
    percent,
    range_of,
    sureness,
)
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import growths
from experiments.report.kit.sentences import counted, listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.sweep.words import finding, shown

_TONES = {1: "good", -1: "bad"}


def headline_over(record: SweepRecord) -> tuple[str, str, str]:
    """What the worlds say of the primary metric, in a few words and a sentence, and its tone."""
    rows = rows_of(record.over, metric=record.primary)
    found = [decide(row.mean, confidence=record.confidence) for row in rows]
    said = " ".join(_over(record, row) for row in rows)
    signs = {1 if each is Finding.MORE else -1 for each in found if each.real}
    if len(signs) != 1 or not all(each.real for each in found):
        return "Cannot be told", said, "plain"
    (sign,) = signs
    better = _TONES[sign * meaning(record.primary).better]
    return "Above zero on average" if sign > 0 else "Below zero on average", said, better


def _over(record: SweepRecord, row: OverWorlds) -> str:
    """One comparison over all worlds."""
    noun, arm = meaning(row.metric).noun, row.contrast[1]
    if row.mean.ends is None:
        return f"Too few worlds have a lift of {noun} by {arm}."
    mean = beside(*change_words(row.mean))
    low, high = (percent(end, 1, sign=True) for end in row.another.ends or (0.0, 0.0))
    return (
        f"Over {counted(row.worlds, 'world')} drawn from what nobody knows, {arm} changes "
        f"{noun} by {mean} on average; one more such world is expected between {low} and {high}."
    )


def hangs_on(record: SweepRecord) -> list[str]:
    """In how many worlds the lift is above and below zero, and the assumptions it hangs on."""
    said = []
    for contrast in record.contrasts:
        said += [_signs(record, contrast), _most(record, contrast), _part(record, contrast)]
    return said


def _signs(record: SweepRecord, contrast: Contrast) -> str:
    rows = rows_of(record.lifts, metric=record.primary, contrast=contrast)
    number = Counter(finding(row, record.confidence) for row in rows)
    more, less = number[Finding.MORE], number[Finding.LESS]
    sides = (
        (more, "above zero"),
        (less, "below zero"),
        (len(rows) - more - less, "not to be told"),
    )
    told = listed([f"{side} in {count}" for count, side in sides if count])
    return f"World by world the lift by {contrast[1]} is {told}."


def _most(record: SweepRecord, contrast: Contrast) -> str:
    """The assumption that the lift hangs on most, if that can be told."""
    ranked = _ranked(record, record.primary, contrast)
    if not ranked:
        return ""
    real = [row for row in ranked if _finding(record, row).real]
    if not real:
        first = ranked[0]
        return (
            f"No assumption can be told to move it; the largest estimate is that of {first.key} "
            f"({beside(*change_words(first.change))} from its low to its high end)."
        )
    parts = [f"{row.key} ({beside(*change_words(row.change))})" for row in real[:3]]
    more = f", and {len(real) - 3} more" if len(real) > 3 else ""
    return f"It hangs most on {listed(parts)}{more}, from the low to the high end of each range."


def _part(record: SweepRecord, contrast: Contrast) -> str:
    """The submodel that most of what differs between worlds hangs on, if that can be told."""
    rows = [row for row in _parts(record, contrast) if _real(record, row)]
    if not rows:
        return ""
    first, share = rows[0].submodel, beside(*_share_words(rows[0]))
    return f"Of what differs between worlds, the settings of {first} explain {share}."


def _parts(record: SweepRecord, contrast: Contrast) -> list[Importance]:
    """Submodels by what they explain, the most first."""
    rows = rows_of(record.importance, metric=record.primary, contrast=contrast)
    known = [row for row in rows if row.share.estimate is not None]
    return sorted(known, key=lambda row: -(row.share.estimate or 0.0))


def _real(record: SweepRecord, row: Importance) -> bool:
    return row.p_holm is not None and row.p_holm < 1 - record.confidence


def _share_words(row: Importance) -> tuple[str, str]:
    return percent(row.share.estimate, 0), range_of(row.share, 0)


def _ranked(record: SweepRecord, metric: str, contrast: Contrast) -> list[Lean]:
    """Assumptions by how much the lift changes over their range, the most first."""
    rows = rows_of(record.leans, metric=metric, contrast=contrast)
    known = [row for row in rows if row.change.estimate is not None]
    return sorted(known, key=lambda row: -abs(row.change.estimate or 0.0))


def _finding(record: SweepRecord, row: Lean) -> Finding:
    return decide(row.change, tested=(row.p_value, row.p_holm), confidence=record.confidence)


def over(record: SweepRecord) -> Content | None:
    """The part of the page; None where no worlds were drawn."""
    if not record.over:
        return None
    lead = (
        "Each world has its own seed and its own place in every range, and all ranges are filled "
        "evenly at once. The mean holds what differs between worlds and what each of them is not "
        "sure of."
    )
    drawn: list[object] = [lead, _together(record)]
    for contrast in record.contrasts:
        if ranked := _ranked(record, record.primary, contrast):
            drawn += [_lead(record, contrast), _tornado(record, contrast, ranked)]
        if parts := _parts(record, contrast):
            drawn += [_importance(parts)]
    return [*drawn, *(note(each) for each in _notes(record))]


def _together(record: SweepRecord) -> Html:
    table = Table.of(
        "Over all worlds",
        record.over,
        ("Metric", lambda row: meaning(row.metric).label),
        ("Arm", lambda row: row.contrast[1]),
        ("Worlds", lambda row: row.worlds),
        (("Mean lift", "Interval"), lambda row: change_words(row.mean)),
        ("One more world", lambda row: _ends(row.another)),
        ("SD between worlds", lambda row: ABSENT if row.spread is None else percent(row.spread, 2)),
        ("Explained", lambda row: ABSENT if row.explained is None else percent(row.explained, 0)),
        names=2,
    )
    return tag("div", table, cls="wide")


def _ends(interval: Interval) -> str:
    if interval.ends is None:
        return ABSENT
    low, high = (percent(end, 1, sign=True) for end in interval.ends)
    return f"{low} to {high}"


def _lead(record: SweepRecord, contrast: Contrast) -> str:
    noun, level = meaning(record.primary).noun, sureness(record.confidence)
    return (
        f"Each bar is the lift of {noun} by {contrast[1]} from the low to the high end of one "
        "range, all others in the middle of theirs: blue where it rises, orange where it falls. "
        f"The number is that change; the line is its {level} interval, laid from the low end."
    )


def _tornado(record: SweepRecord, contrast: Contrast, ranked: Sequence[Lean]) -> Html:
    """A bar for each assumption, from the lift at its low end to that at its high end."""
    names = dict(zip(record.keys, short_keys(record.keys), strict=True))
    rows = []
    for row in ranked:
        low, high = row.at_low or 0.0, row.at_high or 0.0
        whisker = _whisker(row)
        size, around = change_words(row.change)
        lane = Lane(
            whisker,
            size,
            around,
            kind="gain" if high >= low else "loss",
            bar=(min(low, high), max(low, high)),
        )
        rows.append(Row(tag("span", names[row.key], title=row.key), [lane]))
    axis = growths(spans(rows))
    noun = meaning(record.primary).noun
    described = f"Lift of {noun} by {contrast[1]} from the low to the high end of each assumption."
    return figure(forest(rows, axis, kind="narrow"), _leans(record, ranked), described)


def _whisker(row: Lean) -> Interval:
    """The change's interval, laid from the lift at the low end."""
    if row.at_low is None or row.change.ends is None or row.at_high is None:
        return Interval(row.at_high, None, None)
    ends = [(1 + row.at_low) * (1 + end) - 1 for end in row.change.ends]
    return Interval(row.at_high, *ends)


def _leans(record: SweepRecord, ranked: Sequence[Lean]) -> Table:
    ranges = {each.key: each for each in record.assumptions}
    return Table.of(
        "What the lift hangs on",
        ranked,
        ("Assumption", lambda row: row.key),
        ("From", lambda row: shown(ranges[row.key].low)),
        ("To", lambda row: shown(ranges[row.key].high)),
        ("Lift there", lambda row: _at(row.at_low)),
        ("and there", lambda row: _at(row.at_high)),
        (("Change", "Interval"), lambda row: change_words(row.change)),
        ("p", lambda row: p_relation(row.p_holm)),
        names=1,
    )


def _importance(rows: Sequence[Importance]) -> Html:
    """A row for each submodel."""
    table = Table.of(
        "Part of what differs between worlds that settings explain",
        rows,
        ("Submodel", lambda row: row.submodel),
        ("Settings drawn", lambda row: len(row.keys)),
        (("Share of the variance", "Interval"), _share_words),
        ("p", lambda row: p_relation(row.p_holm)),
        names=1,
    )
    return tag("div", table, cls="wide")


def _at(lift: float | None) -> str:
    return ABSENT if lift is None else percent(lift, 2, sign=True)


def _notes(record: SweepRecord) -> list[str]:
    weighed = "All of them are weighed at once."
    if not all(row.joint for row in record.leans):
        weighed = (
            "There are too few worlds to weigh all assumptions at once, so each was weighed alone, "
            "and what the others do is noise."
        )
    said = [
        "What an assumption does is taken as a straight line over its range; p is corrected for "
        "their number. What lines do not explain is curvature, what assumptions do together, and "
        "the luck of each world's catalogue, shoppers and trainings.",
        weighed,
    ]
    if record.importance:
        shape = "curves" if all(row.curved for row in record.importance) else "straight lines"
        said.append(
            f"The share of a submodel (first-order Sobol index) is by {shape} over each of its "
            "ranges. What settings do together, and luck, is in no share."
        )
    return said
