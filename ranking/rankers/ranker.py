"""What a ranker is, and the one that leaves the candidates as they are merged."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ranking.examples import Examples
from ranking.features import FeatureSet
from recall.candidates import Pool
from simulator.protocols import Requests

Floats = NDArray[np.float32]


@runtime_checkable
class Ranker(Protocol):
    """Scores candidates. All state comes from `fit` and, optionally, `refresh(index, arm)`.

    Between two refreshes the score of a candidate may depend on its request and its pool, not on
    the other requests of the batch.
    """

    name: str

    def fit(self, examples: Examples, *, rng: np.random.Generator) -> None:
        """Learn from past exposures."""

    def score(self, requests: Requests, pool: Pool) -> Floats:
        """(B, N) float32, higher is better, -inf on padding."""


@runtime_checkable
class Prescoring(Protocol):
    """A ranker that can also say, at little cost, which candidates are worth its full score."""

    def prescore(self, requests: Requests, pool: Pool) -> Floats | None:
        """(B, N) as of `Ranker.score`; None where it has nothing to say."""


@runtime_checkable
class Settling(Protocol):
    """A ranker that learns at last from all examples, with luck in nothing but how long.

    So several trainings on the same examples can take that from one.
    """

    def settled(self, examples: Examples) -> object | None:
        """What all trainings can take it from, as data; None where there is nothing to learn."""

    def settle_by(self, settled: object) -> None:
        """In the next `fit`, take it from what `settled` gave; what is learned stays the same."""


class MergeOrderRanker:
    """Leaves the candidates in the order of the merge; the ranker of a shop without a log."""

    name = "merge_order"

    def __init__(self, features: FeatureSet | None = None) -> None:
        """Made like any ranker; it has no use for features."""

    def fit(self, examples: Examples, *, rng: np.random.Generator) -> None:
        """Nothing to learn."""

    def score(self, requests: Requests, pool: Pool) -> Floats:
        """(B, N) minus the column, -inf on padding."""
        columns_N = np.arange(pool.items_BN.shape[1], dtype=np.float32)
        return np.where(pool.items_BN >= 0, -columns_N, np.float32(-np.inf))
