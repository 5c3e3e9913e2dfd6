"""A part of what a shop publishes is hidden: each cell by chance, and nothing else moves."""

from dataclasses import fields, replace

import numpy as np

from recall.understanding.hidden import HIDDEN, hidden
from simulator.catalogue.catalog import Catalog
from tests.recall.understanding.filledshop import made_supply

PUBLIC = made_supply().catalog


def lessened(catalog: Catalog = PUBLIC, seed: int = 0) -> Catalog:
    return hidden(catalog, np.random.default_rng(seed))


def test_a_share_of_values_and_categories_is_hidden_and_the_rest_is_as_it_was() -> None:
    after, before = lessened().structured, PUBLIC.structured
    assert after is not None
    assert before is not None
    for own, left in zip(before.values_IV.tolist(), after.values_IV.tolist(), strict=True):
        assert [value for value in left if value >= 0] == [v for v in own if v in left and v >= 0]
    kept = (after.values_IV >= 0).sum() / (before.values_IV >= 0).sum()
    assert abs(kept - (1 - HIDDEN)) < 0.03
    known = PUBLIC.category_I >= 0
    gone = lessened().category_I < 0
    assert abs(gone[known].mean() - HIDDEN) < 0.05
    np.testing.assert_array_equal(lessened().category_I[~gone], PUBLIC.category_I[~gone])
    others = [f.name for f in fields(Catalog) if f.name not in ("category_I", "structured")]
    assert all(getattr(lessened(), name) is getattr(PUBLIC, name) for name in others)


def test_a_shop_without_values_loses_categories_alone() -> None:
    found = lessened(replace(PUBLIC, structured=None))
    assert found.structured is None
    assert (found.category_I < 0).sum() > (PUBLIC.category_I < 0).sum()
