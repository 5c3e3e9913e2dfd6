from dataclasses import replace

import numpy as np

from recall.texts.words import item_texts
from recall.understanding.conformance import shop_with_values
from recall.understanding.filled import Guesses, trusted, with_guesses
from simulator.catalogue.catalog import Catalog

SHOP = shop_with_values(12)  # items 4 and 5 are red; 4 publishes no value, 5 that it is small
RED, BLUE, SMALL, LARGE = 0, 1, 5, 6


def filled(*cells: tuple[int, int, float]) -> tuple[Catalog, np.ndarray]:
    """What stays of guesses at a confidence of 0.8."""
    item, value, sure = (np.array(column) for column in zip(*cells, strict=True))
    nothing_I = np.zeros(len(SHOP), np.float32)
    guesses = Guesses(item, value, sure)
    found = trusted(SHOP, with_guesses(SHOP, guesses, SHOP.category_I, nothing_I), 0.8)
    assert found.structured is not None
    assert found.added_I is not None
    return found, found.added_I


def test_guesses_stand_behind_published_values_and_only_the_sure_ones_stay() -> None:
    found, _ = filled((4, RED, 0.8), (4, LARGE, 0.79), (5, BLUE, 0.9))
    assert found.structured is not None
    assert SHOP.structured is not None
    assert found.structured.values_IV[4].tolist() == [RED, -1]
    assert found.structured.values_IV[5].tolist() == [SMALL, BLUE]
    rest = [row for row in range(len(SHOP)) if row not in (4, 5)]
    np.testing.assert_array_equal(found.structured.values_IV[rest], SHOP.structured.values_IV[rest])


def test_added_words_are_those_that_texts_do_not_have() -> None:
    found, added = filled((4, RED, 1.0), (4, LARGE, 1.0))
    assert "red" in SHOP.title_I[4]
    assert added[4] == "large"
    assert not any(added[[row for row in range(len(SHOP)) if row != 4]])
    assert item_texts(found)[4] == f"{SHOP.title_I[4]} large"


def test_a_catalogue_without_sure_guesses_reads_as_the_public_one() -> None:
    found, _ = filled((4, RED, 0.1))
    public = item_texts(SHOP, description=True, brand=True, category=True)
    texts = item_texts(found, description=True, brand=True, category=True)
    assert [text.split() for text in texts] == [text.split() for text in public]


def test_categories_are_filled_where_they_are_missing_and_sure() -> None:
    hidden = replace(SHOP, category_I=np.where(np.arange(12) < 2, -1, SHOP.category_I))
    none = np.zeros(0, np.int64)
    sure_I = np.where(np.arange(12) == 0, 0.9, 0.5).astype(np.float32)
    guesses = Guesses(none, none, np.zeros(0))
    whole = with_guesses(hidden, guesses, np.full(12, 4, np.int32), sure_I)
    assert whole.catalog.category_I.tolist() == [4, 4, *SHOP.category_I[2:].tolist()]
    assert trusted(hidden, whole, 0.8).category_I[:3].tolist() == [4, -1, SHOP.category_I[2]]
