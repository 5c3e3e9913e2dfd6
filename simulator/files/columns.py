"""Checking and typing the columns of a user's file."""

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Texts
from simulator.files.paths import category_in
from simulator.files.tables.amounts import (
    ASK,
    MIXED,
    NOTHING,
    UNREADABLE,
    Amounts,
    Floats,
    amounts,
    strange_currencies,
)
from simulator.files.tables.cells import is_unicode, kind_of, object_in, text_in
from simulator.files.tables.findings import FileFinding, refuse, short, told
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.markup import one_line, without_markup
from simulator.files.tables.moments import SIMULATED, moments
from simulator.files.tables.table import Table, cells_of

MIN_PRICE = 1e-6
MAX_PRICE = 1e9
MAX_AGE = 200 * 365.25 * 86_400.0
"""Seconds that an item may be old at most."""
GRADES = {
    **{"exact": 3, "substitute": 2, "partial": 2, "complement": 1, "irrelevant": 0},
    **{"e": 3, "s": 2, "c": 1, "i": 0},
}
"""Grades by the names that public sets of judgments have (ESCI, WANDS), in small letters."""

_EMPTY_TOO = ", or empty"
# By kind, what a number must be, and whether it is; one that is not a number is none of them.
_NUMBERS: dict[str, tuple[str, Callable[[Floats], NDArray[np.bool_]]]] = {
    "price": (
        f"a number >= {MIN_PRICE:.0e} and <= {MAX_PRICE:.0e}",
        lambda n: (n >= MIN_PRICE) & (n <= MAX_PRICE),
    ),
    "rating": (
        "a number from 1 to 5 (0: not rated)" + _EMPTY_TOO,
        lambda n: (n == 0) | ((n >= 1) & (n <= 5)),
    ),
    "stock": (
        "a whole number >= 0 and < 2e9" + _EMPTY_TOO,
        lambda n: (n >= 0) & (n < 2e9) & (np.floor(n) == n),
    ),
    "sold": ("a number >= 0 and <= 1e12" + _EMPTY_TOO, lambda n: (n >= 0) & (n <= 1e12)),
    "count": ("a number > 0 and <= 1e12", lambda n: (n > 0) & (n <= 1e12)),
}
_ERRORS = frozenset(("#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"))
_SHORTENED = ("e+", "E+")  # inside an id that a spreadsheet has turned into a number
_SAYS_NOTHING = frozenset(("", "default title", "default", "n/a", "na", "none", "null", "-"))
_STARS = " out of 5"  # behind a rating on some shops' pages


