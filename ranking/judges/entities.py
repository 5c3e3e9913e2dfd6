"""A judge by entities: what each entity of an item says of a text, and soft logic over them.

After EBRM (arXiv 2307.00370): a network tells of a text and one entity whether the entity
satisfies, contradicts or does not matter; `ranking.judges.logic` makes a relevance of it, and
ordinal cuts make grades of that. What is not public (inputs, logic, training) is ours: the network
reads hashed vectors of both sides and the words that they share; it learns from verdicts on
category and brand where annotators gave any, and from grades through the logic. What is clicked in
a log may teach it before (`ranking.judges.preferences`). The item's words are one more entity, by
the share of the text's words among them; it never contradicts. A missing attribute is neutral.

What a text and an entity say is computed once for each such pair of a batch, of which there are far
fewer than texts and items, and may be overruled: see `EntityJudge.overrule`.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ranking.judges.explaining import verdicts_of
from ranking.judges.itementities import SLOTS, TYPES, ItemEntities
from ranking.judges.logic import Logic
from ranking.judges.networkjudge import NetworkJudge
from ranking.judges.networks import CONTRADICTED, NEUTRAL, SATISFIED, EntityNetwork
from recall.arrays import Ragged
from recall.judge import GRADES, Floats, PairVerdicts
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ConfigError
from simulator.protocols import Requests


class EntityJudge(NetworkJudge[EntityNetwork]):
    """Grades by entities; see the module.

    Args:
        name: of the judge.
        logic: of relevance.
        pretraining: passes over what is clicked in the log, before annotations.
    """

    def __init__(
        self, name: str = "entities", logic: Logic = "product", pretraining: int = 0
    ) -> None:
        super().__init__(name, pretraining)
        self._logic: Logic = logic
        self._overruled: dict[str, tuple[float, float]] = {}

    def _pieces(self, catalog: Catalog) -> ItemEntities:
        return ItemEntities.of(catalog)

    def _new(self, generator: torch.Generator) -> EntityNetwork:
        return EntityNetwork(generator, self._logic)

    def _facts(
        self,
        asked: tuple[Ragged, NDArray[np.int32]],
        text_K: NDArray[np.integer],
        piece_K: NDArray[np.integer],
        covered_K: Floats | None = None,
    ) -> Floats:
        """(K, F): the item's words are an entity of their own, so no other reads their share."""
        shared_K2 = self._entities.overlaps(*asked, text_K, piece_K)
        kind_KT = np.eye(len(TYPES), dtype=np.float32)[self._entities.type_E[piece_K]]
        return np.concatenate([shared_K2, kind_KT], axis=1)

    def overrule(self, entity: str, *, satisfied: float, contradicted: float) -> None:
        """Say what an entity says of every text, in place of the network.

        Args:
            entity: its name, such as that of a brand.
            satisfied, contradicted: 0 to 1, at most 1 together.

        Raises:
            ConfigError: no item has such an entity, or these are no chances.
        """
        if entity not in self._entities.names:
            raise ConfigError(f"entity == {entity!r}, must be a category, brand or value of items")
        if min(satisfied, contradicted) < 0 or satisfied + contradicted > 1:
            raise ConfigError(
                f"satisfied, contradicted == {satisfied:g}, {contradicted:g}, "
                "must be 0 to 1, at most 1 together"
            )
        self._overruled[entity] = satisfied, contradicted

    def says(self, requests: Requests, entity_BM: Ints) -> Floats:
        """(B, M, 3) chances that entities satisfy, contradict, do not matter; zeros for -1."""
        text_BD, known, count_B = self._texts(requests, self._read)
        row_BM = np.broadcast_to(np.arange(len(requests))[:, None], entity_BM.shape)
        there_BM = entity_BM >= 0
        # Requests of one text ask the same of an entity.
        _, first_U, text_B = np.unique(requests.text_B, return_index=True, return_inverse=True)
        size = len(self._entities.names)
        key = text_B[row_BM[there_BM]].astype(np.int64) * size + entity_BM[there_BM]
        pair, where = np.unique(key, return_inverse=True)
        text_K, entity_K = first_U[pair // size], pair % size
        said_K3 = self._said(text_BD, known, count_B, text_K, entity_K)
        out = np.zeros((*entity_BM.shape, 3), np.float32)
        out[there_BM] = said_K3[where]
        return out

    def _said(
        self,
        text_BD: Floats,
        known: Ragged,
        count_B: NDArray[np.int32],
        text_K: NDArray[np.int64],
        entity_K: NDArray[np.int64],
    ) -> Floats:
        """(K, 3) what K pairs of a text and an entity say."""
        facts_KF = self._facts((known, count_B), text_K, entity_K)
        with torch.no_grad():
            said = self._network.read(
                torch.from_numpy(text_BD[text_K]),
                torch.from_numpy(self._piece_ED[entity_K]),
                torch.from_numpy(facts_KF),
            )
        said_K3: Floats = said.exp().numpy()
        for name, (satisfied, contradicted) in self._overruled.items():
            hit_K = np.array(self._entities.names)[entity_K] == name
            said_K3[hit_K] = satisfied, contradicted, 1 - satisfied - contradicted
        return said_K3

    def grades(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, 4) probability of each grade; zeros on padding."""
        return self._graded(requests, items_BN, self._of_items(requests, items_BN))

    def verdicts(self, requests: Requests, items_BN: Ints) -> PairVerdicts:
        """What its category, its brand and its values likeliest say of the text, for each item."""
        said_BNM3 = self._of_items(requests, items_BN)
        likeliest_BNM = np.where(said_BNM3.any(axis=-1), said_BNM3.argmax(axis=-1), NEUTRAL)
        grades_BNG = self._graded(requests, items_BN, said_BNM3)
        satisfied, contradicted = likeliest_BNM == SATISFIED, likeliest_BNM == CONTRADICTED
        return verdicts_of(satisfied, contradicted, grades_BNG, items_BN >= 0)

    def _of_items(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, M, 3) what the entities of each item say; zeros where there is none."""
        entity_BNM = self._entities.entity_IM[np.maximum(items_BN, 0)]
        entity_BNM = np.where((items_BN >= 0)[..., None], entity_BNM, -1)
        flat = entity_BNM.reshape(len(items_BN), items_BN.shape[1] * len(SLOTS))
        return self.says(requests, flat).reshape(*items_BN.shape, len(SLOTS), 3)

    def _graded(self, requests: Requests, items_BN: Ints, said_BNM3: Floats) -> Floats:
        """`grades`, of what the items' entities say."""
        held_BN = items_BN >= 0
        said = said_BNM3.reshape(-1, len(SLOTS), 3)
        covered_BN, _ = self._words(requests, items_BN)
        with torch.no_grad():
            covered_P = torch.from_numpy(covered_BN.reshape(-1))
            found = self._network.joined(torch.from_numpy(said), covered_P)
        grades_BNG = found.numpy().reshape(*items_BN.shape, GRADES)
        return np.where(held_BN[..., None], grades_BNG, 0.0).astype(np.float32)
