"""Reading CSV and its relatives: what parts the cells, which quotes hold texts together.

The rows are parsed by Python's `csv`, strictly; what is added is which dialect a file is in, and
the search for quotes that swallow rows.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.files.tables.findings import FileFinding, UnusableFile, short, unusable
from simulator.files.tables.formats import AUTO, DELIMITERS, FormatSpec
from simulator.files.tables.swallowed import swallowing
from simulator.files.tables.table import Table, cells_of, require

_CANDIDATES = (",", ";", "\t", "|")
_SAMPLED = 40  # rows that tell the delimiter
_SEP = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(["\\])')  # how MySQL writes a quote inside quotes
_LARGEST_CELL = 2**30  # characters
_SEPARATORS = str.maketrans("", "", "\ufeff\u200b")


@dataclass(frozen=True)
class _Dialect:
    """How the cells of a file are written."""

    delimiter: str
    literal: bool = False  # quotes are plain characters

    def rows(self, text: str) -> Iterator[tuple[int, int, list[str]]]:
        """First and last line, and the cells, of each row that is not blank.

        Raises:
            csv.Error: a quote stands where none can.
        """
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_NONE if self.literal else csv.QUOTE_MINIMAL,
            skipinitialspace=self.delimiter != " ",
            strict=True,
        )
        end = 0
        for cells in reader:
            start, end = end + 1, reader.line_num
            if any(cell and not cell.isspace() for cell in cells):
                yield start, end, cells


@dataclass
class _Read:
    """All rows of a file in one dialect, and what is wrong with some."""

    names: list[str]
    header_line: int
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    broken: list[FileFinding] = field(default_factory=list)


def read_delimited(
    file: str, text: str, spec: FormatSpec, wanted: Mapping[str, str], setting: str
) -> Table:
    """The wanted columns of a CSV file.

    Args:
        file: its name, for findings; `.tsv` and `.tab` mean tabs.
        text: all of it.
        spec: how it is written.
        wanted: setting that asks for a column -> the column's name.
        setting: place of `spec`, for findings.

    Raises:
        UnusableFile: no header, a column that is not there or there twice, or a quote that is not
            closed or swallows rows.
    """
    told = _SEP.match(text)
    delimiter = DELIMITERS.get(spec.delimiter, spec.delimiter)
    if told:
        text = "\n" + text[told.end() :]  # its line still counts
    if delimiter == AUTO:
        delimiter = told[1] if told else delimiter_of(file, text, list(wanted.values()))
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        read = _read(file, text, delimiter, spec, setting)
    finally:
        csv.field_size_limit(before)
    require(file, read.names, wanted)
    at = {name: read.names.index(name) for name in wanted.values()}
    columns = {name: cells_of(row[n] for row in read.rows) for name, n in at.items()}
    numbers = np.array(read.starts, np.int64)
    return Table(file, "line", numbers, columns, tuple(read.broken))


def column_names(file: str, text: str, spec: FormatSpec) -> list[str]:
    """The columns of a CSV file, in their order, those that are there twice too."""
    told = _SEP.match(text)
    rest = text[told.end() :] if told else text
    delimiter = DELIMITERS.get(spec.delimiter, spec.delimiter)
    if delimiter == AUTO:
        delimiter = told[1] if told else delimiter_of(file, rest, [])
    first = _first_rows(rest, delimiter, 1)
    return _names(first[0], spec.header) if first else []


def delimiter_of(file: str, text: str, names: Sequence[str]) -> str:
    """What parts the cells: the one under which the wanted names are the header's, or most rows
    have as many cells as the header, and most of them."""
    if file.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"

    def worth(delimiter: str) -> tuple[int, bool, float, int]:
        rows = _first_rows(text, delimiter, _SAMPLED)
        if not rows:
            return (0, False, 0.0, 0)
        header = set(_names(rows[0], header=True))
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows) / len(rows)
        named = sum(name in header for name in names)
        return (named, width > 1 and alike == 1, alike if width > 1 else 0.0, width)

    return max(_CANDIDATES, key=worth)


def _first_rows(text: str, delimiter: str, count: int) -> list[list[str]]:
    """The first rows of a text as far as they can be read in some dialect."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(cells)
            if len(rows) == count:
                break
    except csv.Error:
        pass  # what is wrong is told when the whole file is read
    return rows


