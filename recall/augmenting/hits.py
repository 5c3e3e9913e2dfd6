"""Pairs of rare texts and what a search finds for them."""

import numpy as np

from recall.augmenting.augmentation import Synthetic
from recall.augmenting.settings import HitsSpec, LexicalHitsSpec, SelfHitsSpec
from recall.channel import Channel
from recall.classic.lexical import LexicalChannel
from recall.steps.owntexts import asked_texts
from recall.steps.tools import Tools
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Requests

_BATCH = 1_024


class HitsAugmentation:
    """Texts that were asked and hardly clicked, each with the first items of a channel.

    The first item weighs 1, the one of rank r 1 / r.
    """

    def __init__(self, spec: HitsSpec | None = None, name: str = "lexical") -> None:
        self.name = name
        self._spec = spec or LexicalHitsSpec()

    def pairs(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> Synthetic:
        """The pairs of rare texts."""
        spec = self._spec
        texts, _, row_R = asked_texts(history)
        clicked_X = history.clicked_X.astype(bool)
        clicks_T = np.bincount(row_R[history.row_X[clicked_X]], minlength=len(texts))
        rare_U = np.flatnonzero(clicks_T < spec.fewest_clicks)
        asked = Requests.of_texts(tuple(texts[row] for row in rare_U.tolist()))
        channel = self._channel(catalog, tools, rng)
        items_UN = np.full((len(rare_U), spec.items), -1, np.int32)
        for start in range(0, len(rare_U), _BATCH):
            some = slice(start, start + _BATCH)
            found = call(f"{channel.name}: recall()", channel.recall, asked.rows(some), spec.items)
            items_UN[some, : found.items_BN.shape[1]] = found.items_BN
        if spec.permuted:
            items_UN = items_UN[rng.permutation(len(rare_U))]
        row_P, rank_P = np.nonzero(items_UN >= 0)
        return Synthetic(
            asked.texts,
            row_P.astype(np.int32),
            items_UN[row_P, rank_P],
            (1 / (1 + rank_P)).astype(np.float32),
        )

    def _channel(self, catalog: Catalog, tools: Tools, rng: np.random.Generator) -> Channel:
        """Who is asked: a channel of the run, or the words alone."""
        if isinstance(self._spec, SelfHitsSpec):
            return tools.channels[self._spec.channel]
        lexical = LexicalChannel()
        lexical.fit(catalog, History.empty(), rng=rng)
        return lexical
