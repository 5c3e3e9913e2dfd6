"""What a sweep found, in plain words."""

from collections import Counter
from collections.abc import Sequence

from experiments.inference.finding import Finding
from experiments.records.metrics import Contrast
from experiments.records.reading import rows_of
from experiments.records.sweep import CellLift, SweepRecord
from experiments.report.kit.digits import beside, change_words
from experiments.report.kit.sentences import counted, listed, meaning
from experiments.report.sweep.tornado import headline_over
from experiments.report.sweep.words import finding, told_values

_TONES = {1: "good", -1: "bad"}


def headline(record: SweepRecord) -> tuple[str, str, str]:
    """The finding on the primary metric in two or three words and in a sentence, and its tone."""
    if not record.contrasts:
        return "No results", "No cell has results.", "alarm"
    if record.over:
        return headline_over(record)
    said = " ".join(_counted(record, contrast) for contrast in record.contrasts)
    rows = rows_of(record.lifts, metric=record.primary)
    found = {finding(row, record.confidence) for row in rows}
    signs = {1 if each is Finding.MORE else -1 for each in found if each.real}
    if not signs:
        return "Cannot be told", said, "plain"
    if len(signs) == 2:
        return "It depends", said, "plain"
    (sign,) = signs
    badge = "Above zero" if sign > 0 else "Below zero"
    everywhere = all(each.real for each in found)
    tone = _TONES[sign * meaning(record.primary).better]
    return badge if everywhere else f"{badge} in some cells", said, tone


def _counted(record: SweepRecord, contrast: Contrast) -> str:
    """In how many cells a treatment does what."""
    rows = rows_of(record.lifts, metric=record.primary, contrast=contrast)
    number = Counter(finding(row, record.confidence) for row in rows)
    more, less = number[Finding.MORE], number[Finding.LESS]
    rest = len(rows) - more - less
    noun = meaning(record.primary).noun
    what = f"Lift of {noun} by {contrast[1]}"
    cells = counted(len(rows), "cell")
    if not more and not less:
        return f"{what}: cannot be told from zero in any of {cells}."
    sides = ((more, "above zero"), (less, "below zero"), (rest, "not to be told"))
    parts = [f"{side} in {count}" for count, side in sides if count]
    return f"{what}: {listed(parts)} of {cells}."


def not_run(record: SweepRecord) -> list[str]:
    """A sentence where cells are still to be run."""
    rest, whole = len(record.waiting), counted(len(record.cells), "cell")
    told = f"{rest} of {whole} not run yet: the sweep still runs, or the same command continues it."
    return [told] if rest else []


def further(record: SweepRecord) -> list[str]:
    """Where the lift is least and greatest, and whether cells differ in it."""
    return [
        sentence
        for contrast in record.contrasts
        for sentence in (_range(record, contrast), _apart(record, contrast))
        if sentence
    ]


def _range(record: SweepRecord, contrast: Contrast) -> str:
    rows = rows_of(record.lifts, metric=record.primary, contrast=contrast)
    known = [row for row in rows if row.relative.estimate is not None]
    if len(known) < 2:
        return ""
    least, most = (pick(known, key=_size) for pick in (min, max))
    return (
        f"From {beside(*change_words(least.relative))} at {_where(record, least)} to "
        f"{beside(*change_words(most.relative))} at {_where(record, most)}, by the estimates."
    )


def _size(row: CellLift) -> float:
    return row.relative.estimate or 0.0


def _where(record: SweepRecord, row: CellLift) -> str:
    return told_values(record, next(cell for cell in record.cells if cell.name == row.cell))


def _apart(record: SweepRecord, contrast: Contrast) -> str:
    """How many cells have another lift than the base."""
    rows = rows_of(record.differences, metric=record.primary, contrast=contrast)
    real = [row for row in rows if finding(row, record.confidence).real]
    if not rows:
        return ""
    base = next(cell for cell in record.cells if cell.name == record.base)
    where = told_values(record, base)
    said = f"No cell has a lift that can be told from that at {where}."
    if real:
        has = "has" if len(real) == 1 else "have"
        others = counted(len(rows), "other cell")
        said = f"{len(real)} of {others} {has} another lift than the one at {where}."
    return f"{said} {_paired([row.paired for row in rows])}"


def _paired(paired: Sequence[bool]) -> str:
    if all(paired):
        return "Differences are paired by shopper."
    if any(paired):
        return "Some differences are paired by shopper, others taken as of independent samples."
    return "Differences are taken as of independent samples."
