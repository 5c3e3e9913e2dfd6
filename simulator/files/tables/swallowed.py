"""Finding quotes that swallow rows: a text over several lines that look like rows themselves."""

import re
from collections.abc import Sequence
from functools import lru_cache

_EVIDENCE = 500  # rows of one line that tell how the cells of a column look
_SHAPES = 4  # looks of its cells, at most, of a column that tells rows from text
_RUNS = (
    (re.compile(r"\d[\d.,' ]*"), "9"),
    (re.compile(r"[A-Z]+"), "A"),
    (re.compile(r"[^\W\dA-Z_]+"), "a"),
    (re.compile(r"\s+"), " "),
)


def swallowing(
    lines: Sequence[str],
    several: Sequence[int],
    starts: Sequence[int],
    ends: Sequence[int],
    rows: Sequence[Sequence[str]],
    delimiter: str,
) -> tuple[int, int] | None:
    """The first row that has swallowed others, and its column; None where none has.

    Every line of such a row has, by itself, at least as many cells as the table has columns, and on
    both sides of the text its cells look like those of rows of one line (ids, numbers, dates). Of a
    text over several lines this is seldom so.

    Args:
        lines: all lines of the file.
        several: the rows that stand on several lines.
        starts, ends: first and last line of each row, from 1.
        rows: the cells of each row.
        delimiter: what parts cells.
    """
    width = len(rows[0])
    if width < 2:
        return None
    doubtful = set(several)
    single = [row for at, row in enumerate(rows) if at not in doubtful][:_EVIDENCE]
    looks = [{_look(row[column]) for row in single} for column in range(width)]
    regular = {n: own for n, own in enumerate(looks) if own and len(own) <= _SHAPES}
    for at in several:
        column = next(n for n, cell in enumerate(rows[at]) if "\n" in cell or "\r" in cell)
        told = {n: own for n, own in regular.items() if n != column}
        own_lines = [line for line in lines[starts[at] - 1 : ends[at]] if line.strip()]
        cells = [_cells(line, delimiter) for line in own_lines]
        if not told:
            like = width > 2 and all(len(each) == width for each in cells)
        else:
            like = all(len(each) >= width and _fits(each, column, width, told) for each in cells)
        if like and len(cells) > 1:
            return at, column
    return None


def _fits(cells: Sequence[str], column: int, width: int, told: dict[int, set[str]]) -> bool:
    """Whether the cells before and behind the text look like those of their columns."""
    return all(
        _look(cells[n] if n < column else cells[n - width].removesuffix('"')) in own
        for n, own in told.items()
    )


def _look(cell: str) -> str:
    """What a cell looks like: a sign for each run of digits, capitals, small letters, blanks."""
    look = cell.strip()[:40]
    for run, sign in _RUNS:
        look = run.sub(sign, look)
    return look


@lru_cache(maxsize=8)
def _quoted(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:^|(?<={mark})) *"(?:[^"]|"")*" *(?={mark}|$)')


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line by itself; a quote without its other half is a plain character."""
    whole = _quoted(delimiter).sub(lambda found: found[0].replace(delimiter, " "), line)
    return whole.split(delimiter)
