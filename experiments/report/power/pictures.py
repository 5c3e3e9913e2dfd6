"""Pictures of a plan: the least effect by day, shoppers by day, and simulated tests."""

from collections.abc import Sequence

from experiments.records.experiment.power import (
    CurvePoint,
    Day,
    Method,
    PowerRecord,
    SimulatedPower,
    Size,
)
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, decimals_for, number, percent, share_words
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.page import Content, figure, note
from experiments.report.kit.scales import Axis, LogScale, Scale, bounded, from_zero, percents
from experiments.report.kit.sentences import changes, counted
from experiments.report.kit.tables import Table
from experiments.report.power.words import (
    COLOURS,
    METHODS,
    WAYS,
    WHAT,
    absolute,
    kind,
    part,
    size,
    whole,
)

_DRAWN = 30  # points of a curve, about, beside
_CLOSE = 14  # the first days, which are all drawn
_WEEKLY = 84  # days that the table has week by week; later ones every four weeks
_ROOM = 1.15  # beyond the outermost values of a logarithmic axis


def least_by_day(record: PowerRecord) -> Content:
    """The least effect after each day, by method; None where days are not known."""
    drawn = [point for point in record.curve if _height(record, point.least) is not None]
    if len(record.accrued) < 2 or not drawn:
        return None
    what = kind(record).lower()
    lead = f"The {what} that is found with a power of {part(record.power)} after each day." + (
        " Solid: days of the log. Dashed: foretold." if record.law is not None else ""
    )
    heights = [_height(record, point.least) or 0.0 for point in drawn]
    effect = record.margin or record.effect
    aim = None if effect is None else _height(record, effect)
    if aim:
        heights.append(aim)
    relative = _relative(record)
    up = Axis(
        LogScale(min(heights) / _ROOM, max(heights) * _ROOM),
        _percents if relative else lambda values: changes(record.metric, values),
    )
    last = record.accrued[-1].day
    curves = [curve for method in record.methods for curve in _curves(record, method)]
    if aim:
        ends = [Point(0, aim), Point(last, aim)]
        told = (
            f"to be found: {_percents([aim])[0] if relative else changes(record.metric, [aim])[0]}"
        )
        curves.insert(0, Curve("inked", ends, "loose", marked=False, told=told))
    marks = [(f"stroke {COLOURS[method]}", METHODS[method]) for method in record.methods]
    if aim:
        sought = "the margin" if record.margin is not None else "the effect to be found"
        marks.append(("stroke loose inked", sought))
    picture = chart(curves, Axis(Scale(0, last), name="day"), up, kind="plot large")
    return lead, legend(*marks), figure(picture, _day_table(record), f"Curves: {what} by day")


def _relative(record: PowerRecord) -> bool:
    return any(point.least.relative is not None for point in record.curve)


def _height(record: PowerRecord, change: Size) -> float | None:
    """Where a change stands in the picture."""
    height = change.relative if _relative(record) else change.absolute
    return None if height is None or height == 0 else abs(height)


def _percents(values: Sequence[float]) -> list[str]:
    return [percent(value, max(0, decimals_for(100 * value, 1))) for value in values]


def _curves(record: PowerRecord, method: Method) -> list[Curve]:
    """A method's curve: what the log has, and what is foretold."""
    found = {day.day: day.found or record.law is None for day in _drawn(record)}
    points = [
        (point.day, Point(point.day, height, _told(record, point)))
        for point in record.course(method)
        if point.day in found and (height := _height(record, point.least)) is not None
    ]
    seen = [point for day, point in points if found[day]]
    ahead = [*seen[-1:], *(point for day, point in points if not found[day])]
    colour = COLOURS[method]
    curves = [Curve(colour, ahead, "dashed")] if len(ahead) > 1 else []
    return [*curves, Curve(colour, seen)] if seen else curves


