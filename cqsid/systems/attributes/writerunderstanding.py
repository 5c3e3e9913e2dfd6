"""A catalogue step that writes: the text part of PUMGPT (arXiv 2308.09568, version 1).

It is asked for an attribute of an item and writes the value, or `unknown`; it may write values of
this attribute alone. It learns from published cells, whose own value it does not see and in half of
which the words of the value are dropped from title and description, and from as many cells that are
not published, whose answer is `unknown`. Categories are a second task of the same model, told
first, and the only one where no values are published. The paper's images, captions and corrections
are not here; its filter of hallucinations is the linear step's.

How sure a guess is comes from a tenth of the items, which the model does not learn from: see
`recall.understanding.fillers.sureness`.

Axis suffixes: F cells, R answers, S signs.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from cqsid.systems.attributes.questions import ATTRIBUTE, CATEGORY, UNKNOWN, Answers, Items, leaves
from cqsid.systems.attributes.settings import WriterUnderstandingSpec
from cqsid.systems.writer.lessons import Lessons
from cqsid.systems.writer.writer import TextWriter
from recall.texts.words import item_texts
from recall.understanding.cells import (
    Cells,
    applicable,
    missing_cells,
    on_sale,
    published_cells,
)
from recall.understanding.filled import Filled, Guesses, values_of, with_guesses
from recall.understanding.fillers.calibration import Doubles, fit_rising
from recall.understanding.fillers.lessons import DROPPED
from recall.understanding.fillers.sureness import Sureness
from recall.understanding.named import Names
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History

_HELD_OUT: Final = 10  # one of so many items tells how sure guesses are
_MOST_ITEMS: Final = 20_000  # that teach
_CHUNK: Final = 4096  # cells asked together: bounds memory
_LEAST: Final = -50.0  # log chance


class WriterUnderstanding:
    """Fills what it writes surely; see the module.

    Args:
        spec: settings.
    """

    def __init__(self, spec: WriterUnderstandingSpec | None = None) -> None:
        self._spec = spec or WriterUnderstandingSpec()

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn from items on sale by the end of the log."""
        structured, attributes = values_of(catalog), len(values_of(catalog).attributes)
        taught = np.flatnonzero(on_sale(catalog, history))
        if len(taught) > _MOST_ITEMS:
            taught = np.sort(rng.choice(taught, _MOST_ITEMS, replace=False))
        taught_I, held_I = np.zeros((2, len(catalog)), np.bool_)
        taught_I[taught] = True
        held_I[rng.permutation(taught)[: len(taught) // _HELD_OUT]] = True
        self._names = Names(structured.value_names)
        self._answers = [
            Answers.of([structured.value_names[code] for code in codes], codes, unknown=True)
            for codes in (np.flatnonzero(structured.attribute_W == a) for a in range(attributes))
        ]
        leaf_C = leaves(catalog)
        self._categories = Answers.of(leaf_C, np.arange(len(leaf_C)), unknown=False)
        told = published_cells(catalog)
        told = told.rows(taught_I[told.item_F])
        self._applicable_CA = applicable(
            told, catalog.category_I, len(catalog.categories), attributes
        )
        known_I = np.where(taught_I, catalog.category_I, -1)
        missing = missing_cells(told, known_I, self._applicable_CA)
        items = Items(catalog, catalog.category_I)
        self._writer = TextWriter(self._spec.writer)
        self._writer.fit(self._lessons(items, told, missing, taught_I & ~held_I, rng), rng=rng)
        self._learn_sureness(items, told, missing, held_I)

    def _lessons(
        self,
        items: Items,
        told: Cells,
        missing: Cells,
        learned_I: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> dict[str, Lessons]:
        """Values and categories of the items that are learned from."""
        structured, leaf_C = values_of(items.catalog), leaves(items.catalog)
        told, missing = (each.rows(learned_I[each.item_F]) for each in (told, missing))
        some = rng.permutation(len(missing))[: len(told)]
        cells = told.followed_by(missing.rows(np.sort(some)))
        dropped_F = (rng.random(len(cells)) < DROPPED) & (cells.value_F >= 0)
        names = [*structured.value_names, UNKNOWN]
        category_I = items.catalog.category_I
        item_F = np.flatnonzero(learned_I & (category_I >= 0))
        sets = {
            ATTRIBUTE: _questions(
                [structured.attributes[attribute] for attribute in cells.attribute_F.tolist()],
                items.about_values(cells, dropped_F),
                [names[value] for value in cells.value_F.tolist()],
            ),
            CATEGORY: _questions(
                [CATEGORY] * len(item_F),
                items.about_categories(item_F),
                [leaf_C[category] for category in category_I[item_F].tolist()],
            ),
        }
        return {task: lessons for task, lessons in sets.items() if len(lessons)}

    def _learn_sureness(
        self, items: Items, told: Cells, missing: Cells, held_I: NDArray[np.bool_]
    ) -> None:
        """From items that the writer has not learned from."""
        cells = told.rows(held_I[told.item_F]).followed_by(missing.rows(held_I[missing.item_F]))
        value_F, signs_FS = self._guessed(items, cells)
        self._surely = Sureness.of(signs_FS, cells.value_F >= 0, value_F == cells.value_F)
        item_F = np.flatnonzero(held_I & (items.catalog.category_I >= 0))
        category_F, logp_F = self._category_of(items, item_F)
        right_F = category_F == items.catalog.category_I[item_F]
        self._category_share = fit_rising(logp_F, right_F)

    def fill(self, catalog: Catalog) -> Filled:
        """The likeliest value of every missing cell, and the likeliest category."""
        category_I, sure_I = catalog.category_I.copy(), np.zeros(len(catalog))
        item_F = np.flatnonzero(category_I < 0)
        category_F, logp_F = self._category_of(Items(catalog, category_I), item_F)
        category_I[item_F], sure_I[item_F] = category_F, self._category_share(logp_F)
        items, told = Items(catalog, category_I), published_cells(catalog)
        cells = missing_cells(told, category_I, self._applicable_CA)
        value_F, signs_FS = self._guessed(items, cells)
        sure_F = self._surely(signs_FS)
        sure_F = sure_F * np.where(catalog.category_I >= 0, 1, sure_I)[cells.item_F]
        kept = value_F >= 0
        guesses = Guesses(cells.item_F[kept], value_F[kept], sure_F[kept])
        return with_guesses(catalog, guesses, category_I, sure_I.astype(np.float32))

    def report(self) -> Mapping[str, Any]:
        """The published share of values, if any are, and the loss at the end of training."""
        told = {"published": round(self._surely.published, 4)} if self._answers else {}
        return told | {"loss": round(self._writer.losses[-1], 4)}

    def _guessed(self, items: Items, cells: Cells) -> tuple[NDArray[np.int64], Doubles]:
        """(F,) the likeliest value of each cell, and (F, S) what tells that it is right.

        Published cells are asked as if they were missing. -1 where an attribute has no value that
        can be written.
        """
        attributes = values_of(items.catalog).attributes
        about = items.about_values(cells, np.zeros(len(cells), np.bool_))
        value_F = np.full(len(cells), -1, np.int64)
        best_F, unknown_F = np.full((2, len(cells)), _LEAST)
        for attribute, answers in enumerate(self._answers):
            rows = np.flatnonzero(cells.attribute_F == attribute)
            if not len(rows) or len(answers.texts) < 2:
                continue
            told = [about[row] for row in rows.tolist()]
            logp_FR = self._chances(ATTRIBUTE, attributes[attribute], told, answers)
            best = logp_FR[:, :-1].argmax(axis=1)
            value_F[rows] = answers.code_R[best]
            best_F[rows] = logp_FR[np.arange(len(rows)), best]
            unknown_F[rows] = logp_FR[:, -1]
        named_F = self._named(items.catalog, cells.item_F, value_F)
        columns = np.ones(len(cells)), best_F, unknown_F, named_F, named_F * best_F
        return value_F, np.stack([np.asarray(each, np.float64) for each in columns], axis=1)

    def _named(
        self, catalog: Catalog, item_F: NDArray[np.int64], value_F: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """(F,) whether an item's texts have all words of a value."""
        item_E, value_E = self._names.found(item_texts(catalog, description=True))
        size = len(self._names.names) + 1
        return np.isin(item_F * size + value_F, item_E * size + value_E)

    def _category_of(self, items: Items, item_F: NDArray[np.int64]) -> tuple[Ints, Doubles]:
        """(F,) the likeliest category of items, and its log chance."""
        if not len(item_F) or not len(self._categories.texts):
            return np.full(len(item_F), -1, np.int32), np.full(len(item_F), _LEAST)
        about = items.about_categories(item_F)
        logp_FR = self._chances(CATEGORY, CATEGORY, about, self._categories)
        best = logp_FR.argmax(axis=1)
        return self._categories.code_R[best].astype(np.int32), logp_FR[np.arange(len(best)), best]

    def _chances(self, task: str, question: str, about: list[str], answers: Answers) -> Doubles:
        """(F, R) log chance of every answer, given that it is one of them; at least `_LEAST`."""
        if task not in self._writer.vocabulary.tasks:  # nothing taught it
            return np.full((len(about), len(answers.texts)), -np.log(len(answers.texts)))
        allowed, number = self._writer.trie(answers.texts), len(answers.texts)
        out_FR = np.full((len(about), number), _LEAST)
        for start in range(0, len(about), _CHUNK):
            some = about[start : start + _CHUNK]
            asked = [question] * len(some)
            found = self._writer.write(task, asked, number, among=allowed, about=some)
            row_BR, logp_BR = found.text_BR, found.logp_BR.astype(np.float64)
            logp_BR = logp_BR - logsumexp(logp_BR, axis=1, keepdims=True)
            at = np.nonzero(row_BR >= 0)
            out_FR[start + at[0], row_BR[at]] = np.maximum(logp_BR[at], _LEAST)
        return out_FR


def _questions(questions: list[str], about: list[str], answers: list[str]) -> Lessons:
    """Lessons of texts, each of which is kept once."""
    row_of: dict[str, int] = {}
    question_P, about_P, answer_P = (
        np.array([row_of.setdefault(text, len(row_of)) for text in texts], np.int32)
        for texts in (questions, about, answers)
    )
    return Lessons(tuple(row_of), question_P, about_P, answer_P, np.ones(len(answers)))
