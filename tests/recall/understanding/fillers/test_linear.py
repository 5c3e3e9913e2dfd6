from dataclasses import replace

import numpy as np
import pytest

from recall.understanding.conformance import shop_with_values
from recall.understanding.filled import Filled, trusted
from recall.understanding.fillers.dictionary import DictionaryUnderstanding
from recall.understanding.fillers.linear import LinearUnderstanding
from recall.understanding.twin import shuffled
from simulator.errors import DataError
from tests.recall.understanding.filledshop import guessed, made_supply, taught

SUPPLY = made_supply()
SURE = 0.8


@pytest.fixture(scope="module")
def linear() -> LinearUnderstanding:
    found = taught(LinearUnderstanding(), SUPPLY.catalog)
    assert isinstance(found, LinearUnderstanding)
    return found


@pytest.fixture(scope="module")
def filled(linear: LinearUnderstanding) -> Filled:
    return linear.fill(SUPPLY.catalog)


def test_told_values_are_filled_and_right(filled: Filled) -> None:
    found = guessed(SUPPLY, filled)
    sure = found.sure_G >= SURE
    assert (sure & found.right_G)[found.told_G].mean() > 0.6
    assert found.right_G[sure].mean() > 0.95


def test_what_texts_do_not_tell_and_what_is_not_there_is_left_open(filled: Filled) -> None:
    found = guessed(SUPPLY, filled)
    untold = (found.true_G >= 0) & ~found.told_G
    assert (found.sure_G >= SURE)[untold].mean() < 0.05
    assert (found.sure_G >= SURE)[found.true_G < 0].mean() < 0.02


def test_confidence_is_calibrated(filled: Filled) -> None:
    """But for the published values that are wrong, 3 %, which count as misses of right guesses."""
    found = guessed(SUPPLY, filled)
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.9, 1.01)):
        some = (found.sure_G >= low) & (found.sure_G < high)
        assert some.sum() > 100
        error = found.right_G[some].mean() - found.sure_G[some].mean()
        assert -0.03 < error < 0.07, (low, error)


def test_synonyms_are_told_better_than_by_a_dictionary(filled: Filled) -> None:
    simple = taught(DictionaryUnderstanding(), SUPPLY.catalog).fill(SUPPLY.catalog)
    right = []
    for each in (filled, simple):
        found = guessed(SUPPLY, each)
        right.append(found.right_G[found.told_G & ~found.named_G].mean())
    assert right[0] > right[1] + 0.05, right


def test_untold_cells_are_guessed_no_better_than_category_and_brand_allow(filled: Filled) -> None:
    """The bound is a table of the truth: the commonest value of a category, and of its brands."""
    found, truth = guessed(SUPPLY, filled), SUPPLY.truth
    untold = (found.true_G >= 0) & ~found.told_G
    attribute_W = SUPPLY.catalog.structured.attribute_W  # type: ignore[union-attr]
    cells = np.stack(
        [
            truth.category_I[found.item_G],
            truth.brand_I[found.item_G],
            attribute_W[found.true_G],
            found.true_G,
        ]
    )[:, untold]
    _, values = np.unique(cells, axis=1, return_counts=True)
    told, _ = np.unique(cells, axis=1, return_index=True)
    group = np.unique(told[:3], axis=1, return_inverse=True)[1].ravel()
    most = np.zeros(group.max() + 1)
    np.maximum.at(most, group, values)
    bound = most.sum() / untold.sum()
    assert found.right_G[untold].mean() <= bound + 0.05


def test_a_twin_that_learns_from_values_of_other_items_is_sure_of_nothing() -> None:
    supply = made_supply(items=500)
    lessons = shuffled(supply.catalog, np.random.default_rng(0))
    filled = taught(LinearUnderstanding(), lessons).fill(supply.catalog)
    assert (guessed(supply, filled).sure_G >= SURE).mean() < 0.01
    hidden = supply.catalog.category_I < 0
    assert (filled.category_confidence_I[hidden] >= SURE).mean() < 0.01


