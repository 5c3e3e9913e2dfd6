"""Finding quotes that swallow rows: a text over several lines that look like rows themselves."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

_EVIDENCE = 500  # rows of one line that tell how the cells of a column look
_SHAPES = 4  # looks of its cells, at most, of a column that tells rows from text
_REGULAR = re.compile(r"\S*9\S*|\S{0,3} 9|9 \S{1,3}")  # how ids, numbers, dates, prices look
_TELLING = 2  # cells of a line that look like those of their columns, for it to be a row
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

    A line inside such a row has, by itself, at least as many cells as the table has columns, and on
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
    doubtful = set(several)
    single = islice((row for at, row in enumerate(rows) if at not in doubtful), _EVIDENCE)
    evidence = list(single) or rows[:_EVIDENCE]
    looks = [{_look(row[n]) for row in evidence if "\n" not in row[n]} for n in range(width)]
    regular = {n: own for n, own in enumerate(looks) if _is_regular(own)}
    for at in several if width > 1 else ():
        column = next(n for n, cell in enumerate(rows[at]) if "\n" in cell or "\r" in cell)
        own_lines = lines[starts[at] - 1 : ends[at]]
        if all(line.count(delimiter) < width - 1 for line in own_lines):
            continue
        told = {n: each for n, each in regular.items() if n != column}
        cells = [_cells(line, delimiter) for line in own_lines]
        if _like_rows([each for each in cells if each != [""]], column, width, told):
            return at, column
    return None


def _like_rows(
    lines: Sequence[Sequence[str]], column: int, width: int, told: dict[int, set[str]]
) -> bool:
    """Whether the lines of a row are rows themselves.

    The first line has the row's own cells before the text and the last one those behind it, so they
    tell something on the other side alone. One line that tells much is enough; otherwise half must.
    """
    like = []
    for at, cells in enumerate(lines):
        first, last = at == 0, at == len(lines) - 1
        asked = [n for n in told if not (first and n < column) and not (last and n > column)]
        if not asked:
            continue
        fits = len(cells) >= width and all(_fits(cells, n, column, width, told) for n in asked)
        if fits and len(asked) >= _TELLING:
            return True
        like.append(fits)
    if not told:
        return width > 2 and len(lines) > 1 and all(len(cells) == width for cells in lines)
    return any(like) and 2 * sum(like) >= len(like)


def _is_regular(looks: set[str]) -> bool:
    """Whether a column's cells are ids, numbers or dates, by their few looks; some may be empty."""
    filled = looks - {""}
    return 0 < len(filled) <= _SHAPES and all(_REGULAR.fullmatch(look) for look in filled)


def _fits(cells: Sequence[str], n: int, column: int, width: int, told: dict[int, set[str]]) -> bool:
    """Whether the cell of a column, before or behind the text, looks like those of its column."""
    cell = cells[n] if n < column else cells[n - width].removesuffix('"')
    return _look(cell) in told[n]


def _look(cell: str) -> str:
    """What a cell looks like: a sign for each run of digits, capitals, small letters, blanks."""
    look = cell.strip()[:40]
    for run, sign in _RUNS:
        look = run.sub(sign, look)
    return look


@lru_cache(maxsize=8)
def _quoted(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:^|(?<={mark})) *"(?:[^"]++|"")*+" *(?={mark}|$)')


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line by itself; a quote without its other half is a plain character."""
    whole = _quoted(delimiter).sub(lambda found: found[0].replace(delimiter, " "), line)
    return whole.split(delimiter)
