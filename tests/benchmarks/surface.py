"""The surface of a sweep as Markdown: a table of lifts, one for each value of a third setting.

python -m tests.benchmarks.surface SWEEP            prints it
python -m tests.benchmarks.surface SWEEP PAGE.md    writes it between the marks of that page
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.inference.finding import Finding
from experiments.records.interval import Interval
from experiments.records.metrics import Contrast
from experiments.records.reading import read_record
from experiments.records.sweep import CellRow, SweepRecord, short_keys
from experiments.report.kit.digits import duration, percent
from experiments.report.sweep.words import cell_at, finding, shown, values_of

BEGIN, END = "<!-- figure of {} -->", "<!-- end of the figure -->"
_STATES = {Finding.MORE: "**above**", Finding.LESS: "**below**"}


def surface(record: SweepRecord) -> str:
    """What a reader of the docs wants of a sweep of two or three settings with one treatment."""
    (contrast,) = record.contrasts
    parts = [_counted(record, contrast)]
    parts += [
        "\n".join(_table(record, metric, contrast, third))
        for metric in (record.primary, *(each for each in record.metrics if each != record.primary))
        for third in _thirds(record)
    ]
    parts += ["\n".join(_rooms(record, contrast))] if record.rooms else []
    parts += ["\n".join(_services(record))] if record.services else []
    return "\n\n".join(parts)


def _thirds(record: SweepRecord) -> list[dict[int, Any]]:
    """The values of the third setting at its place; nothing at no place for two settings."""
    return [{2: value} for value in values_of(record, 2)] if len(record.keys) > 2 else [{}]


def _counted(record: SweepRecord, contrast: Contrast) -> str:
    rows = [row for row in record.lifts if (row.metric, row.contrast) == (record.primary, contrast)]
    states = [_STATES.get(finding(row, record.confidence), "cannot be told") for row in rows]
    widths = sorted(100 * row.resolution for row in rows if row.resolution is not None)
    told = f"Of {len(rows)} cells with results the lift of {record.primary} is above zero in "
    told += (
        f"{states.count('**above**')}, below zero in {states.count('**below**')}, and cannot be "
    )
    told += f"told in {states.count('cannot be told')}."
    if not widths:
        return told
    middle = widths[len(widths) // 2]
    return f"{told} Half-widths: {widths[0]:.2f} to {widths[-1]:.2f} %, median {middle:.2f} %."


def _table(
    record: SweepRecord, metric: str, contrast: Contrast, third: dict[int, Any]
) -> Iterator[str]:
    names = short_keys(record.keys)
    across, down = values_of(record, 0), values_of(record, 1)
    told = [f"`{names[at]}` {shown(value)}" for at, value in third.items()]
    yield ", ".join([metric, *told]) + ":"
    yield ""
    yield f"| `{names[1]}` \\ `{names[0]}` | " + " | ".join(map(shown, across)) + " |"
    yield "|--:|" + "--:|" * len(across)
    for value in down:
        cells = [cell_at(record, {0: each, 1: value, **third}) for each in across]
        told = [_told(record, cell, metric, contrast) for cell in cells]
        yield f"| {shown(value)} | " + " | ".join(told) + " |"


def _told(record: SweepRecord, cell: CellRow | None, metric: str, contrast: Contrast) -> str:
    row = record.lift(cell.name, metric, contrast) if cell is not None else None
    if row is None:
        return "no result"
    state = _STATES.get(finding(row, record.confidence), "?")
    return f"{_percent(row.relative)} {state}"


def _percent(size: Interval) -> str:
    if size.estimate is None:
        return "unknown"
    ends = "" if size.ends is None else f" ({100 * size.ends[0]:.1f} to {100 * size.ends[1]:.1f})"
    return f"{100 * size.estimate:+.1f} %{ends}"


def _rooms(record: SweepRecord, contrast: Contrast) -> Iterator[str]:
    heads = [f"`{name}`" for name in short_keys(record.keys)]
    heads += ["pressure", "never asked", "perfect recall adds"]
    heads += ["channels find", "pre-ranker keeps", "page serves"]
    yield "Room for recall in control, and for the last three control / treatment:"
    yield ""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "--:|" * len(heads)
    for cell in record.found:
        rooms = [record.room(cell.name, arm) for arm in contrast]
        if rooms[0] is None or rooms[1] is None:
            continue
        row = [shown(value) for value in cell.values]
        row += [_fixed(rooms[0].pressure.estimate), _share(rooms[0].unseen.estimate)]
        row += [_percent(rooms[0].recall)]
        passed = zip(rooms[0].passed, rooms[1].passed, strict=True)
        row += [f"{_share(one)} / {_share(other)}" for one, other in passed]
        yield "| " + " | ".join(row) + " |"


def _services(record: SweepRecord) -> Iterator[str]:
    heads = [f"`{name}`" for name in short_keys(record.keys)]
    heads += ["page of control", "of treatment", "missing in the A/B test", "with everybody"]
    heads += ["A/B estimate", "true lift"]
    yield f"Latency, pages without a channel, and what an A/B test says of {record.primary}:"
    yield ""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "--:|" * len(heads)
    for service in record.services:
        lift = record.lift(service.cell, record.primary, service.contrast)
        row = [shown(value) for value in record.cell(service.cell).values]
        row += [duration(service.control), duration(service.treatment)]
        row += [percent(service.test), percent(service.everybody), _percent(service.naive)]
        row += [_percent(lift.relative) if lift is not None else "unknown"]
        yield "| " + " | ".join(row) + " |"


def _fixed(size: float | None) -> str:
    return "unknown" if size is None else f"{size:.2f}"


def _share(size: float | None) -> str:
    return "unknown" if size is None else f"{100 * size:.0f} %"


def filled(page: str, record: SweepRecord) -> str:
    """A page with the surface between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    begin = BEGIN.format(record.name)
    marks = re.compile(f"({re.escape(begin)}\n).*?({re.escape(END)})", re.DOTALL)
    if not marks.search(page):
        raise ValueError(f"page == without {begin}, must have the marks")
    return marks.sub(lambda found: found[1] + surface(record) + "\n" + found[2], page)


if __name__ == "__main__":
    found = read_record(SweepRecord, Path(sys.argv[1]))
    if len(sys.argv) > 2:
        path = Path(sys.argv[2])
        path.write_text(filled(path.read_text(), found))
    else:
        print(surface(found))
