"""Pictures of operating characteristics: rates beside what is promised, and laws of p-values."""

from collections.abc import Callable, Sequence
from typing import Any

from experiments.records.experiment.operating import Characteristic, Operating, PValues, Verdict
from experiments.records.interval import Interval
from experiments.records.reading import grouped, rows_of
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, beside, number, p_value, percent, sureness
from experiments.report.kit.forest import Lane, Row, forest
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, figure, note, panels
from experiments.report.kit.scales import LONG, Axis, Scale, along, from_zero, known, percents
from experiments.report.kit.tables import Table
from experiments.report.operating.words import (
    QUESTIONS,
    TIMES,
    VERDICTS,
    metric_name,
    test_name,
    value_words,
    wanted_words,
)

Column = tuple[str | tuple[str, ...] | Html, Callable[[Characteristic], Any]]

_MARKS = {Verdict.HOLDS: "yes", Verdict.FAILS: "no", Verdict.UNTOLD: "unsure"}
_WIDEST = 4.0  # times the promised rate of false positives, beyond which an arrow stands
_LEAST_COVERAGE = 0.6
_LEAST_SHARE = 0.1  # of p-values in one bin, that an axis reaches at least
_MOST_TIMES = 10.0  # by which an axis of exaggeration ends


def false_positives(record: Operating) -> Content:
    """Rates of false positives against the promised one."""
    rows = rows_of(record.rows, question="false_positive_rate")
    if not rows:
        return None
    level = 1 - record.confidence
    lead = (
        "Both arms are control, so whatever a test finds is chance. The diamond is the share of "
        "tests that may find something at this level."
    )
    most = max([level, *known(end for row in rows for end in row.value.numbers)])
    axis = Axis(Scale(0.0, min(1.05 * most, _WIDEST * level)), percents, LONG)
    told = "Forest plot: rate of false positives by design and metric, beside the promised one"
    return (
        lead,
        legend(("mark-plain a1", "found"), ("diamond", "promised")),
        figure(_forests(record, rows, axis), _table(rows), told),
    )


def uniformity(record: Operating) -> Content:
    """Histograms of p-values of A/A tests of the metric that decides."""
    rows = rows_of(record.rows, question="uniformity")
    shown = [
        each
        for each in rows_of(record.p_values, setting="aa")
        if each.metric == record.primary or each.unit == "exposures"
    ]
    if not rows or not shown:
        return None
    lead = (
        "Where nothing differs, p-values are spread evenly from 0 to 1 (dashed). More of them at "
        "the left: the test sees what is not there. The distance in the table is the greatest "
        "between the two distributions."
    )
    pictures = panels(*((_title(each), _histogram(each)) for each in shown))
    told = "Histograms: p-values of A/A tests, by design"
    return lead, figure(pictures, _table(rows), told)


def _title(row: PValues) -> str:
    name = test_name(row.design, row.by)
    return f"{name}: exposures as units" if row.unit == "exposures" else name


def _histogram(row: PValues) -> Html:
    total = sum(row.counts) or 1
    shares = [count / total for count in row.counts]
    up = Axis(from_zero([*shares, _LEAST_SHARE]), percents)
    width = 1 / len(shares)
    corners = [
        Point(edge, share)
        for at, share in enumerate(shares)
        for edge in (at * width, (at + 1) * width)
    ]
    steps = Curve("a1", [Point(0.0, 0.0), *corners, Point(1.0, 0.0)], "steps", marked=False)
    middles = [
        Point(
            (at + 0.5) * width,
            share,
            f"p-values from {at * width:.2f} to {(at + 1) * width:.2f}: {percent(share)}",
        )
        for at, share in enumerate(shares)
    ]
    told = f"if p-values are even: {percent(width)} in each bar"
    even = Curve("a0", [Point(0.0, width), Point(1.0, width)], "dashed", marked=False, told=told)
    return chart(
        [even, steps, Curve("a1", middles, "unseen")], Axis(Scale(0.0, 1.0), name="p-value"), up
    )


def coverage(record: Operating) -> Content:
    """Coverage of the global effect and of what the test estimates, beside each other."""
    rows = [row for row in record.rows if row.question in ("coverage_global", "coverage_naive")]
    if not rows:
        return None
    lead = (
        "How often the interval of an A/B test holds the true effect of giving everybody the "
        "treatment, and how often it holds what such tests estimate on average (hollow). Where the "
        "first is low and the second is not, the test is sound and answers another question: its "
        "arms touch each other."
    )
    least = min(known(row.value.estimate for row in rows), default=record.confidence)
    low = min(2 * record.confidence - 1, max(_LEAST_COVERAGE, least - 0.02))
    axis = Axis(Scale(low, 1.0), percents, LONG)
    marks = [
        ("mark-plain a1", "the true effect"),
        ("mark-cuped a1", "the mean of the estimates"),
        ("diamond", "promised"),
    ]
    told = "Forest plot: coverage by design and metric, beside the promised one"
    return (
        lead,
        legend(*marks),
        figure(_forests(record, rows, axis), _table(rows), told),
        note(
            "The interval of a coverage of the true effect goes from the least to the greatest "
            f"coverage of any effect in the truth's own {sureness(record.confidence)} interval. By "
            "redraws that interval is wider, for all tests are of one pair of worlds, whose luck "
            "moves what they find."
        ),
        _estimands(record),
    )


