"""The control of soft logic: a plain network of two layers on the joined words of an item.

It has the size, the features and the training of `ranking.judges.entities`. What an item's entities
are called is one text, and no entity is told from another: so nothing can be explained or
overruled, and what annotators say of category and brand teaches it nothing.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ranking.judges.itementities import ItemEntities
from ranking.judges.networkjudge import NetworkJudge
from ranking.judges.networks import JoinedNetwork
from recall.arrays import Ragged
from recall.judge import GRADES, Floats
from simulator.catalogue.catalog import Catalog, Ints
from simulator.protocols import Requests


class JoinedJudge(NetworkJudge[JoinedNetwork]):
    """Grades whole items; see the module."""

    def __init__(self, name: str = "joined", pretraining: int = 0) -> None:
        super().__init__(name, pretraining)

    def _pieces(self, catalog: Catalog) -> ItemEntities:
        return ItemEntities.of(catalog).joined()

    def _new(self, generator: torch.Generator) -> JoinedNetwork:
        return JoinedNetwork(generator)

    def _facts(
        self,
        asked: tuple[Ragged, NDArray[np.int32]],
        text_K: NDArray[np.integer],
        piece_K: NDArray[np.integer],
        covered_K: Floats,
    ) -> Floats:
        shared_K2 = self._entities.overlaps(*asked, text_K, piece_K)
        return np.concatenate([shared_K2, covered_K[:, None]], axis=1)

    def grades(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, 4) probability of each grade; zeros on padding."""
        held_BN = items_BN >= 0
        text_BD, known, count_B = self._texts(requests, self._read)
        row_P = np.broadcast_to(np.arange(len(requests))[:, None], held_BN.shape)[held_BN]
        item_P, covered_P = items_BN[held_BN], self._words(requests, items_BN)[0][held_BN]
        facts_PF = self._facts((known, count_B), row_P, item_P, covered_P)
        with torch.no_grad():
            told_PO = self._network.read(
                torch.from_numpy(text_BD[row_P]),
                torch.from_numpy(self._piece_ED[item_P]),
                torch.from_numpy(facts_PF),
            )
            found_PG = self._network.graded(told_PO[:, 0])
        grades_BNG = np.zeros((*items_BN.shape, GRADES), np.float32)
        grades_BNG[held_BN] = found_PG.numpy()
        return grades_BNG
