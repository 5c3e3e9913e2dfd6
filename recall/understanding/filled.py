"""A catalogue with guesses of what it leaves open, and the part of it that is sure enough."""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recall.texts.words import words
from recall.understanding.filledcatalog import FilledCatalog
from simulator.catalogue.catalog import Catalog, Ints, Structured, Texts
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Filled:
    """A catalogue with guesses.

    Attributes:
        catalog: the catalogue, with guessed values behind the published ones of an item, and with
            guessed categories; else equal to the public one. One that publishes no values has none.
        confidence_IV: chance that each of `catalog.structured.values_IV` is right; 1 for one that
            is published and stays, 0 on padding.
        category_confidence_I: the same of categories, 0 where there is none.
    """

    catalog: Catalog
    confidence_IV: Floats
    category_confidence_I: Floats


@dataclass(frozen=True)
class Guesses:
    """F guessed values, at most one of each item and attribute.

    Attributes:
        item_F: the item.
        value_F: code of the value.
        confidence_F: chance that it is right.
    """

    item_F: NDArray[np.int64]
    value_F: NDArray[np.int64]
    confidence_F: NDArray[np.float64]


NO_GUESSES: Final = Guesses(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def structured_of(catalog: Catalog) -> Structured:
    """The published attribute values of a catalogue.

    Raises:
        ConfigError: it publishes none.
        DataError: an attribute has one value alone, so that there is nothing to tell apart.
    """
    structured = catalog.structured
    if structured is None:
        raise ConfigError(
            "catalog.structured == none, must be set: without published attribute values there is "
            "nothing to learn from"
        )
    size_A = np.bincount(structured.attribute_W, minlength=len(structured.attributes))
    for attribute in np.flatnonzero(size_A == 1).tolist():
        raise DataError(
            f"catalog.structured.attributes[{structured.attributes[attribute]!r}] == 1 value, "
            "must be 2 or more: a single one tells no item apart"
        )
    return structured


def values_of(catalog: Catalog) -> Structured:
    """The published attribute values of a catalogue, none of no attribute where it has none.

    Raises:
        DataError: as `structured_of`.
    """
    if catalog.structured is not None:
        return structured_of(catalog)
    return Structured(np.zeros((len(catalog), 0), np.int32), (), np.zeros(0, np.int32), ())


def with_guesses(
    catalog: Catalog, guesses: Guesses, category_I: Ints, category_confidence_I: Floats
) -> Filled:
    """A catalogue with guessed values behind the published ones, and guessed categories.

    Args:
        catalog: public.
        guesses: of missing values; none where it publishes no values.
        category_I, category_confidence_I: guess of each item's category; used where the shop
            publishes none.
    """
    structured = values_of(catalog)
    known_I = (structured.values_IV >= 0).sum(axis=1)
    order_F = np.lexsort((guesses.value_F, guesses.item_F))
    item_F = guesses.item_F[order_F]
    added_I = np.bincount(item_F, minlength=len(catalog))
    width = max(int((known_I + added_I).max(initial=0)), structured.values_IV.shape[1])
    values_IV = np.full((len(catalog), width), -1, np.int32)
    confidence_IV = np.zeros((len(catalog), width), np.float32)
    values_IV[:, : structured.values_IV.shape[1]] = structured.values_IV
    confidence_IV[values_IV >= 0] = 1
    place_F = np.arange(len(item_F)) - np.repeat(np.cumsum(added_I) - added_I, added_I)
    column_F = known_I[item_F] + place_F
    values_IV[item_F, column_F] = guesses.value_F[order_F]
    confidence_IV[item_F, column_F] = guesses.confidence_F[order_F]
    missing_I = catalog.category_I < 0
    filled = replace(
        catalog,
        category_I=np.where(missing_I, category_I, catalog.category_I).astype(np.int32),
        structured=None if catalog.structured is None else replace(structured, values_IV=values_IV),
    )
    sure_I = np.where(missing_I, category_confidence_I, 1) * (filled.category_I >= 0)
    return Filled(filled, confidence_IV, sure_I.astype(np.float32))


def trusted(public: Catalog, filled: Filled, confidence: float) -> FilledCatalog:
    """The public catalogue with those guesses that are sure enough.

    Args:
        public: the catalogue that was filled.
        filled: with all guesses.
        confidence: least confidence of a guess.
    """
    structured, guessed = values_of(public), values_of(filled.catalog)
    values_IV = guessed.values_IV
    own_IV = np.full(values_IV.shape, -1, np.int32)
    own_IV[:, : structured.values_IV.shape[1]] = structured.values_IV
    new_IV = (values_IV >= 0) & (values_IV != own_IV) & (filled.confidence_IV >= confidence)
    kept_IV = np.where(new_IV, values_IV, own_IV)
    order_IV = np.argsort(kept_IV < 0, axis=1, kind="stable")
    width = int((kept_IV >= 0).sum(axis=1).max(initial=0))
    packed_IV = np.take_along_axis(kept_IV, order_IV, axis=1)[:, :width]
    sure_I = filled.category_confidence_I >= confidence
    category_I = np.where(
        (public.category_I < 0) & sure_I, filled.catalog.category_I, public.category_I
    )
    columns = {each.name: getattr(public, each.name) for each in fields(Catalog)}
    columns["category_I"] = category_I.astype(np.int32)
    if public.structured is not None:
        columns["structured"] = replace(structured, values_IV=packed_IV)
    return FilledCatalog(**columns, added_I=_added(public, values_IV, new_IV))


def _added(public: Catalog, values_IV: Ints, new_IV: NDArray[np.bool_]) -> Texts:
    """(I,) words of new values that an item's own texts do not have, each once."""
    names = values_of(public).value_names
    said = [words(name) for name in names]
    added_I = np.full(len(public), "", object)
    item_F, column_F = np.nonzero(new_IV)
    extra: dict[int, dict[str, None]] = {}
    for item, value in zip(item_F.tolist(), values_IV[item_F, column_F].tolist(), strict=True):
        extra.setdefault(item, {}).update(dict.fromkeys(said[value]))
    for item, found in extra.items():
        own = {*words(public.title_I[item]), *words(public.description_I[item])}
        added_I[item] = " ".join(word for word in found if word not in own)
    return added_I
