"""The rewriter that rewrites nothing: the floor of every comparison."""

import numpy as np

from recall.rewriting.rewriter import Rewrites
from recall.rewriting.settings import IdentitySpec
from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Requests


class IdentityRewriter:
    """Has no wording for any text."""

    def __init__(self, spec: IdentitySpec | None = None, name: str = "identity") -> None:
        self.name = name

    def fit(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> None:
        """There is nothing to learn."""

    def rewrite(self, requests: Requests, most: int) -> Rewrites:
        """No wordings."""
        return Rewrites.none(requests)
