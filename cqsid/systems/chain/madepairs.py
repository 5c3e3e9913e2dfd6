"""Pairs made of the catalogue: what a chain judge learns before it reads an annotation.

A judge in the papers begins with what a large language model knows of words. A small one from
nothing knows none, so it is told what the catalogue tells for free: a text is made of the published
facts and words of an item, and verdicts on it and on other items follow from the published columns.
No log, no annotation and no truth is read. That a judge learns so is ours, not the papers'.

Axis suffixes: J pairs, V values of an item, W values of the catalogue, I items.
"""

import numpy as np
from numpy.typing import NDArray

from recall.texts.words import words
from simulator.annotations.pairs import (
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    Codes,
    ValuesVerdict,
    grade_of,
)
from simulator.catalogue.catalog import Catalog, Ints

_CATEGORY, _BRAND, _VALUE = 0.7, 0.3, 0.4  # chances that a text names what is published of its item
_TITLE = 0.3  # chance of each word of its title
_OWN, _MATE, _NEIGHBOUR = 0.35, 0.25, 0.2  # the graded item: its own, of its category, department


def made_pairs(catalog: Catalog, number: int, rng: np.random.Generator) -> Annotations:
    """At most `number` pairs with verdicts; none where no item has a category.

    A text names the category of its item, its brand, and each of its published values by chance,
    and some words of its title. What it does not name is not asked for. What is not published of
    the graded item counts as missing there, as somebody who reads the fields would say.
    """
    known = np.flatnonzero(catalog.category_I >= 0)
    if not len(known) or not number:
        return Annotations.empty()
    source_J = rng.choice(known, number)
    named_J, branded_J = rng.random((2, number)) < np.array([[_CATEGORY], [_BRAND]])
    branded_J &= catalog.brand_I[source_J] >= 0
    values_JV = _values(catalog, source_J)
    values_JV = np.where(rng.random(values_JV.shape) < _VALUE, values_JV, -1)
    texts = _texts(catalog, source_J, named_J, branded_J, values_JV, rng)
    item_J = _graded(catalog, source_J, known, rng)
    verdicts = (
        _category(catalog, source_J, item_J),
        _brand(catalog, source_J, item_J, branded_J),
        _held(values_JV, _values(catalog, item_J)),
    )
    told = np.flatnonzero([bool(text) for text in texts])
    row_J = np.arange(number, dtype=np.int32)
    columns = row_J, item_J.astype(np.int32), grade_of(*verdicts), *verdicts
    return Annotations(texts, *columns).rows(told)


def _values(catalog: Catalog, item_J: NDArray[np.integer]) -> Ints:
    """(J, V) published values of items."""
    if catalog.structured is None:
        return np.full((len(item_J), 0), -1, np.int32)
    return np.asarray(catalog.structured.values_IV[item_J], np.int32)


def _texts(
    catalog: Catalog,
    source_J: NDArray[np.integer],
    named_J: NDArray[np.bool_],
    branded_J: NDArray[np.bool_],
    values_JV: Ints,
    rng: np.random.Generator,
) -> tuple[str, ...]:
    """A text for each pair: brand, values, words of the title, category."""
    leaves = [path.rpartition(">")[2].strip().lower() for path in catalog.categories]
    names = catalog.structured.value_names if catalog.structured is not None else ()
    titles = [words(catalog.title_I[item], plurals=False) for item in source_J.tolist()]
    kept = [iter(rng.random(len(title)) < _TITLE) for title in titles]
    made = []
    for pair, item in enumerate(source_J.tolist()):
        parts = [catalog.brands[catalog.brand_I[item]].lower()] if branded_J[pair] else []
        parts += [names[value] for value in values_JV[pair].tolist() if value >= 0]
        parts += [word for word in titles[pair] if next(kept[pair])]
        parts += [leaves[catalog.category_I[item]]] if named_J[pair] else []
        made.append(" ".join(dict.fromkeys(" ".join(parts).split())))
    return tuple(made)


def _graded(
    catalog: Catalog,
    source_J: NDArray[np.integer],
    known: NDArray[np.integer],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """(J,) the item that each text is held against."""
    category_J = catalog.category_I[source_J]
    kind_J = np.searchsorted(np.cumsum([_OWN, _MATE, _NEIGHBOUR]), rng.random(len(source_J)))
    category_K = catalog.category_I[known]
    mate_J = _drawn(category_K, category_J, rng)
    department_K, department_J = (catalog.department_C[each] for each in (category_K, category_J))
    neighbour_J = _drawn(department_K, department_J, rng)
    any_J = rng.integers(0, len(known), len(source_J))
    picked_J = np.choose(np.minimum(kind_J, 3), [any_J, mate_J, neighbour_J, any_J])
    return np.where(kind_J == 0, source_J, known[picked_J])


def _drawn(
    group_K: NDArray[np.integer], group_J: NDArray[np.integer], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(J,) a place of K, drawn among those of the same group."""
    order_K = np.argsort(group_K, kind="stable")
    first_J = np.searchsorted(group_K[order_K], group_J)
    stop_J = np.searchsorted(group_K[order_K], group_J, side="right")
    return np.asarray(order_K[rng.integers(first_J, stop_J)], np.int64)


def _category(catalog: Catalog, source_J: Ints, item_J: NDArray[np.integer]) -> Codes:
    wanted_J, own_J = catalog.category_I[source_J], catalog.category_I[item_J]
    near_J = catalog.department_C[wanted_J] == catalog.department_C[own_J]
    verdict_J = np.where(near_J, CategoryVerdict.NEAR, CategoryVerdict.OTHER)
    return np.where(wanted_J == own_J, CategoryVerdict.SAME, verdict_J).astype(np.int8)


def _brand(
    catalog: Catalog, source_J: Ints, item_J: NDArray[np.integer], branded_J: NDArray[np.bool_]
) -> Codes:
    same_J = catalog.brand_I[source_J] == catalog.brand_I[item_J]
    verdict_J = np.where(same_J, BrandVerdict.SAME, BrandVerdict.OTHER)
    return np.where(branded_J, verdict_J, BrandVerdict.NOT_ASKED).astype(np.int8)


def _held(asked_JV: Ints, held_JV: Ints) -> Codes:
    """How many of the asked values are held."""
    asked_J = (asked_JV >= 0).sum(axis=1)
    same_JV = (asked_JV[:, :, None] == held_JV[:, None, :]).any(axis=2) & (asked_JV >= 0)
    met_J = same_JV.sum(axis=1)
    verdict_J = np.where(met_J > 0, ValuesVerdict.SOME, ValuesVerdict.NONE)
    verdict_J = np.where(met_J == asked_J, ValuesVerdict.ALL, verdict_J)
    return np.where(asked_J == 0, ValuesVerdict.NOT_ASKED, verdict_J).astype(np.int8)
