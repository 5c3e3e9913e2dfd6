"""What a classifier of cells learns from, and what models of other items say of each cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recall.arrays import Ragged
from recall.understanding.cells import Cells, Flags, Longs
from recall.understanding.fillers.hashed import ItemFeatures
from recall.understanding.fillers.softmax import Read, Rows, Softmax, fit_softmax
from recall.understanding.named import Names

FOLDS = 5
DROPPED = 0.5
"""Share of told cells in which the words of the value are dropped."""


@dataclass(frozen=True)
class Classes:
    """The values of each attribute as numbers from 0, with `unknown` behind them.

    Attributes:
        attribute_W: attribute of each value.
        size_A: classes of each attribute, `unknown` among them.
        number_W: number of each value within its attribute.
        code_W: values by attribute and number.
        first_A: where in `code_W` those of an attribute begin.
    """

    attribute_W: Longs
    size_A: Longs
    number_W: Longs
    code_W: Longs
    first_A: Longs

    @staticmethod
    def of(attribute_W: Longs, attributes: int) -> "Classes":
        """From the attribute of each value."""
        count_A = np.bincount(attribute_W, minlength=attributes)
        first_A = np.cumsum(count_A) - count_A
        code_W = np.argsort(attribute_W, kind="stable")
        number_W = np.empty(len(code_W), np.int64)
        number_W[code_W] = np.arange(len(code_W)) - np.repeat(first_A, count_A)
        return Classes(attribute_W, count_A + 1, number_W, code_W, first_A)

    def targets(self, cells: Cells) -> Longs:
        """(F,) class of each cell."""
        unknown_F = self.size_A[cells.attribute_F] - 1
        return np.where(cells.value_F >= 0, self.number_W[cells.value_F], unknown_F)

    def codes(self, attribute_F: Longs, number_F: Longs) -> Longs:
        """(F,) code of the value of a number."""
        return np.asarray(self.code_W[self.first_A[attribute_F] + number_F], np.int64)


class Reader:
    """What is known of the cells of some items.

    Args:
        features: of the items.
        texts: of the items, in which values may be named.
        names: of all values.
        classes: of each attribute.
    """

    def __init__(
        self, features: ItemFeatures, texts: Sequence[str], names: Names, classes: Classes
    ) -> None:
        self._features, self._names, self._classes = features, names, classes
        item_E, value_E = names.found(texts)
        attribute_E = classes.attribute_W[value_E]
        self._wide = len(classes.size_A)
        key_E = item_E * self._wide + attribute_E
        order_E = np.argsort(key_E, kind="stable")
        self._key_E, self._number_E = key_E[order_E], classes.number_W[value_E][order_E]

    def __call__(self, cells: Cells, dropped_F: Longs | None = None) -> Rows:
        """Rows of cells.

        Args:
            cells: of the items.
            dropped_F: value whose words a cell is not to read, -1: it reads all.
        """
        gone_F = np.full(len(cells), -1, np.int64) if dropped_F is None else dropped_F
        key_F = cells.item_F * self._wide + cells.attribute_F
        first_F, last_F = (np.searchsorted(self._key_E, key_F, side) for side in ("left", "right"))
        row_E = np.repeat(np.arange(len(cells)), last_F - first_F)
        start_F = np.cumsum(last_F - first_F) - (last_F - first_F)
        number_E = self._number_E[np.arange(len(row_E)) - (start_F - first_F)[row_E]]
        lost_E = gone_F[row_E] >= 0
        lost_E &= self._classes.number_W[gone_F[row_E]] == number_E
        pointer = np.zeros(len(cells) + 1, np.int64)
        np.cumsum(np.bincount(row_E[~lost_E], minlength=len(cells)), out=pointer[1:])
        features = self._features.of_cells(cells, gone_F, self._names.names)
        return Rows(cells.attribute_F, features, Ragged(number_E[~lost_E], pointer))


@dataclass(frozen=True)
class Lessons:
    """F cells as they are read, and as they are read in training.

    Attributes:
        target_F: class of each.
        whole: with all that is known of them.
        lessened: without the words of the value in a half of the cells that have one.
        size_A: classes of each attribute.
        ridge: as of `fit_softmax`.
    """

    target_F: Longs
    whole: Rows
    lessened: Rows
    size_A: Longs
    ridge: float

    @staticmethod
    def of(
        reader: Reader,
        cells: Cells,
        classes: Classes,
        *,
        ridge: float,
        rng: np.random.Generator,
    ) -> "Lessons":
        """Lessons of cells, told ones and missing ones.

        Args:
            reader: of their items.
            cells: the cells.
            classes: of all attributes.
            ridge: as of `fit_softmax`.
            rng: decides which cells are told without the words of their values.
        """
        dropped_F = np.where(rng.random(len(cells)) < DROPPED, cells.value_F, -1)
        lessened = reader(cells, dropped_F)
        return Lessons(classes.targets(cells), reader(cells), lessened, classes.size_A, ridge)

    def learned(self, kept_F: Flags, rng: np.random.Generator) -> Softmax:
        """A model of some of the cells."""
        rows = np.flatnonzero(kept_F)
        lessened, target_F = self.lessened.take(rows), self.target_F[rows]
        return fit_softmax(lessened, target_F, self.size_A, ridge=self.ridge, rng=rng)

    def read_by_others(
        self, fold_F: Longs, rng: np.random.Generator, kept_F: Flags | None = None
    ) -> Read:
        """What models of other folds say of every cell, with all of its words.

        Args:
            fold_F: 0 to `FOLDS` - 1; cells of one item are of one fold.
            rng: luck of the trainings.
            kept_F: cells that teach; None: all.
        """
        teach_F = np.ones(len(fold_F), np.bool_) if kept_F is None else kept_F
        best_F, logp_F3 = np.zeros(len(fold_F), np.int64), np.zeros((len(fold_F), 3))
        for fold in range(FOLDS):
            asked = np.flatnonzero(fold_F == fold)
            model = self.learned(teach_F & (fold_F != fold), rng)
            read = model.read(self.whole.take(asked), self.target_F[asked])
            parts = read.best_logp_N, read.unknown_logp_N, read.target_logp_N
            best_F[asked], logp_F3[asked] = read.best_N, np.stack(parts, axis=1)
        return Read(best_F, *logp_F3.T)
