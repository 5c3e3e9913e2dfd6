"""The simplest judge: an ordinal logistic regression on how text and item agree.

It reads what a shop has at hand: how well the words match, in which categories the words and the
clicks of a text lie, which brand it names, and whether the item has its numbers. Other judges are
compared with it. Without annotated pairs it learns from clicks: what was clicked is of the best
grade and what was shown and not clicked of none, each counted by the inverse of its chance to be
shown, which is not what people would say but all that a log tells. It learns from the second half
of the log then, with what the first half remembers of clicks: memory of the very clicks that it
learns from would look better there than it is.
"""

import copy

import numpy as np
from numpy.typing import NDArray

from ranking.facts.categories import QueryCategories
from ranking.facts.memory import QueryMemory
from ranking.facts.querywords import QueryWords
from ranking.features import text_scorer
from ranking.judges.ordinal import Ordinal, fit_ordinal
from recall.channel import PairScorer
from recall.judge import GRADES, Floats, expected_grade, requests_of
from simulator.annotations.pairs import BEST_GRADE, Annotations
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Requests

INPUTS = ("words", "coverage", "numbers", "brand", "category", "clicked_category", "clicked_item")
_MOST_CLICKS = 100_000  # exposures that teach, where nothing was annotated
MOST_WEIGHT = 20.0
"""Of what was seldom shown, in exposures that are always shown."""
_TILE = 4_096  # pairs
_LEAST_SPREAD = 1e-6


class LogisticJudge:
    """Grades by seven inputs; see the module.

    Attributes:
        model: what was learned; None before `fit`.
    """

    def __init__(self, name: str = "logistic") -> None:
        self.name = name
        self.model: Ordinal | None = None

    def fit(
        self,
        catalog: Catalog,
        history: History,
        annotations: Annotations,
        *,
        rng: np.random.Generator,
    ) -> None:
        """Learn from annotated pairs; where there are none, from clicks."""
        self._inputs = Agreement(catalog, QueryMemory(catalog, history), rng)
        if len(annotations):
            annotations.check(len(catalog))
            texts, text_P, item_P = annotations.texts, annotations.text_J, annotations.item_J
            grade_P, weight_P = annotations.grade_J.astype(np.int64), None
            inputs_PF = self._inputs.of_pairs(texts, text_P, item_P)
        else:
            middle = float(np.median(history.at_R)) if len(history.at_R) else 0.0
            rows = np.flatnonzero(history.at_R[history.row_X] >= middle)
            if len(rows) > _MOST_CLICKS:
                rows = np.sort(rng.choice(rows, _MOST_CLICKS, replace=False))
            text_P, item_P = history.text_R[history.row_X[rows]], history.item_X[rows]
            grade_P = np.where(history.clicked_X[rows], BEST_GRADE, 0)
            weight_P = np.minimum(1 / history.propensity_X[rows].astype(np.float64), MOST_WEIGHT)
            earlier = self._inputs.remembering(QueryMemory(catalog, history.before(middle)))
            inputs_PF = earlier.of_pairs(history.texts, text_P, item_P)
        if not len(inputs_PF):  # nobody has told or shown anything: every grade is as likely
            self._scale_F = np.ones(len(INPUTS))
            self.model = Ordinal(np.zeros(len(INPUTS)), -np.log([3.0, 1.0, 1 / 3]))
            return
        self._scale_F = np.maximum(inputs_PF.std(axis=0), _LEAST_SPREAD)
        self.model = fit_ordinal(inputs_PF / self._scale_F, grade_P, weight_P, grades=GRADES)

    def grades(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, 4) probability of each grade; zeros on padding."""
        assert self.model is not None, "fit first"
        inputs_BNF = self._inputs(requests, items_BN)
        flat_PF = inputs_BNF.reshape(-1, len(INPUTS)) / self._scale_F
        grades_BNG = self.model.chances(flat_PF).reshape(*items_BN.shape, GRADES)
        return np.where(items_BN[..., None] >= 0, grades_BNG, 0.0).astype(np.float32)

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) expected grade / 3, 0 on padding."""
        return expected_grade(self.grades(requests, items_BN))


class Agreement:
    """How a text and an item agree, in `INPUTS`."""

    def __init__(self, catalog: Catalog, memory: QueryMemory, rng: np.random.Generator) -> None:
        self._text: PairScorer = text_scorer(catalog, rng=rng)
        self._words = QueryWords(catalog)
        self._numbers = self._words.numbers()
        self._categories = QueryCategories(catalog)
        self._memory = memory
        self._category_I = catalog.category_I

    def remembering(self, memory: QueryMemory) -> "Agreement":
        """The same with another memory of clicks."""
        other = copy.copy(self)
        other._memory = memory
        return other

    def __call__(self, requests: Requests, items_BN: Ints) -> NDArray[np.float64]:
        """(B, N, F); arbitrary on padding."""
        covered_BN, named_BN = self._words(requests, items_BN)
        numbers_BN, _ = self._numbers(requests, items_BN)
        item_BN, category_BN, _ = self._memory(requests, items_BN)
        columns = (
            self._text.pair_scores(requests, items_BN),
            covered_BN,
            numbers_BN,
            named_BN,
            self._categories.matched(requests, self._category_I, items_BN),
            category_BN,
            item_BN,
        )
        return np.stack([column.astype(np.float64) for column in columns], axis=2)

    def of_pairs(self, texts: tuple[str, ...], text_P: Ints, item_P: Ints) -> NDArray[np.float64]:
        """(P, F) of pairs."""
        parts = [np.zeros((0, len(INPUTS)))]
        asked = requests_of(texts, text_P)
        for start in range(0, len(text_P), _TILE):
            some = slice(start, start + _TILE)
            parts.append(self(asked.rows(some), item_P[some][:, None].astype(np.int32))[:, 0])
        return np.concatenate(parts)