def _names(cells: Sequence[str], header: bool) -> list[str]:
    if not header:
        return [str(number + 1) for number in range(len(cells))]
    names = [cell.translate(_SEPARATORS).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()  # of a delimiter at the end of each line
    return names


def _read(file: str, text: str, delimiter: str, spec: FormatSpec, setting: str) -> _Read:
    """The rows in the first dialect that fits all of them; else what is wrong in the usual one."""
    if spec.quotes == "literal":
        return _rows(file, text, _Dialect(delimiter, literal=True), spec, setting)
    try:
        usual = _rows(file, text, _Dialect(delimiter), spec, setting)
    except UnusableFile:
        doubled = _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", text)
        others = [(_Dialect(delimiter), doubled)] if '\\"' in text else []
        others += [(_Dialect(delimiter, literal=True), text)] if delimiter == "\t" else []
        for dialect, written in others:
            try:
                other = _rows(file, written, dialect, spec, setting)
            except UnusableFile:
                continue
            if not other.broken and not (dialect.literal and _has_whole_quotes(other)):
                return other
        raise
    return usual


def _has_whole_quotes(read: _Read) -> bool:
    """Whether any cell is held by quotes, so that quotes are no plain characters in this file."""
    return any(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in read.rows for cell in row)


def _rows(file: str, text: str, dialect: _Dialect, spec: FormatSpec, setting: str) -> _Read:
    parsed = dialect.rows(text)
    start = 1
    read = None
    try:
        for start, end, cells in parsed:
            if read is None:
                read = _Read(_names(cells, spec.header), start)
                if spec.header:
                    continue
            _keep(file, read, start, end, cells)
            start = end + 1
    except csv.Error as error:
        names = read.names if read else []
        raise _unclosed(file, text, dialect, names, read, error) from error
    if read is None:
        raise unusable(file, "no row at all", "a table with a header and at least one row")
    if spec.quotes == AUTO and not dialect.literal:
        _doubt(file, text, dialect, read, setting)
    return read


def _keep(file: str, read: _Read, start: int, end: int, cells: list[str]) -> None:
    """Keep a row, or tell what is wrong with its number of cells."""
    width = len(read.names)
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        cells = cells[:width]
    if len(cells) == width:
        read.starts.append(start)
        read.ends.append(end)
        read.rows.append(cells)
        return
    names = ", ".join(read.names[:8]) + (", ..." if width > 8 else "")
    found = f"{len(cells)} cells ({short(cells)})"
    wanted = f"{width} cells, as the header has ({names})"
    read.broken.append(FileFinding(f"{file}, line {start}", found, wanted))


def _unclosed(
    file: str,
    text: str,
    dialect: _Dialect,
    names: Sequence[str],
    read: _Read | None,
    error: csv.Error,
) -> UnusableFile:
    """The error of a quote that stands where none can, with the cell in which it began."""
    last = (read.ends[-1] if read.ends else read.header_line) if read else 0
    lines = re.split(r"\r\n|\n|\r", text)
    place, found = f"{file}, line {last + 1}", f"unreadable ({error})"
    for number in range(last, len(lines)):
        cell = _open_cell(lines[number], dialect.delimiter)
        if cell is not None:
            column, content = cell
            name = names[column] if column < len(names) else f"cell {column + 1}"
            place, found = f"{file}, line {number + 1}: {name}", short(content)
            break
    wanted = f"a text whose quote ends before the next {_word(dialect.delimiter)}"
    return unusable(place, found, f"{wanted} (here is a quote that is never closed, or one inside)")


def _word(delimiter: str) -> str:
    words = {character: name for name, character in DELIMITERS.items()}
    return words.get(delimiter, repr(delimiter))


def _open_cell(line: str, delimiter: str) -> tuple[int, str] | None:
    """The first cell of a line that begins with a quote and does not end with one."""
    at = column = 0
    mark = re.escape(delimiter)
    plain, quoted = re.compile(f"[^{mark}]*"), re.compile(rf' *"(?:[^"]++|"")*+" *(?={mark}|$)')
    while at <= len(line):
        whole = quoted.match(line, at)
        cell = whole or plain.match(line, at)
        content = cell[0] if cell else ""
        if not whole and content.lstrip().startswith('"'):
            return column, line[at:]
        at += len(content) + 1
        column += 1
    return None


def _doubt(file: str, text: str, dialect: _Dialect, read: _Read, setting: str) -> None:
    """Refuse a file in which a quoted text looks like rows that it has swallowed."""
    several = [at for at, end in enumerate(read.ends) if end > read.starts[at]]
    if not several:
        return
    lines = re.split(r"\r\n|\n|\r", text)
    at = swallowing(lines, several, read.starts, read.ends, read.rows, dialect.delimiter)
    if at is None:
        return
    row, column = at
    raise unusable(
        f"{file}, line {read.starts[row]}: {read.names[column]}",
        short(read.rows[row][column]),
        f"a quoted text that swallows no rows (is its quote closed? lines {read.starts[row]} to "
        f"{read.ends[row]} look like rows of their own; if they are not: "
        f'{setting}.quotes = "trust")',
    )