def _estimands(record: Operating) -> Table:
    def ends(value: Interval) -> tuple[str, str]:
        low, high = value.ends or (None, None)
        around = ABSENT if low is None else f"{number(low)} to {number(high)}"
        return number(value.estimate), around

    return Table.of(
        "What the A/B tests estimate, and the true effect",
        record.estimands,
        ("Tests", lambda row: test_name(row.design, row.by)),
        ("Metric", lambda row: row.metric),
        (("True effect", "Interval"), lambda row: ends(row.truth)),
        (("Mean estimate", "Interval"), lambda row: ends(row.naive)),
        (("Bias", "Interval"), lambda row: ends(row.bias)),
        ("Spread of estimates", lambda row: number(row.spread)),
        names=2,
    )


def power(record: Operating) -> Content:
    """Power at the true effect."""
    rows = rows_of(record.rows, question="power")
    if not rows:
        return None
    lead = (
        "How often a test is significant, whatever sign it tells. The interval includes what is "
        "not known of the true effect itself."
    )
    axis = Axis(Scale(0.0, 1.0), percents, LONG)
    told = "Forest plot: power by design and metric"
    return lead, figure(_forests(record, rows, axis), _table(rows), told)


def errors(record: Operating) -> Content:
    """Type S and type M errors of significant results."""
    signs, sizes = (rows_of(record.rows, question=name) for name in ("type_s", "type_m"))
    if not signs:
        return None
    lead = (
        "A result that is significant may still have the wrong sign (type S), and with little "
        "power it is too large by chance: only what is exaggerated is found (type M, by how many "
        "times). Where the truth leaves the sign of an effect open, these have no interval."
    )
    most = max([0.05, *known(end for row in signs for end in row.value.numbers)])
    of_signs = Axis(Scale(0.0, min(1.0, 1.05 * most)), percents, LONG)
    most = max([2.0, *known(end for row in sizes for end in row.value.numbers)])
    times = along(1, TIMES)
    of_sizes = Axis(Scale(0.0, min(_MOST_TIMES, 1.05 * most)), times, LONG)
    return (
        lead,
        tag(
            "div",
            tag("h3", QUESTIONS["type_s"]),
            figure(
                _forests(record, signs, of_signs),
                _table(signs),
                "Forest plot: share of significant results with the wrong sign",
            ),
        ),
        tag(
            "div",
            tag("h3", QUESTIONS["type_m"]),
            figure(
                _forests(record, sizes, of_sizes, reference=(1.0, f"1{TIMES}: as large as it is")),
                _table(sizes),
                "Forest plot: size of significant results over the true one",
            ),
        ),
    )


def _forests(
    record: Operating,
    rows: Sequence[Characteristic],
    axis: Axis,
    reference: tuple[float, str] | None = None,
) -> Html:
    """A forest of the metrics for each design, all over one axis."""
    drawn = [
        forest([_row(record, own, reference) for own in metrics.values()], axis, test_name(*key))
        for key, of_design in grouped(rows, lambda row: (row.design, row.by)).items()
        for metrics in [grouped(of_design, metric_name)]
    ]
    return tag("div", *drawn)


def _row(
    record: Operating, rows: Sequence[Characteristic], reference: tuple[float, str] | None
) -> Row:
    lanes = [_lane(row, reference) for row in rows if row.value.estimate is not None]
    first = rows[0]
    primary = first.metric == record.primary and not first.known_fault
    return Row(metric_name(first), lanes, "a4" if first.known_fault else "a1", primary)


def _lane(row: Characteristic, reference: tuple[float, str] | None) -> Lane:
    size, around = value_words(row)
    hollow = row.question == "coverage_naive"
    promised = reference
    if row.wanted is not None:
        promised = row.wanted, f"promised: {wanted_words(row)}"
    behind = mark(row) if row.verdict is not None else (around if around != ABSENT else None)
    kind = "mark-cuped" if hollow else "mark-plain"
    shape = "cuped" if hollow else ""
    told = beside(size, around)
    return Lane(row.value, size, behind, kind, shape, diamond=promised, told=told)


def mark(row: Characteristic) -> Html | str:
    """The verdict in its colour; of a test that is known to be wrong in none."""
    if row.verdict is None:
        return ABSENT
    kind = _MARKS[row.verdict]
    return tag("b", VERDICTS[row.verdict], cls=f"{kind} known" if row.known_fault else kind)


def _table(rows: Sequence[Characteristic]) -> Table:
    """Answers in numbers."""
    promised = any(row.wanted is not None for row in rows)
    questions = {row.question for row in rows}

    def name(row: Characteristic) -> str:
        told = metric_name(row)
        return f"{told}: {QUESTIONS[row.question].lower()}" if len(questions) > 1 else told

    columns: list[Column] = [
        ("Tests", lambda row: test_name(row.design, row.by)),
        ("Metric", name),
        (("Found", "Interval"), value_words),
    ]
    if promised:
        columns += [
            ("Promised", wanted_words),
            ("p, corrected", lambda row: p_value(row.p_holm)),
            ("Verdict", mark),
        ]
    columns.append(("Rests on", lambda row: number(row.repetitions)))
    caption = " and ".join(QUESTIONS[each] for each in QUESTIONS if each in questions)
    return Table.of(caption, rows, *columns, names=2)
