"""Cells, an item and an attribute each: which are published, and which could be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recall.understanding.filled import values_of
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History

Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """F cells.

    Attributes:
        item_F: the item.
        attribute_F: the attribute.
        value_F: code of the published value, -1 where it is missing.
    """

    item_F: Longs
    attribute_F: Longs
    value_F: Longs

    def rows(self, rows: NDArray[np.integer] | Flags) -> "Cells":
        """Some of the cells."""
        return Cells(self.item_F[rows], self.attribute_F[rows], self.value_F[rows])

    def followed_by(self, other: "Cells") -> "Cells":
        """These, and behind them others."""
        return Cells(
            np.concatenate([self.item_F, other.item_F]),
            np.concatenate([self.attribute_F, other.attribute_F]),
            np.concatenate([self.value_F, other.value_F]),
        )

    def __len__(self) -> int:
        return len(self.item_F)


def published_cells(catalog: Catalog) -> Cells:
    """What is published, item by item; nothing where no values are."""
    structured = values_of(catalog)
    item_F, column_F = np.nonzero(structured.values_IV >= 0)
    value_F = structured.values_IV[item_F, column_F].astype(np.int64)
    return Cells(item_F, structured.attribute_W[value_F].astype(np.int64), value_F)


def applicable(cells: Cells, category_I: Ints, categories: int, attributes: int) -> Flags:
    """(C, A) whether any item of a category has a published value of an attribute."""
    seen_CA = np.zeros((categories, attributes), np.bool_)
    category_F = category_I[cells.item_F]
    held_F = category_F >= 0
    seen_CA[category_F[held_F], cells.attribute_F[held_F]] = True
    return seen_CA


def missing_cells(cells: Cells, category_I: Ints, applicable_CA: Flags) -> Cells:
    """The cells of items that are not published, of the attributes that their categories have.

    Args:
        cells: published.
        category_I: of each item, published or guessed; an item of none has no such cell.
        applicable_CA: as of `applicable`.
    """
    size_C = applicable_CA.sum(axis=1)
    first_C = np.cumsum(size_C) - size_C
    _, attribute_E = np.nonzero(applicable_CA)
    size_I = np.where(category_I >= 0, size_C[category_I] if len(size_C) else 0, 0)
    item_F = np.repeat(np.arange(len(category_I)), size_I)
    place_F = np.arange(len(item_F)) - np.repeat(np.cumsum(size_I) - size_I, size_I)
    attribute_F = attribute_E[first_C[category_I[item_F]] + place_F]
    wide = max(applicable_CA.shape[1], 1)
    open_F = ~np.isin(item_F * wide + attribute_F, cells.item_F * wide + cells.attribute_F)
    found = Cells(item_F, attribute_F, np.full(len(item_F), -1, np.int64))
    return found.rows(open_F)


def on_sale(catalog: Catalog, history: History) -> Flags:
    """(I,) the items that are in the shop by the end of a log; without one, at second 0."""
    until = float(history.at_R.max()) if len(history.at_R) else 0.0
    return np.asarray(catalog.created_at_I <= until)
