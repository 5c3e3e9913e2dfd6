"""What a suggester is: it gives texts that a shopper may want to ask next."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recall.steps.lists import check_lists
from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.protocols import Requests


@dataclass(frozen=True)
class Suggestions:
    """Texts for B moments, K of each at most.

    Attributes:
        text_BK: int32 index into `texts`, distinct, best first, -1 padded on the right, never the
            text asked.
        scores_BK: float32, finite, non-increasing; 0 on padding.
        texts: what `text_BK` points into, as of `Rewrites`.
    """

    text_BK: Ints
    scores_BK: NDArray[np.float32]
    texts: tuple[str, ...]


@runtime_checkable
class Suggester(Protocol):
    """Gives texts of the log. All state comes from `fit`; see `Rewriter` for which texts."""

    name: str

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """Learn from the public catalogue, a past log, and parts that were fitted before."""

    def suggest(self, requests: Requests, most: int) -> Suggestions:
        """At most `most` texts; `text_B` is -1 before the first query of a session.

        A pure function of each request.
        """


def validate_suggestions(found: object, requests: Requests, most: int) -> None:
    """Check what a suggester returned.

    Raises:
        ContractError: with place, value found and value wanted.
    """
    if not isinstance(found, Suggestions):
        raise ContractError(f"suggest() == {type(found).__name__}, must be Suggestions")
    text, scores = ("text_BK", found.text_BK), ("scores_BK", found.scores_BK)
    check_lists("suggest()", text, scores, found.texts, requests, most)
