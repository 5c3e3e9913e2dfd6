"""The control that repeats the log's own pairs."""

import numpy as np

from recall.augmenting.augmentation import Synthetic
from recall.augmenting.settings import RepeatSpec
from recall.steps.owntexts import asked_texts
from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History


class RepeatAugmentation:
    """Every pair of a text and an item that was clicked after it, by how often."""

    def __init__(self, spec: RepeatSpec | None = None, name: str = "repeat") -> None:
        self.name = name

    def pairs(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> Synthetic:
        """The clicked pairs."""
        texts, _, row_R = asked_texts(history)
        clicked_X = history.clicked_X.astype(bool)
        text_F = row_R[history.row_X[clicked_X]].astype(np.int64)
        pair_F = text_F * len(catalog) + history.item_X[clicked_X]
        pair_P, times_P = np.unique(pair_F, return_counts=True)
        text_P, item_P = np.divmod(pair_P, len(catalog))
        return Synthetic(
            texts, text_P.astype(np.int32), item_P.astype(np.int32), times_P.astype(np.float32)
        )
