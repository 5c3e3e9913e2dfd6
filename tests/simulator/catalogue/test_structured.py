"""What a shop publishes of attribute values: gaps and errors, cell by cell; nothing else moves."""

import numpy as np
import pytest

from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec, StructuredSpec
from simulator.catalogue.structured import publish
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws

ITEMS = 4_000


def supply(structured: StructuredSpec | None, seed: int = 1, items: int = ITEMS) -> Supply:
    return generate_supply(CatalogSpec(items=items, structured=structured), Draws(seed))


@pytest.fixture(scope="module")
def plain() -> Supply:
    return supply(None)


def sets(values_IV: np.ndarray) -> list[set[int]]:
    return [set(row[row >= 0].tolist()) for row in values_IV]


def test_a_catalogue_without_it_is_the_same_to_the_bit(plain: Supply) -> None:
    told = supply(StructuredSpec())
    for of in ("catalog", "truth"):
        one, other = getattr(plain, of), getattr(told, of)
        for name in (n for n in one.__dataclass_fields__ if n != "structured"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert plain.catalog.structured is None


def test_with_nothing_omitted_or_wrong_it_is_the_truth(plain: Supply) -> None:
    found = supply(StructuredSpec(omitted=0, wrong=0)).catalog.structured
    assert found is not None
    assert sets(found.values_IV) == sets(plain.truth.values_IV)


def test_with_all_omitted_there_is_no_value() -> None:
    found = supply(StructuredSpec(omitted=1)).catalog.structured
    assert found is not None
    assert found.values_IV.shape == (ITEMS, 0)


def test_as_many_are_omitted_and_wrong_as_the_settings_say(plain: Supply) -> None:
    found = supply(StructuredSpec(omitted=0.4, wrong=0.1)).catalog.structured
    assert found is not None
    true, told = sets(plain.truth.values_IV), sets(found.values_IV)
    cells, shown = sum(map(len, true)), sum(map(len, told))
    wrong = sum(len(one - other) for one, other in zip(told, true, strict=True))
    assert abs(shown / cells - 0.6) < 4 * (0.24 / cells) ** 0.5
    assert abs(wrong / shown - 0.1) < 4 * (0.09 / shown) ** 0.5


def test_a_wrong_value_is_another_one_of_the_same_attribute(plain: Supply) -> None:
    found = supply(StructuredSpec(omitted=0, wrong=1)).catalog.structured
    assert found is not None
    attribute_W = found.attribute_W
    for told, true in zip(sets(found.values_IV), sets(plain.truth.values_IV), strict=True):
        assert sorted(attribute_W[list(told)]) == sorted(attribute_W[list(true)])
        alone = {code for code in true if (attribute_W == attribute_W[code]).sum() == 1}
        assert told & true <= alone


def test_the_first_items_of_a_larger_catalogue_publish_the_same() -> None:
    small, large = (
        supply(StructuredSpec(), items=items).catalog.structured for items in (ITEMS // 4, ITEMS)
    )
    assert small is not None
    assert large is not None
    assert sets(small.values_IV) == sets(large.values_IV)[: ITEMS // 4]


def test_values_of_one_name_and_several_attributes_are_told_apart() -> None:
    names, attributes = ("red", "red", "wood"), ("colour", "trim", "material")
    values_IS = np.array([[0, 1, 2], [1, -1, -1]], np.int32)
    spec = StructuredSpec(omitted=0, wrong=1)  # no attribute has another value
    found = publish(values_IS, names, attributes, spec, Draws(1))
    np.testing.assert_array_equal(found.values_IV, values_IS)
    assert [found.attributes[code] for code in found.attribute_W] == list(attributes)
