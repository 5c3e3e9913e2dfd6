"""What a query rewriter is: it gives other wordings of the texts of requests."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recall.steps.lists import check_lists, refuse
from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.protocols import Requests


@dataclass(frozen=True)
class Rewrites:
    """Other wordings of B requests, R of each at most.

    Attributes:
        text_BR: int32 index into `texts`, distinct, best first, -1 padded on the right, never the
            text asked.
        scores_BR: float32 in (0, 1], non-increasing: how far a wording may be trusted. 0 on
            padding.
        texts: what `text_BR` points into: the requests' own tuple, the very same object, unless
            new wordings were written; then that tuple with the new ones behind it, made once.
    """

    text_BR: Ints
    scores_BR: NDArray[np.float32]
    texts: tuple[str, ...]

    @classmethod
    def none(cls, requests: Requests) -> "Rewrites":
        """No wording for any request."""
        text_BR = np.full((len(requests), 0), -1, np.int32)
        return cls(text_BR, np.zeros(text_BR.shape, np.float32), requests.texts)


@runtime_checkable
class Rewriter(Protocol):
    """Gives other wordings. All state comes from `fit`.

    Its texts are those that its history holds requests of, or are made of the catalogue; texts
    that nobody has asked yet are in `history.texts`, too, and are not to be read.
    """

    name: str

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """Learn from the public catalogue, a past log, and parts that were fitted before."""

    def rewrite(self, requests: Requests, most: int) -> Rewrites:
        """At most `most` wordings; a pure function of each request between two refreshes."""


def validate_rewrites(found: object, requests: Requests, most: int) -> None:
    """Check what a rewriter returned.

    Raises:
        ContractError: with place, value found and value wanted.
    """
    if not isinstance(found, Rewrites):
        raise ContractError(f"rewrite() == {type(found).__name__}, must be Rewrites")
    text, scores = ("text_BR", found.text_BR), ("scores_BR", found.scores_BR)
    check_lists("rewrite()", text, scores, found.texts, requests, most)
    unsure_BR = (found.text_BR >= 0) & ~((found.scores_BR > 0) & (found.scores_BR <= 1))
    refuse(scores, unsure_BR, "be above 0 and at most 1")
