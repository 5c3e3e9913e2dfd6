"""The cells of a sweep in tables: what became of each, and how much recall could matter there."""

from experiments.inference.finding import Finding
from experiments.records.interval import Number
from experiments.records.metrics import Contrast
from experiments.records.sweep import (
    FOUND,
    CellDifference,
    CellLift,
    CellRow,
    SweepRecord,
    short_keys,
)
from experiments.report.kit.digits import (
    ABSENT,
    between,
    change_words,
    duration,
    fixed,
    percent,
    share_words,
)
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, note
from experiments.report.kit.sentences import meaning
from experiments.report.kit.tables import Cell, Table
from experiments.report.sweep.words import STATUS, finding, many_valued, shown


def cells(record: SweepRecord) -> Content:
    """Every cell: its values, its lifts, and how it was made."""
    lead = (
        "Each cell is an ordinary run; its own report has everything else. Below each lift stands "
        "its interval; \u25b2 and \u25bc mark what can be told from zero after correcting for the "
        "number of cells."
    )
    told = (
        "The base is the first cell with results. Beside the base: (1 + lift) / (1 + the base's "
        "lift) \u2212 1."
    )
    notes = [] if record.assumptions else [note(told)]
    return [lead, _wide(cell_table(record, page=True)), *notes]


def cell_table(record: SweepRecord, *, page: bool) -> Table:
    """Cells by values, status and lifts.

    Args:
        page: with links to the reports of the cells, and how long they took.
    """
    names = [short_keys(record.keys)[at] for at in _keys(record)]
    contrasts = record.contrasts
    metrics = [metric for metric in record.metrics if page or metric == record.primary]

    def head(metric: str, contrast: Contrast) -> str:
        arm = f", {contrast[1]}" if len(contrasts) > 1 else ""
        return f"{meaning(metric).label}{arm}"

    columns = [(metric, contrast) for contrast in contrasts for metric in metrics]
    heads: list[object] = [*names, *(["cell"] if page else []), "status"]
    heads += [head(*column) for column in columns]
    beside = () if record.assumptions else contrasts  # drawn worlds have no base
    heads += [f"{head(record.primary, contrast)}, beside the base" for contrast in beside]
    heads += ["stages", "shared", "time"] if page else []
    rows = []
    for cell in record.cells:
        row: list[object] = [shown(cell.values[at]) for at in _keys(record)]
        row += [_link(cell)] if page else []
        row.append(STATUS[cell.status])
        row += [lift_cell(record, record.lift(cell.name, *column)) for column in columns]
        row += [_beside(record, cell, contrast) for contrast in beside]
        made = [cell.stages, cell.shared, duration(cell.seconds)]
        row += (made if cell.status in FOUND else [ABSENT] * 3) if page else []
        rows.append(row)
    return Table("Cells of the sweep", heads, rows, len(names) + page + 1)


def _keys(record: SweepRecord) -> list[int]:
    """The settings that tell cells apart; all where none does."""
    return many_valued(record) or list(range(len(record.keys)))


def _link(cell: CellRow) -> object:
    if cell.status not in FOUND:
        return cell.reason
    return tag("a", "report", href=f"{cell.folder}/report.html")


def lift_cell(record: SweepRecord, row: CellLift | CellDifference | None) -> Cell | str:
    """A lift or a difference of lifts with its interval, marked where it is told."""
    if row is None:
        return ABSENT
    told = {Finding.MORE: 1, Finding.LESS: -1}.get(finding(row, record.confidence), 0)
    return Cell("", *change_words(row.relative), told)


def _beside(record: SweepRecord, cell: CellRow, contrast: Contrast) -> Cell | str:
    if cell.name == record.base:
        return Cell(change="base")
    return lift_cell(record, record.difference(cell.name, record.primary, contrast))


def rooms(record: SweepRecord) -> Content | None:
    """How much recall could matter in each cell; None where it was not measured."""
    if not record.rooms:
        return None
    lead = (
        "Where perfect recall adds little to control's pages, or one channel could return all that "
        "is relevant (pressure below 1), no channel can show a lift."
    )
    by_name = {cell.name: cell for cell in record.cells}
    names = short_keys(record.keys)
    keys = tuple(names[at] for at in _keys(record))
    table = Table.of(
        "Headroom and recall pressure",
        record.rooms,
        (keys, lambda row: [shown(by_name[row.cell].values[at]) for at in _keys(record)]),
        ("Arm", lambda row: row.arm),
        ("Perfect recall, own ranker", lambda row: _sized(*change_words(row.recall))),
        ("All found, perfect order", lambda row: _sized(*change_words(row.pool))),
        (
            "Recall pressure",
            lambda row: _sized(fixed(row.pressure.estimate, 2), between(row.pressure, 2)),
        ),
        ("Relevant items found", lambda row: _sized(*share_words(row.found))),
        ("Never asked before", lambda row: _sized(*share_words(row.unseen))),
        ("Channels find", lambda row: _share(row.passed[0])),
        ("Pre-ranker keeps", lambda row: _share(row.passed[1])),
        ("Page serves", lambda row: _share(row.passed[2])),
        names=len(keys) + 1,
    )
    told = (
        "The last three, by the estimates: of what pages would bring if everything were found and "
        "in perfect order, the part that the channels find; of that, the part that the pre-ranker "
        "keeps; and of that, the part that the page brings in the order of the arm's ranker."
    )
    return lead, _wide(table), note(told)


def _share(size: Number) -> Cell | str:
    return ABSENT if size is None else Cell(percent(size, 0))


def _sized(size: str, interval: str) -> Cell:
    """A size with its interval below it."""
    return Cell(size, "", interval)


def _wide(table: Table) -> Html:
    return tag("div", table, cls="wide")
