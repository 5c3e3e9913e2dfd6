"""Pairs made of the catalogue: verdicts are those of the published columns, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from cqsid.systems.chain.madepairs import made_pairs
from recall.sampleshop import sample_catalog
from recall.texts.words import words
from simulator.annotations.pairs import (
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    ValuesVerdict,
    grade_of,
)
from simulator.catalogue.catalog import Catalog
from tests.ranking.judges.shop import made_supply


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return made_supply().catalog


@pytest.fixture(scope="module")
def made(catalog: Catalog) -> Annotations:
    return made_pairs(catalog, 3_000, np.random.default_rng(0))


def test_they_are_annotations_and_every_verdict_occurs(catalog: Catalog, made: Annotations) -> None:
    made.check(len(catalog))
    assert made.explained
    assert 2_800 < len(made) <= 3_000
    assert set(made.category_J.tolist()) == {int(each) for each in CategoryVerdict}
    assert set(made.brand_J.tolist()) == {int(each) for each in BrandVerdict}
    assert set(made.values_J.tolist()) == {int(each) for each in ValuesVerdict}
    assert np.array_equal(made.grade_J, grade_of(made.category_J, made.brand_J, made.values_J))


def test_a_text_that_asks_for_a_brand_names_it(catalog: Catalog, made: Annotations) -> None:
    for pair in np.flatnonzero(made.brand_J == BrandVerdict.SAME)[:50].tolist():
        brand = catalog.brands[catalog.brand_I[made.item_J[pair]]]
        assert set(words(brand, plurals=False)) <= set(
            words(made.texts[made.text_J[pair]], plurals=False)
        )


def test_all_values_that_are_asked_for_are_published_of_the_item(
    catalog: Catalog, made: Annotations
) -> None:
    structured = catalog.structured
    assert structured is not None
    whole = np.flatnonzero((made.values_J == ValuesVerdict.ALL) & (made.category_J == 0))
    for pair in whole[:50].tolist():
        held = structured.values_IV[made.item_J[pair]]
        names = {structured.value_names[value] for value in held.tolist() if value >= 0}
        asked = f" {made.texts[made.text_J[pair]]} "
        assert any(set(name.split()) <= set(asked.split()) for name in names)


def test_the_same_luck_makes_the_same_pairs_and_too_little_is_no_pair(catalog: Catalog) -> None:
    first, again = (made_pairs(catalog, 50, np.random.default_rng(1)) for _ in range(2))
    assert first.texts == again.texts
    assert np.array_equal(first.item_J, again.item_J)
    nowhere = replace(catalog, category_I=np.full(len(catalog), -1, np.int32))
    assert len(made_pairs(nowhere, 50, np.random.default_rng(1))) == 0
    assert len(made_pairs(catalog, 0, np.random.default_rng(1))) == 0


def test_a_shop_that_publishes_no_values_asks_for_none() -> None:
    plain = replace(sample_catalog(), structured=None)
    pairs = made_pairs(plain, 200, np.random.default_rng(0))
    assert (pairs.values_J == ValuesVerdict.NOT_ASKED).all()
