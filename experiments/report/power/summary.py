"""What a plan says, in the terminal."""

from pathlib import Path

from rich.text import Text

from experiments.records.experiment.power import PowerRecord
from experiments.report.kit.digits import beside, share_words
from experiments.report.kit.summary import Summary
from experiments.report.kit.tables import Table
from experiments.report.power.words import METHODS, an_arm, headline, kind, part, size, whole


def power_summary(record: PowerRecord, report: Path | None = None) -> Summary:
    """What the test needs, what is found after some days, and what must be known."""
    _, sentence, tone = headline(record)
    said = [Text(sentence, "bold red" if tone == "alarm" else "bold")]
    said += [Text(f"Warning: {each}", "yellow") for each in record.warnings]
    said += [Text(each) for each in record.missing]
    tables = [_needs(record)]
    if len(record.accrued) > 1:
        tables.append(_days(record))
    if record.simulated:
        tables.append(_simulated(record))
    return Summary(tables, said, report)


def _needs(record: PowerRecord) -> Table:
    sought = record.effect is not None or record.margin is not None
    timed = record.accrued[-1].units > 0
    columns = [("method", lambda need: METHODS[need.method])]
    columns.append(("R2", lambda need: part(need.explained)))
    if sought:
        columns.append(("shoppers", lambda need: whole(need.units)))
        columns.append(("an arm", an_arm))
    if sought and timed:
        columns.append(("days", lambda need: whole(need.days_needed)))
    if record.running is not None and sought:
        columns.append(("left", lambda need: whole(need.days_left)))
    if timed:
        after = f"{kind(record).split()[1]}, day {record.days}"
        columns.append((after, lambda need: size(record, need.least)))
    if timed and record.needs[0].power is not None:
        columns.append(("power", lambda need: part(need.power)))
    return Table.of("What the test needs", record.needs, *columns)


def _days(record: PowerRecord) -> Table:
    last = record.accrued[-1].day
    chosen = [day for day in (1, 3, 7, 14, 28, 56, 84, 182, record.days, last) if day <= last]
    course = {(point.method, point.day): point for point in record.curve}
    columns = [
        (
            METHODS[method],
            lambda day, method=method: size(record, course[method, day.day].least),
        )
        for method in record.methods
    ]
    of_log = [("from", lambda day: "log" if day.found else "foretold")]
    return Table.of(
        f"{kind(record)} by day",
        [day for day in record.accrued if day.day in chosen],
        ("day", lambda day: whole(day.day)),
        *(of_log if record.law is not None else ()),
        ("shoppers", lambda day: whole(day.units)),
        *columns,
        names=1 if record.law is None else 2,
    )


def _simulated(record: PowerRecord) -> Table:
    return Table.of(
        f"{whole(record.simulated[0].repetitions)} simulated tests",
        record.simulated,
        ("tests of", lambda row: "nothing" if row.asked == "false positives" else "the effect"),
        ("method", lambda row: METHODS[row.method]),
        ("find something", lambda row: beside(*share_words(row.found))),
        ("formula", lambda row: part(row.formula, 3)),
        names=2,
    )
