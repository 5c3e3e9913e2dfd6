"""What a filled catalogue must be."""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from recall.understanding.filled import Filled, values_of
from simulator.catalogue.catalog import Catalog
from simulator.plugins import Violation


def violations(public: Catalog, filled: object, *, corrects: bool) -> Iterator[Violation]:
    """Every way in which an answer of `fill` breaks the contract.

    Args:
        public: what was filled.
        filled: the answer.
        corrects: whether published values may be replaced.
    """
    if not isinstance(filled, Filled):
        yield Violation("fill()", type(filled).__name__, "be Filled")
        return
    found = filled.catalog
    for each in fields(Catalog):
        if each.name not in ("category_I", "structured") and not _same(
            getattr(public, each.name), getattr(found, each.name)
        ):
            yield Violation(f"fill().catalog.{each.name}", "another one", "stay as it is")
    shape = (len(public),)
    if public.structured is None and found.structured is not None:
        yield Violation("fill().catalog.structured", "values of attributes", "be none as published")
        return
    if values_of(found).values_IV.shape[:1] != shape or (
        public.structured is not None and found.structured is None
    ):
        yield Violation("fill().catalog.structured", "no row of each item", "have one")
        return
    if found.category_I.shape != shape or not np.issubdtype(found.category_I.dtype, np.integer):
        yield Violation("fill().catalog.category_I", str(found.category_I.shape), f"be {shape}")
        return
    if filled.category_confidence_I.shape != shape:
        shown = str(filled.category_confidence_I.shape)
        yield Violation("fill().category_confidence_I.shape", shown, f"be {shape}")
        return
    values_IV = values_of(found).values_IV
    if filled.confidence_IV.shape != values_IV.shape:
        shown = str(filled.confidence_IV.shape)
        yield Violation("fill().confidence_IV.shape", shown, f"be {values_IV.shape}")
        return
    yield from _of_categories(public, filled)
    yield from _of_values(public, filled, corrects)


def _of_categories(public: Catalog, filled: Filled) -> Iterator[Violation]:
    known_I, category_I = public.category_I >= 0, filled.catalog.category_I
    if (category_I[known_I] != public.category_I[known_I]).any():
        yield Violation("fill().catalog.category_I", "another published one", "stay as it is")
    if not ((category_I >= -1) & (category_I < len(public.categories))).all():
        yield Violation("fill().catalog.category_I", "an unknown code", "be a category or -1")
    yield from _chances("category_confidence_I", filled.category_confidence_I, category_I >= 0)


def _of_values(public: Catalog, filled: Filled, corrects: bool) -> Iterator[Violation]:
    structured, found = values_of(public), values_of(filled.catalog)
    place, values_IV = "fill().catalog.structured", found.values_IV
    kept = replace(found, values_IV=structured.values_IV)
    if any(not _same(getattr(kept, f.name), getattr(structured, f.name)) for f in fields(kept)):
        yield Violation(place, "other names or attributes", "stay as they are")
        return
    if not ((values_IV >= -1) & (values_IV < len(structured.value_names))).all():
        yield Violation(f"{place}.values_IV", "an unknown code", "be values or -1")
        return
    if ((values_IV[:, :-1] < 0) & (values_IV[:, 1:] >= 0)).any():
        yield Violation(f"{place}.values_IV", "-1 before a value", "have -1 at the right end only")
        return
    own_IV = np.full(values_IV.shape, -1)
    width = structured.values_IV.shape[1]
    if values_IV.shape[1] < width:
        yield Violation(f"{place}.values_IV", "fewer columns", "have the published ones")
        return
    own_IV[:, :width] = structured.values_IV
    if not corrects and (values_IV != own_IV)[own_IV >= 0].any():
        yield Violation(f"{place}.values_IV", "another published value", "stay as it is")
    item_F, column_F = np.nonzero(values_IV >= 0)
    attribute_F = structured.attribute_W[values_IV[item_F, column_F]].astype(np.int64)
    own_F = own_IV[item_F, column_F] >= 0
    key_F = item_F * len(structured.attributes) + attribute_F
    key, count = np.unique(key_F[~own_F], return_counts=True)
    if (count > 1).any() or np.isin(key, key_F[own_F]).any():
        yield Violation(place, "a second value of an attribute", "have one of each at most")
    yield from _chances("confidence_IV", filled.confidence_IV, values_IV >= 0)
    stays = (values_IV == own_IV) & (own_IV >= 0)
    if (filled.confidence_IV[stays] != 1).any():
        yield Violation("fill().confidence_IV", "below 1 for a published value", "be 1 there")


def _chances(
    name: str, confidence: NDArray[np.floating], held: NDArray[np.bool_]
) -> Iterator[Violation]:
    if not (np.isfinite(confidence).all() and (confidence >= 0).all() and (confidence <= 1).all()):
        yield Violation(f"fill().{name}", "nan or outside 0 to 1", "be chances")
    elif confidence[~held].any():
        yield Violation(f"fill().{name}", "above 0 where nothing is", "be 0 there")


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(np.array_equal(one, other))
    return one == other
