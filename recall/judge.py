"""What a relevance judge is: it grades an item for a text, 0 (of no use) to 3 (what was asked)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simulator.annotations.pairs import BEST_GRADE, Annotations
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import Requests

Floats = NDArray[np.float32]

GRADES = BEST_GRADE + 1
_ROUNDING = 1e-6  # of chances that sum to one


@runtime_checkable
class Judge(Protocol):
    """Grades pairs. All state comes from `fit`; a pair's grade depends on its text and item alone.

    A judge is a scorer of pairs, so rankers may read it, and stress sets try it.
    """

    name: str

    def fit(
        self,
        catalog: Catalog,
        history: History,
        annotations: Annotations,
        *,
        rng: np.random.Generator,
    ) -> None:
        """Learn from annotated pairs, and where there are none, from what the log shows."""

    def grades(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, 4) probability of each grade; zeros on padding (item -1)."""

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) `expected_grade` / 3, 0 on padding."""


@dataclass(frozen=True)
class PairVerdicts:
    """Why B requests' items have their grades, in the words of annotators.

    Attributes:
        category_BN, brand_BN, values_BN: int8 codes of `CategoryVerdict`, `BrandVerdict` and
            `ValuesVerdict`; -1 on padding.
        grade_BN: int8, the likeliest grade; -1 on padding.
    """

    category_BN: NDArray[np.int8]
    brand_BN: NDArray[np.int8]
    values_BN: NDArray[np.int8]
    grade_BN: NDArray[np.int8]


@runtime_checkable
class Explaining(Protocol):
    """A judge that can say why."""

    def verdicts(self, requests: Requests, items_BN: Ints) -> PairVerdicts:
        """What it thinks of the items' category, brand and values; `grade_BN` is as of `grades`."""


def requests_of(texts: Sequence[str], text_P: NDArray[np.integer]) -> Requests:
    """One request of an unknown shopper for each pair, each distinct text read once.

    Args:
        texts: what `text_P` points into.
        text_P: text of each pair.
    """
    number_U, row_P = np.unique(text_P, return_inverse=True)
    distinct = Requests.of_texts(tuple(texts[number] for number in number_U.tolist()))
    return distinct.rows(row_P)


def tiers(grades_BNG: Floats, threshold: float) -> NDArray[np.int8]:
    """(B, N) the lowest grade that is not exceeded with this chance.

    One number in place of a threshold for each grade: the tiers by cumulative probability of TaoSR1
    (CumPT, arXiv 2508.12365). That they are taken from the lowest grade up is inferred. A greater
    threshold lowers no pair's tier; 0.5 gives the median grade.

    Args:
        grades_BNG: chances of each grade.
        threshold: above 0, at most 1.

    Raises:
        ConfigError: a threshold outside this range.
    """
    if not 0 < threshold <= 1:
        raise ConfigError(f"threshold == {threshold}, must be > 0 and <= 1")
    reached_BNG = np.cumsum(grades_BNG.astype(np.float64), axis=-1) >= threshold - _ROUNDING
    return np.asarray(reached_BNG.argmax(axis=-1), np.int8)


def expected_grade(grades_BNG: Floats) -> Floats:
    """(B, N) mean grade over the best one, 0 to 1."""
    weight_G = np.arange(GRADES, dtype=np.float32) / np.float32(BEST_GRADE)
    return np.asarray(grades_BNG @ weight_G, np.float32)
