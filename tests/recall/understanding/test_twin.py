import numpy as np

from recall.understanding.twin import shuffled
from simulator.catalogue.catalog import Catalog
from tests.recall.understanding.filledshop import made_supply

PUBLIC = made_supply().catalog


def kept(catalog: Catalog) -> set[tuple[int, ...]]:
    """Categories with the values that stand beside them."""
    assert catalog.structured is not None
    values = catalog.structured.values_IV.tolist()
    return {(category, *row) for category, row in zip(catalog.category_I, values, strict=True)}


def test_texts_stay_and_values_and_categories_are_those_of_other_items() -> None:
    mixed = shuffled(PUBLIC, np.random.default_rng(0))
    np.testing.assert_array_equal(mixed.title_I, PUBLIC.title_I)
    np.testing.assert_array_equal(np.sort(mixed.category_I), np.sort(PUBLIC.category_I))
    assert (mixed.category_I != PUBLIC.category_I).mean() > 0.5


def test_values_and_category_are_not_of_one_other_item() -> None:
    """The former would tell the latter."""
    mixed = shuffled(PUBLIC, np.random.default_rng(0))
    assert len(kept(PUBLIC) & kept(mixed)) < 0.5 * len(kept(PUBLIC))
