"""What is on sale: the public catalogue and, apart from it, what is really true of each item."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Structured:
    """Published attribute values of I items; V is most values of one item.

    Attributes:
        values_IV: codes of values, -1 padded on the right; of a generated catalogue the same codes
            as in the truth.
        value_names: name of each of W values.
        attribute_W: attribute of each value.
        attributes: name of each attribute.
    """

    values_IV: Ints
    value_names: tuple[str, ...]
    attribute_W: Ints
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The public columns of I items. An item id is its row number, 0..I-1.

    Attributes:
        key_I: the shop's own id of each item, as text.
        title_I: title, never empty.
        description_I: short description, may be "".
        brand_I: index into `brands`, -1 where unknown.
        category_I: index into `categories`, -1 where unknown.
        price_I: list price at the start, in currency units, > 0.
        seller_I: seller number, 0..n-1.
        rating_I: mean star rating shown on the result card, 1 to 5.
        created_at_I: simulated seconds when the item enters the shop; negative: before day 0.
        retired_at_I: simulated seconds when it leaves; inf where it stays.
        brands: brand names.
        categories: category paths, "Department > Category".
        department_C: department number of each category.
        structured: attribute values that the shop publishes in fields of their own; None: it
            publishes none.
    """

    key_I: Texts
    title_I: Texts
    description_I: Texts
    brand_I: Ints
    category_I: Ints
    price_I: NDArray[np.float64]
    seller_I: Ints
    rating_I: NDArray[np.float32]
    created_at_I: NDArray[np.float64]
    retired_at_I: NDArray[np.float64]
    brands: tuple[str, ...]
    categories: tuple[str, ...]
    department_C: Ints
    structured: Structured | None = None

    def __len__(self) -> int:
        return len(self.price_I)


@dataclass(frozen=True)
class ItemTruth:
    """The latent truth of I items. Only the simulator may hold one.

    Attributes:
        category_I: true category, never missing.
        brand_I: true brand, -1 for unbranded.
        values_IV: codes of the structured attribute values an item has, -1 padded. A code is
            unique over attributes (colour=red and trim=red are two codes).
        quality_I: vertical quality, about standard normal.
        vector_IT: taste vector, from attributes and idiosyncratic noise, about unit variance.
        demand_I: relative weight with which an item's kind is wanted, > 0, heavy-tailed.
        log_price_C: mean log list price per category, the reference a budget is relative to.
        department_C: department number of each category.
    """

    category_I: Ints
    brand_I: Ints
    values_IV: Ints
    quality_I: NDArray[np.float32]
    vector_IT: NDArray[np.float32]
    demand_I: NDArray[np.float64]
    log_price_C: NDArray[np.float64]
    department_C: Ints


@dataclass(frozen=True)
class Supply:
    """A catalogue with its truth and its shelf.

    Attributes:
        stock_I: units on the shelf at the start, also the level S a restock fills up to.
        lead_time_I: seconds from a restock order to its arrival.
        value_words: the words for each attribute value code, the first one canonical and the
            rest synonyms; queries and titles are made of them.
    """

    catalog: Catalog
    truth: ItemTruth
    stock_I: Ints
    lead_time_I: NDArray[np.float64]
    value_words: tuple[tuple[str, ...], ...]


def left_packed(values_IV: Ints) -> Ints:
    """The same codes with the -1 padding moved to the right, in their order."""
    order_IV = np.argsort(values_IV < 0, axis=1, kind="stable")
    return np.take_along_axis(values_IV, order_IV, axis=1)
