import numpy as np

from recall.understanding.conformance import shop_with_values
from recall.understanding.fillers.dictionary import DictionaryUnderstanding
from tests.recall.understanding.filledshop import guessed, made_supply, taught

SUPPLY = made_supply()


def test_a_value_that_a_title_names_is_filled() -> None:
    shop = shop_with_values()
    filled = taught(DictionaryUnderstanding(), shop).fill(shop)
    assert filled.catalog.structured is not None
    colour_I = np.arange(len(shop)) // 6 % 5  # titles have it, published or not
    assert (filled.catalog.structured.values_IV == colour_I[:, None]).any(axis=1).all()


def test_what_is_named_is_nearly_always_right_and_the_commonest_value_is_often_wrong() -> None:
    step = taught(DictionaryUnderstanding(), SUPPLY.catalog)
    found = guessed(SUPPLY, step.fill(SUPPLY.catalog))
    assert found.right_G[found.named_G].mean() > 0.95
    untold = (found.true_G >= 0) & ~found.told_G
    assert 0.1 < found.right_G[untold].mean() < 0.6


def test_a_category_is_told_by_its_own_words() -> None:
    filled = taught(DictionaryUnderstanding(), SUPPLY.catalog).fill(SUPPLY.catalog)
    hidden = SUPPLY.catalog.category_I < 0
    sure = filled.category_confidence_I[hidden] > 0.5
    right = filled.catalog.category_I[hidden] == SUPPLY.truth.category_I[hidden]
    assert sure.mean() > 0.5
    assert right[sure].mean() > 0.95