def _drawn(record: PowerRecord) -> list[Day]:
    """The days that pictures show: all of the first, fewer of the later ones."""
    every = max(1, len(record.accrued) // _DRAWN)
    seen = sum(day.found for day in record.accrued)
    spoken = {seen, record.days, record.accrued[-1].day}
    return [
        day
        for day in record.accrued
        if day.day <= _CLOSE or day.day % every == 0 or day.day in spoken
    ]


def _told(record: PowerRecord, point: CurvePoint) -> str:
    return f"day {point.day}, {METHODS[point.method]}: {size(record, point.least)}"


def _day_table(record: PowerRecord) -> Table:
    """Some days: all of the first week, then whole weeks, and those that are spoken of."""
    spoken = {record.days, record.accrued[-1].day, *(need.days_needed for need in record.needs)}
    rows = [
        day
        for day in record.accrued
        if day.day < 7
        or (day.day % 7 == 0 and day.day <= _WEEKLY)
        or day.day % 28 == 0
        or day.day in spoken
    ]
    course = {(point.method, point.day): point for point in record.curve}
    columns = [
        (
            (f"{kind(record)} {METHODS[method]}", "Power"),
            lambda day, method=method: _cells(record, course[method, day.day]),
        )
        for method in record.methods
    ]
    of_log = [("From", lambda day: "the log" if day.found else "foretold")]
    return Table.of(
        "Day by day",
        rows,
        ("Day", lambda day: whole(day.day)),
        *(of_log if record.law is not None else ()),
        ("Shoppers", lambda day: whole(day.units)),
        *columns,
        names=1 if record.law is None else 2,
    )


def _cells(record: PowerRecord, point: CurvePoint) -> tuple[str, str]:
    return size(record, point.least), part(point.power)


def growth(record: PowerRecord) -> Content:
    """Distinct shoppers by day, and the law held against the log; None without a log."""
    if record.law is None:
        return None
    law = record.law
    lead = (
        "Distinct shoppers who have taken part. Many come back, so later days bring fewer new "
        f"ones. Days beyond the {law.days} of the log follow the law of {law.name}."
    )
    days = _drawn(record)
    seen = [_shoppers(day) for day in days if day.found]
    ahead = [*seen[-1:], *(_shoppers(day) for day in days if not day.found)]
    curves = [Curve("a0", ahead, "dashed")] if len(ahead) > 1 else []
    across = Axis(Scale(0, record.accrued[-1].day), name="day")
    up = Axis(from_zero([day.units for day in days]), lambda values: [whole(v) for v in values])
    picture = chart([*curves, Curve("a0", seen)], across, up, kind="")
    table = Table.of(
        "The log's last day, foretold from the first half of its days",
        law.foretold,
        ("Number", lambda row: WHAT[row.what]),
        ("Foretold", lambda row: number(row.foretold)),
        ("Found", lambda row: number(row.found)),
        ("Off by", lambda row: percent(row.off, 1, sign=True)),
    )
    drawn = figure(picture, _shopper_table(days), "Curve: distinct shoppers by day")
    if not law.foretold:
        return lead, drawn
    return lead, drawn, table, note(_HELD)


_HELD = (
    "The least effect is proportional to the error of the relative effect. A shop that grows, a "
    "season, or shoppers who leave for good are not in the law."
)


def _shoppers(day: Day) -> Point:
    return Point(day.day, day.units, f"day {day.day}: {whole(day.units)} shoppers")


def _shopper_table(days: Sequence[Day]) -> Table:
    return Table.of(
        "Shoppers by day",
        days,
        ("Day", lambda day: whole(day.day)),
        ("From", lambda day: "the log" if day.found else "foretold"),
        ("Shoppers", lambda day: whole(day.units)),
        ("Level", lambda day: number(day.level, 4)),
        ("Variance of a shopper", lambda day: number(day.variance, 4)),
        names=2,
    )


def simulated(record: PowerRecord) -> Content:
    """Lanes: what simulated tests found, and what the formula says; None without any."""
    if not record.simulated:
        return None
    first = record.simulated[0]
    drawn = "with" if first.replaced else "without"
    lead = (
        f"{whole(first.repetitions)} tests each: shoppers of the log's first "
        f"{counted(first.day, 'day')} are drawn into arms of {whole(first.control)} and "
        f"{whole(first.treatment)} ({drawn} replacement), a known effect is planted, and the "
        "test is made. The diamond is what the formula says."
    )
    rows = [Row(_name(row), [_lane(row)], COLOURS[row.method]) for row in record.simulated]
    picture = forest(rows, Axis(bounded(spans(rows), 0.0, 1.0), percents), "", "narrow")
    table = Table.of(
        "Simulated tests",
        record.simulated,
        ("Tests", lambda row: _name(row)),
        ("Planted", lambda row: WAYS[row.way]),
        ("Effect", lambda row: _planted(record, row)),
        (("Find something", "Interval"), lambda row: share_words(row.found)),
        ("Formula", lambda row: part(row.formula, 3)),
        names=2,
    )
    return lead, figure(picture, table, "Lanes: share of simulated tests that find something")


def _name(row: SimulatedPower) -> str:
    what = "Nothing to be found" if row.asked == "false positives" else "The effect is there"
    return f"{what}, {METHODS[row.method]}"


def _lane(row: SimulatedPower) -> Lane:
    found, around = share_words(row.found)
    formula = row.formula
    diamond = None if formula is None else (formula, f"formula: {part(formula, 3)}")
    return Lane(row.found, found, around, diamond=diamond)


def _planted(record: PowerRecord, row: SimulatedPower) -> str:
    if row.effect.absolute == 0:
        return ABSENT
    if row.effect.relative is not None:
        return percent(row.effect.relative, 2, sign=True)
    return absolute(record, row.effect)
