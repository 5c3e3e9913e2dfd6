"""Checking and typing the columns of a user's catalogue."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from simulator.catalogue.catalog import Ints, Texts
from simulator.catalogue.taxonomy import numbered
from simulator.files.findings import FileFinding, row_findings
from simulator.files.readers import Columns
from simulator.randomness import Floats
from simulator.spec import Spec

MAX_PRICE = 1e9

# By kind, what a number must be, and whether it is; one that is not a number is none of them.
_NUMBERS: dict[str, tuple[str, Callable[[Floats], NDArray[np.bool_]]]] = {
    "price": (f"a number > 0 and <= {MAX_PRICE:.0e}", lambda n: (n > 0) & (n <= MAX_PRICE)),
    "grade": ("0, 1, 2 or 3", lambda n: np.isin(n, (0, 1, 2, 3))),
    "rating": ("a number from 1 to 5, or empty", lambda n: (n >= 1) & (n <= 5)),
    "stock": (
        "a whole number >= 0 and < 2e9, or empty",
        lambda n: (n >= 0) & (n < 2e9) & (np.floor(n) == n),
    ),
}


class ColumnSpec(Spec):
    """Which column of the file holds what; the first three are required."""

    id: str = Field("id", description="the shop's own id of an item")
    title: str = Field("title", description="title, never empty")
    price: str = Field("price", description="price, above 0")
    description: str | None = Field(None, description="short description")
    brand: str | None = Field(None, description="brand name")
    category: str | None = Field(
        None, description="category, alone or as a path with '>', '|' or '/'; may be empty"
    )
    seller: str | None = Field(None, description="seller name")
    rating: str | None = Field(None, description="mean rating (1 to 5 stars)")
    stock: str | None = Field(None, description="units on a full shelf (whole units)")
    created_at: str | None = Field(
        None, description="arrival: a date, or simulated seconds (negative: before day 0)"
    )
    attributes: str | tuple[str, ...] = Field(
        (), description="one column of JSON objects, or several columns, of attribute values"
    )

    def wanted(self, place: str) -> dict[str, str]:
        """Setting -> column name, of all columns to be read."""
        scalars = self.model_dump(exclude={"attributes"}, exclude_none=True)
        wanted = {f"{place}.{name}": column for name, column in scalars.items()}
        if isinstance(self.attributes, str):
            return wanted | {f"{place}.attributes": self.attributes}
        return wanted | {f"{place}.attributes[{n}]": name for n, name in enumerate(self.attributes)}


@dataclass
class ColumnReader:
    """Turns raw columns into typed ones and notes every value that cannot be used."""

    file: str
    columns: Columns
    ids: Texts | None = None
    findings: list[FileFinding] = field(default_factory=list)

    def note(self, column: str, bad_I: NDArray[np.bool_], wanted: str) -> None:
        """Remember the bad rows of a column."""
        if bad_I.any():
            found = self.columns[column]
            ids = None if self.ids is found else self.ids
            self.findings += row_findings(self.file, column, bad_I, found, wanted, ids)

    def _raw(self, column: str | None) -> NDArray[np.object_]:
        """What the file holds; nothing in a column that it does not have."""
        if column is None:
            return np.full(len(next(iter(self.columns.values()))), None, object)
        return self.columns[column]

    def texts(self, column: str | None) -> Texts:
        """Stripped texts, "" where empty."""
        return np.fromiter(("" if v is None else _text(v) for v in self._raw(column)), object)

    def filled_texts(self, column: str) -> Texts:
        """Texts that may not be empty."""
        texts = self.texts(column)
        self.note(column, texts == "", "a text that is not empty")
        return texts

    def identifiers(self, column: str) -> Texts:
        """Texts that are neither empty nor repeated; later findings name them."""
        texts = self.filled_texts(column)
        again_I = pd.Series(texts).duplicated().to_numpy() & (texts != "")
        self.note(column, again_I, "an id that no earlier row has")
        self.ids = self.columns[column]
        return texts

    def numbers(self, column: str | None, kind: str) -> Floats:
        """Numbers of one of the `_NUMBERS`, NaN where empty."""
        wanted, fits = _NUMBERS[kind]
        numbers = _floats(self._raw(column))
        if column is not None:
            may_be_I = (self.texts(column) == "") & wanted.endswith("or empty")
            self.note(column, ~fits(numbers) & ~may_be_I, wanted)
        return numbers

    def moments(self, column: str | None) -> Floats:
        """Simulated seconds, NaN where empty; the newest date of a file counts as day 0."""
        raw = pd.Series(self._raw(column), dtype=object)
        numbers = _floats(self._raw(column))
        dates = pd.to_datetime(
            raw.where(np.isnan(numbers)), errors="coerce", utc=True, format="ISO8601"
        )
        seconds = (dates - dates.max()).dt.total_seconds().to_numpy(np.float64)
        moments = np.where(np.isnan(numbers), seconds, numbers)
        if column is not None:
            bad_I = ~np.isfinite(moments) & (self.texts(column) != "")
            self.note(column, bad_I, "an ISO 8601 date or a number of simulated seconds")
        return moments

    def names(self, column: str | None) -> tuple[Ints, tuple[str, ...]]:
        """Codes by first appearance, -1 where empty, and the names they stand for."""
        return numbered(self.texts(column))

    def attributes(self, columns: str | tuple[str, ...]) -> list[dict[str, Any]]:
        """Per item, attribute names and values, from JSON objects or from several columns."""
        if isinstance(columns, tuple):
            values = [self.columns[column] for column in columns]
            return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
        parsed = [_json_object(value) for value in self.columns[columns]]
        bad_I = np.array([value is None for value in parsed], bool)
        self.note(columns, bad_I, "a JSON object, or empty")
        return [value or {} for value in parsed]


def _floats(values: NDArray[np.object_]) -> Floats:
    """Numbers as far as the values are any, NaN elsewhere."""
    raw = pd.Series(values, dtype=object)
    return pd.to_numeric(raw, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # an id or a name that a file keeps as 17.0
    return "" if isinstance(value, float) and np.isnan(value) else str(value).strip()


def _json_object(value: object) -> dict[str, Any] | None:
    """A JSON object given as text or already parsed; None for anything else."""
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return None
    return value if isinstance(value, dict) else None