@dataclass
class ColumnReader:
    """Turns raw columns into typed ones and notes every value that cannot be used.

    Attributes:
        table: the rows.
        format: how the file is written.
        setting: place of `format`, for findings that ask something.
        bad_I: rows in which something cannot be used.
        findings: what is wrong, in the order in which it was found.
        ids: the column of ids, which findings repeat, once it is known.
    """

    table: Table
    format: FormatSpec
    setting: str
    bad_I: NDArray[np.bool_] = field(init=False)
    findings: list[FileFinding] = field(default_factory=list)
    ids: str | None = None

    def __post_init__(self) -> None:
        self.bad_I = np.zeros(len(self.table), bool)
        self.findings += told(self.table.broken)

    def close(self, bad_rows: str) -> NDArray[np.bool_]:
        """Which rows can be used; those that cannot are refused, or skipped where asked for."""
        if bad_rows == "refuse" or (self.bad_I.all() and self.findings):
            refuse(self.findings)
        return ~self.bad_I

    def note(self, column: str, wanted: Mapping[int, str]) -> None:
        """Remember the bad rows of a column, and what each must hold instead."""
        if not wanted:
            return
        cells = self.table.columns[column]
        by_wish: dict[str, list[FileFinding]] = {}
        for row in sorted(wanted):
            self.bad_I[row] = True
            of_its_kind = by_wish.setdefault(wanted[row], [])
            of_its_kind.append(
                FileFinding(self._place(row, column), short(cells[row]), wanted[row])
            )
        for findings in by_wish.values():
            self.findings += told(findings)

    def _place(self, row: int, column: str) -> str:
        ids = None if self.ids in (None, column) else self.table.columns[str(self.ids)]
        whose = f", id {short(ids[row])}" if ids is not None else ""
        return f"{self.table.place(row)}{whose}: {column}"

    def texts(self, column: str | None, *, joined: bool = False, raw: bool = False) -> Texts:
        """Texts of one line without markup, "" where empty.

        Args:
            column: None: all empty.
            joined: a list of texts is one text; otherwise only a list of one is.
            raw: characters as they are, for ids.
        """
        return self._texts(column, joined, raw)[0]

    def _texts(
        self, column: str | None, joined: bool, raw: bool, flags: bool = False
    ) -> tuple[Texts, set[int]]:
        """Texts, and the rows whose cell is none; `flags` reads cells as values of attributes."""
        if column is None:
            return np.full(len(self.table), "", object), set()
        bad: dict[int, str] = {}
        texts = []
        for row, cell in enumerate(self.table.columns[column]):
            value = _as_value(cell) if flags else cell
            text = text_in(value, joined)
            if text is None:
                bad[row] = f"one text, not a {kind_of(value)}"
            elif not is_unicode(text):
                bad[row] = "a text of whole Unicode characters"
            elif text.strip() in _ERRORS:
                bad[row] = "a text, not an error of a spreadsheet"
            texts.append("" if row in bad or not text else self._clean(text, raw))
        self.note(column, bad)
        return cells_of(texts), set(bad)

    def _clean(self, text: str, raw: bool) -> str:
        if not raw and self.format.markup == "strip":
            text = without_markup(text)
        line = one_line(text)
        return "" if line.casefold() in NOTHING else line

    def values(self, column: str) -> Texts:
        """Values of an attribute, in small letters, "" where a cell says nothing.

        A list of several is one value of its own.
        """
        texts = self._texts(column, joined=False, raw=False, flags=True)[0]
        folded = (text.casefold() for text in texts)
        return cells_of("" if text in _SAYS_NOTHING else text for text in folded)

    def filled_texts(self, column: str) -> Texts:
        """Texts that may not be empty."""
        texts, told = self._texts(column, joined=False, raw=False)
        empty = _rows(texts == "", "a text that is not empty")
        self.note(column, {row: wanted for row, wanted in empty.items() if row not in told})
        return texts

    def identifiers(self, column: str, *, distinct: bool = True) -> Texts:
        """Texts that are not empty and, if asked for, not repeated; later findings name them."""
        texts, told = self._texts(column, joined=False, raw=True)
        visible_I = np.fromiter(map(_is_visible, texts), bool, len(texts))
        empty = _rows(~visible_I, "a text that is not empty")
        self.note(column, {row: wanted for row, wanted in empty.items() if row not in told})
        mangled_I = np.fromiter(map(_is_mangled, texts), bool, len(texts))
        self.note(column, _rows(mangled_I, "the whole id (a spreadsheet has shortened this one)"))
        if distinct:
            seen: set[str] = set()
            again = {}
            for row, text in enumerate(texts):
                if text in seen and visible_I[row]:
                    again[row] = "an id that no earlier row has"
                seen.add(text)
            self.note(column, again)
        self.ids = column
        return texts

    def prices(self, column: str, *, may_be_empty: bool) -> Floats:
        """Prices of one currency; NaN where there is none, if that is allowed."""
        if not column:
            return np.full(len(self.table), np.nan)
        read, number_I = self._numbers(column, "price", may_be_empty)
        main, strange = strange_currencies(
            sign for row, sign in enumerate(read.currency_I) if row not in read.why
        )
        wanted = f"a price in the currency of the other rows ({main.upper()})"
        signs = enumerate(read.currency_I)
        self.note(column, {row: wanted for row, sign in signs if sign in strange})
        return number_I

    def one_value(self, column: str | None) -> None:
        """Refuse rows whose value is another one than that of most rows."""
        texts = self.texts(column)
        values, count = np.unique(texts[texts != ""].astype(str), return_counts=True)
        if column is not None and len(values) > 1:
            main = str(values[np.argmax(count)])
            wanted = f"{main!r}, as in most rows (prices of several currencies cannot be compared)"
            self.note(column, _rows((texts != "") & (texts != main), wanted))

    def numbers(self, column: str | None, kind: str) -> Floats:
        """Numbers of one of the `_NUMBERS`, NaN where empty."""
        if column is None:
            return np.full(len(self.table), np.nan)
        return self._numbers(column, kind, may_be_empty=True)[1]

    def counts(self, column: str | None) -> Floats:
        """How often something occurred; 1 in each row where no column says it."""
        if column is None:
            return np.ones(len(self.table))
        return self._numbers(column, "count", may_be_empty=False)[1]

    def _numbers(self, column: str, kind: str, may_be_empty: bool) -> tuple[Amounts, Floats]:
        wanted, fits = _NUMBERS[kind]
        cells = list(self.table.columns[column])
        if kind == "rating":
            cells = [_stars(cell) for cell in cells]
        read = amounts(cells, self.format.decimal)
        usual = wanted.removesuffix(_EMPTY_TOO) + _EMPTY_TOO * may_be_empty
        asked = f"{usual}; are the last three digits decimals? Say so in {self.setting}.decimal"
        mixed = f"{usual}, with {read.decimal!r} before the decimals as in other rows"
        bad = {row: {ASK: asked, MIXED: mixed}.get(why, usual) for row, why in read.why.items()}
        with np.errstate(invalid="ignore"):
            wrong_I = ~fits(read.number_I) & ~(read.empty_I & may_be_empty)
        self.note(column, _rows(wrong_I, usual) | bad)
        return read, np.where(wrong_I, np.nan, read.number_I)

    def grades(self, column: str, named: Mapping[str, int]) -> Floats:
        """Grades 0 to 3: by the user's table, by a name that is known, or as numbers."""
        own = {name.strip().casefold(): grade for name, grade in named.items()}
        found, bad = [], {}
        for row, value in enumerate(self.table.columns[column]):
            name = (text_in(value, joined=False) or "").strip().casefold()
            grade = own.get(name, None if own else GRADES.get(name))
            if (
                grade is None
                and not own
                and name in ("0", "1", "2", "3", "0.0", "1.0", "2.0", "3.0")
            ):
                grade = int(name[0])
            if grade is None:
                wanted = ", ".join(named) if own else "0, 1, 2 or 3, or a name such as Exact"
                more = "" if own else " (of another scale? Say it in judgments.grades)"
                bad[row] = wanted + more
            found.append(math.nan if grade is None else grade)
        self.note(column, bad)
        return np.array(found, np.float64)

    def moments(self, column: str | None, horizon: float) -> Floats:
        """Simulated seconds, NaN where empty.

        Args:
            horizon: end of the simulated time (s); no item may arrive later.
        """
        if column is None:
            return np.full(len(self.table), np.nan)
        found = moments(list(self.table.columns[column]), self.format.times)
        self.note(column, found.bad)
        seconds_I = found.seconds_I
        with np.errstate(invalid="ignore"):
            late_I, old_I = seconds_I > horizon, seconds_I < -MAX_AGE
        if found.kind == SIMULATED:
            wanted = (
                f"at most {horizon:.0f}, the end of the simulated time in seconds (is it Unix "
                f"time, or a date? Say so in {self.setting}.times)"
            )
            self.note(column, _rows(late_I, wanted))
        wanted = "at most 200 years before the newest, or before day 0"
        self.note(column, _rows(old_I, wanted))
        return seconds_I

    def categories(self, columns: str | tuple[str, ...] | None) -> Texts:
        """Names or paths; the levels of several columns, or of a list, as a path."""
        if columns is None or isinstance(columns, str):
            return self._category(columns)
        levels = [self._category(column) for column in columns]
        return cells_of(" > ".join(filter(None, row)) for row in zip(*levels, strict=True))

    def _category(self, column: str | None) -> Texts:
        if column is None:
            return np.full(len(self.table), "", object)
        bad = {}
        names = []
        for row, value in enumerate(self.table.columns[column]):
            text, wanted = category_in(value, self.format.lists)
            if wanted:
                bad[row] = wanted.format(setting=self.setting)
            names.append(self._clean(text, raw=False))
        self.note(column, bad)
        return cells_of(names)

    def attributes(
        self, columns: str | tuple[str, ...] | Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Per item, attribute names and values, from JSON objects or from several columns."""
        if not isinstance(columns, str):
            named = columns if isinstance(columns, Mapping) else {each: each for each in columns}
            values = [self.table.columns[column] for column in named.values()]
            rows = zip(*values, strict=True)
            return [_telling(dict(zip(named, row, strict=True))) for row in rows]
        parsed = [object_in(value) for value in self.table.columns[columns]]
        bad = {row: "a JSON object, or empty" for row, each in enumerate(parsed) if each is None}
        self.note(columns, bad)
        return [_telling(value or {}) for value in parsed]


def _rows(bad_I: NDArray[np.bool_], wanted: str) -> dict[int, str]:
    """Rows of a mask, and what each must hold."""
    return dict.fromkeys(np.flatnonzero(bad_I).tolist(), wanted)


def _is_visible(text: str) -> bool:
    return any(unicodedata.category(letter)[0] not in "CZ" for letter in text)


def _is_mangled(text: str) -> bool:
    if not any(sign in text for sign in _SHORTENED):
        return False
    head, _, tail = text.lower().replace(",", ".").partition("e+")
    return tail.isdigit() and head.replace(".", "", 1).isdigit()


def may_be(kind: str, cells: Sequence[object]) -> bool:
    """Whether filled cells can all be read as numbers of one of the `_NUMBERS`."""
    read = amounts([_stars(cell) for cell in cells] if kind == "rating" else cells)
    known_I = np.isfinite(read.number_I)  # others are asked about when the file is read
    fits_I = _NUMBERS[kind][1](read.number_I[known_I])
    return UNREADABLE not in read.why.values() and bool(fits_I.all())


def _stars(cell: object) -> object:
    """A rating without the words that some shops' pages have behind it."""
    return cell.split(_STARS)[0] if isinstance(cell, str) else cell


def _as_value(cell: object) -> object:
    """A cell of an attribute; a flag in words, and a list of several as one text."""
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, list | tuple) and len(cell) > 1:
        parts = [text_in(_as_value(each), joined=False) for each in cell]
        return cell if None in parts else ", ".join(filter(None, parts))
    return cell


def _telling(values: dict[str, Any]) -> dict[str, Any]:
    """Attributes that say something; `{"text": [...]}`, as Google has it, is its list."""
    found = {}
    for name, value in values.items():
        inner = value.get("text", value) if isinstance(value, dict) else value
        if not (isinstance(inner, str) and inner.strip().casefold() in _SAYS_NOTHING):
            found[name] = inner
    return found
