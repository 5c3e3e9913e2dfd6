"""A logistic classifier of each attribute, that says how sure it is or that it does not know.

It learns from cells of items, each an item and an attribute. A published cell is to be told by the
rest of its item: its own value is never read, and in half of the cells the words of the value are
dropped from title and description, so that a model does not only copy. A cell that is not published
is `unknown`, whether the item has such a value or not.

How sure a guess is comes from models of other items (5 folds), see
`recall.understanding.fillers.sureness`: a shop is taken to leave values out by chance. Categories
are guessed first, likewise, but for `unknown`: every item has one. Where no values are published,
they alone are guessed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from recall.texts.words import item_texts
from recall.understanding.cells import (
    Cells,
    Flags,
    Longs,
    applicable,
    missing_cells,
    on_sale,
    published_cells,
)
from recall.understanding.filled import NO_GUESSES, Filled, Guesses, values_of, with_guesses
from recall.understanding.fillers.calibration import Doubles, fit_rising
from recall.understanding.fillers.hashed import ItemFeatures
from recall.understanding.fillers.lessons import FOLDS, Classes, Lessons, Reader
from recall.understanding.fillers.softmax import Read, Rows
from recall.understanding.fillers.sureness import Sureness
from recall.understanding.named import Names
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History

_HALLUCINATED = 0.3  # chance below which a cell that words do not tell is no lesson
_RIDGE, _RIDGE_CATEGORY = 10.0, 1.0  # chosen on another catalogue than that of the documentation
_MOST_ITEMS = 50_000  # that teach


class LinearUnderstanding:
    """Fills what a classifier is sure of; see the module.

    Args:
        hallucination_filter: leave out training cells whose value is told neither by words nor by
            a model of other items with a chance above 0.3 (PUMGPT, arXiv 2308.09568).
        corrections: guess published cells, too, as if they were missing, and put another value in
            their place.

    Attributes:
        corrects: whether published values may be replaced.
    """

    def __init__(self, *, hallucination_filter: bool = False, corrections: bool = False) -> None:
        self._filter, self.corrects = hallucination_filter, corrections

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn from items on sale by the end of the log."""
        structured, attributes = values_of(catalog), len(values_of(catalog).attributes)
        leaves = [path.rpartition(">")[2].strip() for path in catalog.categories]
        self._names, self._leaves = Names(structured.value_names), Names(leaves)
        self._classes = Classes.of(structured.attribute_W.astype(np.int64), attributes)
        # The category is one more attribute, behind the others.
        self._category = Classes.of(np.full(len(leaves), attributes), attributes + 1)
        taught = np.flatnonzero(on_sale(catalog, history))
        if len(taught) > _MOST_ITEMS:
            taught = np.sort(rng.choice(taught, _MOST_ITEMS, replace=False))
        fold_I = rng.integers(0, FOLDS, len(catalog))
        self._learn_categories(catalog, taught, fold_I, rng)
        self._tells_values = attributes > 0
        if self._tells_values:
            category_I, _ = self._category_of(catalog)
            self._learn_values(catalog, taught, category_I, fold_I, rng)

    def _learn_categories(
        self, catalog: Catalog, taught: Longs, fold_I: Longs, rng: np.random.Generator
    ) -> None:
        item_F = taught[catalog.category_I[taught] >= 0]
        cells = self._category_cells(item_F, catalog.category_I[item_F].astype(np.int64))
        lessons = Lessons.of(
            self._category_reader(catalog), cells, self._category, ridge=_RIDGE_CATEGORY, rng=rng
        )
        read = lessons.read_by_others(fold_I[item_F], rng)
        self._category_share = fit_rising(_log_odds(read), read.best_N == cells.value_F)
        self._category_model = lessons.learned(np.ones(len(item_F), np.bool_), rng)

    def _category_cells(self, item_F: Longs, category_F: Longs) -> Cells:
        last = len(self._category.size_A) - 1
        return Cells(item_F, np.full(len(item_F), last), category_F)

    def _category_reader(self, catalog: Catalog) -> Reader:
        features = ItemFeatures.of(catalog, catalog.category_I)
        texts = item_texts(catalog, description=True)
        return Reader(features, texts, self._leaves, self._category)

    def _reader(self, catalog: Catalog, category_I: Ints) -> Reader:
        features = ItemFeatures.of(catalog, category_I)
        return Reader(features, item_texts(catalog, description=True), self._names, self._classes)

    def _learn_values(
        self,
        catalog: Catalog,
        taught: Longs,
        category_I: Ints,
        fold_I: Longs,
        rng: np.random.Generator,
    ) -> None:
        taught_I = np.zeros(len(catalog), np.bool_)
        taught_I[taught] = True
        told = published_cells(catalog)
        told = told.rows(taught_I[told.item_F])
        attributes = len(self._classes.size_A)
        self._applicable_CA = applicable(told, category_I, len(catalog.categories), attributes)
        known_I = np.where(taught_I, category_I, -1)
        cells = told.followed_by(missing_cells(told, known_I, self._applicable_CA))
        lessons = Lessons.of(
            self._reader(catalog, category_I), cells, self._classes, ridge=_RIDGE, rng=rng
        )
        fold_F, kept_F = fold_I[cells.item_F], np.ones(len(cells), np.bool_)
        read = lessons.read_by_others(fold_F, rng)
        if self._filter:
            kept_F = ~self._hallucinated(catalog, cells, read)
            read = lessons.read_by_others(fold_F, rng, kept_F)
        self._dropped, self._cells = int((~kept_F).sum()), len(told)
        self._surely = Sureness.of(
            _signs(lessons.whole, read), cells.value_F >= 0, read.best_N == lessons.target_F
        )
        self._model = lessons.learned(kept_F, rng)

    def _hallucinated(self, catalog: Catalog, cells: Cells, read: Read) -> Flags:
        """(F,) published cells that neither words nor a model of other items tell."""
        item_E, value_E = self._names.found(item_texts(catalog, description=True))
        size = len(self._names.names)
        told_F = np.isin(cells.item_F * size + cells.value_F, item_E * size + value_E)
        chance_F = np.exp(read.target_logp_N) / np.maximum(1 - np.exp(read.unknown_logp_N), 1e-9)
        return np.asarray((cells.value_F >= 0) & ~told_F & (chance_F <= _HALLUCINATED))

    def fill(self, catalog: Catalog) -> Filled:
        """The likeliest value of every missing cell, and the likeliest category."""
        category_I, sure_I = self._category_of(catalog)
        if not self._tells_values:
            return with_guesses(catalog, NO_GUESSES, category_I, sure_I.astype(np.float32))
        told, reader = published_cells(catalog), self._reader(catalog, category_I)
        cells = missing_cells(told, category_I, self._applicable_CA)
        value_F, sure_F = self._guessed(reader, cells)
        sure_F = sure_F * np.where(catalog.category_I >= 0, 1, sure_I)[cells.item_F]
        guesses = Guesses(cells.item_F, value_F, sure_F)
        filled = with_guesses(catalog, guesses, category_I, sure_I.astype(np.float32))
        return self._corrected(filled, reader, told) if self.corrects else filled

    def report(self) -> Mapping[str, Any]:
        """How many cells taught, how many the filter has dropped, and the published share."""
        if not self._tells_values:
            return {}
        return {
            "cells": self._cells,
            "hallucinated": self._dropped,
            "published": round(self._surely.published, 4),
        }

    def _guessed(self, reader: Reader, cells: Cells) -> tuple[Longs, Doubles]:
        """(F,) likeliest values of cells and their chances, as if all of them were missing."""
        rows = reader(cells)
        read = self._model.read(rows, np.zeros(len(cells), np.int64))
        sure_F = self._surely(_signs(rows, read))
        return self._classes.codes(cells.attribute_F, read.best_N), sure_F

    def _corrected(self, filled: Filled, reader: Reader, told: Cells) -> Filled:
        """Another value where it would be filled if the published one were missing."""
        value_F, sure_F = self._guessed(reader, told)
        structured = values_of(filled.catalog)
        values_IV, confidence_IV = structured.values_IV.copy(), filled.confidence_IV.copy()
        place_F = np.arange(len(told)) - np.searchsorted(told.item_F, told.item_F)
        other = value_F != told.value_F
        at = told.item_F[other], place_F[other]
        values_IV[at], confidence_IV[at] = value_F[other], sure_F[other]
        structured = replace(structured, values_IV=values_IV)
        catalog = replace(filled.catalog, structured=structured)
        return replace(filled, catalog=catalog, confidence_IV=confidence_IV)

    def _category_of(self, catalog: Catalog) -> tuple[Ints, Doubles]:
        """(I,) category of each item, published or guessed; (I,) chance that a guess is right."""
        category_I, sure_I = catalog.category_I.copy(), np.zeros(len(catalog))
        item_F = np.flatnonzero(category_I < 0)
        if len(item_F) and len(self._leaves.names):
            cells = self._category_cells(item_F, np.full(len(item_F), -1, np.int64))
            rows = self._category_reader(catalog)(cells)
            read = self._category_model.read(rows, np.zeros(len(item_F), np.int64))
            category_I[item_F] = read.best_N
            sure_I[item_F] = self._category_share(_log_odds(read))
        return category_I, sure_I


def _signs(rows: Rows, read: Read) -> Doubles:
    """(N, S) what tells that a guess is right: chances, and whether texts name it or another."""
    row_E = np.repeat(np.arange(len(read.best_N)), rows.named.lengths)
    same_E = rows.named.values == read.best_N[row_E]
    same_N = np.bincount(row_E[same_E], minlength=len(read.best_N)) > 0
    other_N = np.bincount(row_E[~same_E], minlength=len(read.best_N)) > 0
    best_N, unknown_N = read.best_logp_N, read.unknown_logp_N
    one_N = np.ones(len(read.best_N))
    columns = (one_N, best_N, unknown_N, same_N, other_N, same_N * best_N, same_N * unknown_N)
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def _log_odds(read: Read) -> Doubles:
    return np.asarray(read.best_logp_N - np.log1p(-np.minimum(np.exp(read.best_logp_N), 1 - 1e-9)))
