"""What annotators tell of pairs of a text and an item: verdicts, and a grade that follows."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.errors import DataError

Codes = NDArray[np.int8]

BEST_GRADE = 3
UNSAID = -1
"""Code of a verdict that nobody gave: of human grades without reasons."""


class CategoryVerdict(IntEnum):
    """How the item's category stands to the wanted one."""

    SAME = 0
    NEAR = 1
    OTHER = 2


class BrandVerdict(IntEnum):
    """Whether the item is of the wanted brand."""

    NOT_ASKED = 0
    SAME = 1
    OTHER = 2


class ValuesVerdict(IntEnum):
    """How many of the wanted attribute values the item has."""

    NOT_ASKED = 0
    ALL = 1
    SOME = 2
    NONE = 3


def grade_of(category: Codes, brand: Codes, values: Codes) -> Codes:
    """The grade that verdicts give; the shapes are broadcast.

    Another category: 0. A near one, another brand, or none of the values: 1. Some of the values:
    2. Else 3.
    """
    poor = (category == CategoryVerdict.NEAR) | (brand == BrandVerdict.OTHER)
    poor |= values == ValuesVerdict.NONE
    grade = np.where(values == ValuesVerdict.SOME, 2, BEST_GRADE)
    grade = np.where(poor, 1, grade)
    return np.where(category == CategoryVerdict.OTHER, 0, grade).astype(np.int8)


@dataclass(frozen=True)
class Annotations:
    """J graded pairs, each of another text or item.

    Attributes:
        texts: what `text_J` points into.
        text_J, item_J: the pairs.
        grade_J: 0 (of no use) to 3 (what was asked for).
        category_J, brand_J, values_J: codes of the verdicts, `UNSAID` where nobody gave one.
    """

    texts: tuple[str, ...]
    text_J: Ints
    item_J: Ints
    grade_J: Codes
    category_J: Codes
    brand_J: Codes
    values_J: Codes

    def __len__(self) -> int:
        return len(self.text_J)

    @property
    def explained(self) -> bool:
        """Whether every grade has its verdicts."""
        return len(self) > 0 and bool(
            (self.category_J >= 0).all()
            and (self.brand_J >= 0).all()
            and (self.values_J >= 0).all()
        )

    @classmethod
    def empty(cls) -> "Annotations":
        """Nothing was bought."""
        none: dict[str, Any] = {
            name: np.zeros(0, np.int32 if name in ("text_J", "item_J") else np.int8)
            for name in cls.__dataclass_fields__
            if name != "texts"
        }
        return cls(texts=(), **none)

    @classmethod
    def unexplained(
        cls, texts: tuple[str, ...], text_J: Ints, item_J: Ints, grade_J: NDArray[np.integer]
    ) -> "Annotations":
        """Grades without verdicts, such as those of a file."""
        unsaid_J = np.full(len(text_J), UNSAID, np.int8)
        grades = grade_J.astype(np.int8)
        return cls(texts, text_J, item_J, grades, unsaid_J, unsaid_J, unsaid_J)

    def rows(self, rows: NDArray[Any] | slice) -> "Annotations":
        """Some of the pairs: an index, a mask or a slice."""
        columns = {
            name: getattr(self, name)[rows] for name in self.__dataclass_fields__ if name != "texts"
        }
        return Annotations(texts=self.texts, **columns)

    def shuffled(self, rng: np.random.Generator) -> "Annotations":
        """The same pairs with grades and verdicts of other pairs: what a null twin learns from."""
        mixed = self.rows(rng.permutation(len(self)))
        return replace(mixed, text_J=self.text_J, item_J=self.item_J)

    def check(self, items: int) -> None:
        """Refuse pairs of nothing, and grades that are none.

        Args:
            items: in the catalogue.

        Raises:
            DataError: with place, value found and value wanted.
        """
        bounds = {
            "text_J": (0, len(self.texts) - 1),
            "item_J": (0, items - 1),
            "grade_J": (0, BEST_GRADE),
            "category_J": (UNSAID, max(CategoryVerdict)),
            "brand_J": (UNSAID, max(BrandVerdict)),
            "values_J": (UNSAID, max(ValuesVerdict)),
        }
        for name, (low, high) in bounds.items():
            column = getattr(self, name)
            if column.shape != self.text_J.shape:
                raise DataError(
                    f"annotations.{name}.shape == {column.shape}, must be {self.text_J.shape}"
                )
            wrong = np.flatnonzero((column < low) | (column > high))
            if len(wrong):
                raise DataError(
                    f"annotations.{name}[{wrong[0]}] == {column[wrong[0]]}, must be {low} to {high}"
                )
        size = int(self.item_J.max(initial=0)) + 1
        if len(np.unique(self.text_J.astype(np.int64) * size + self.item_J)) < len(self):
            raise DataError("annotations == a pair twice, must have each pair once")