def test_categories_are_filled(filled: Filled) -> None:
    hidden = SUPPLY.catalog.category_I < 0
    right = filled.catalog.category_I[hidden] == SUPPLY.truth.category_I[hidden]
    assert right.mean() > 0.9
    assert abs(right.mean() - filled.category_confidence_I[hidden].mean()) < 0.08


def test_items_that_are_still_to_come_teach_nothing(filled: Filled) -> None:
    late = SUPPLY.catalog.created_at_I > 0
    assert late.sum() > 20
    structured = SUPPLY.catalog.structured
    assert structured is not None
    other = replace(structured, values_IV=np.where(late[:, None], -1, structured.values_IV))
    again = taught(LinearUnderstanding(), replace(SUPPLY.catalog, structured=other))
    for one, two in zip(
        again.fill(SUPPLY.catalog).confidence_IV, filled.confidence_IV, strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_wrong_published_values_are_corrected_above_chance() -> None:
    step = taught(LinearUnderstanding(corrections=True), SUPPLY.catalog)
    filled, structured = step.fill(SUPPLY.catalog), SUPPLY.catalog.structured
    assert structured is not None
    assert filled.catalog.structured is not None
    width = structured.values_IV.shape[1]
    held = structured.values_IV >= 0
    now = np.where(
        filled.confidence_IV[:, :width] >= SURE,
        filled.catalog.structured.values_IV[:, :width],
        structured.values_IV,
    )
    true = (structured.values_IV[:, :, None] == SUPPLY.truth.values_IV[:, None, :]).any(axis=2)
    after = (now[:, :, None] == SUPPLY.truth.values_IV[:, None, :]).any(axis=2)
    wrong = held & ~true
    assert wrong.sum() > 30
    assert after[wrong].mean() > 0.4
    assert after[held & true].mean() > 0.99


def test_the_filter_drops_what_neither_words_nor_other_items_tell() -> None:
    step = LinearUnderstanding(hallucination_filter=True)
    taught(step, SUPPLY.catalog)
    report = step.report()
    assert 0.1 < report["hallucinated"] / report["cells"] < 0.45
    assert abs(report["published"] - 0.5) < 0.05


@pytest.mark.parametrize("make", [LinearUnderstanding, DictionaryUnderstanding])
def test_categories_alone_are_filled_where_no_values_are_published(
    make: type[LinearUnderstanding | DictionaryUnderstanding],
) -> None:
    bare = replace(SUPPLY.catalog, structured=None)
    filled = taught(make(), bare).fill(bare)
    assert filled.catalog.structured is None
    assert filled.confidence_IV.shape == (len(bare), 0)
    missing = bare.category_I < 0
    right = filled.catalog.category_I[missing] == SUPPLY.truth.category_I[missing]
    commonest = np.bincount(SUPPLY.truth.category_I).max() / len(bare)
    assert right.mean() > 0.6 > 3 * commonest
    sure = filled.category_confidence_I[missing] >= SURE
    assert right[sure].mean() > 0.9
    found = trusted(bare, filled, SURE)
    assert found.structured is None
    assert not (found.added_I != "").any()
    assert ((found.category_I >= 0) & missing).sum() == sure.sum()


def test_the_twin_of_a_shop_without_values_is_sure_of_no_category() -> None:
    bare = replace(SUPPLY.catalog, structured=None)
    mixed = shuffled(bare, np.random.default_rng(0))
    filled = taught(LinearUnderstanding(), mixed).fill(bare)
    assert (filled.category_confidence_I[bare.category_I < 0] < SURE).all()


def test_an_attribute_of_one_value_is_refused() -> None:
    shop = shop_with_values()
    structured = shop.structured
    assert structured is not None
    one = replace(structured, attribute_W=np.array([0] * 6 + [1], np.int32))
    with pytest.raises(DataError, match=r"attributes\['size'\] == 1 value, must be 2 or more"):
        taught(LinearUnderstanding(), replace(shop, structured=one))
