"""What judges with a network of pairs share: how it learns, what is kept, and what it reads.

First, where settings say so, from a log: the pieces of clicked items are preferred to those of
skipped ones (`ranking.judges.preferences`). Then from annotated pairs, `-log P(grade)`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ranking.facts.querywords import QueryWords
from ranking.judges.itementities import ItemEntities
from ranking.judges.networks import (
    BUCKETS,
    CONTRADICTED,
    DIMENSIONS,
    NEUTRAL,
    SATISFIED,
    PairNetwork,
)
from ranking.judges.preferences import preferences
from recall.arrays import Ragged
from recall.device import one_thread
from recall.judge import Floats, expected_grade, requests_of
from recall.texts.cache import TextCache
from recall.texts.features import TextFeatures
from simulator.annotations.pairs import UNSAID, Annotations, BrandVerdict, CategoryVerdict
from simulator.catalogue.catalog import Catalog, Ints
from simulator.curves import Curve
from simulator.log.history import History
from simulator.protocols import Requests

_VERDICTS = 0.5  # weight of what annotators say of category and brand
_EPOCHS, _BATCH, _RATE, _DECAY = 12, 64, 5e-3, 1e-2
_PREFERENCES = 512  # of a batch


AnyNetwork = TypeVar("AnyNetwork", bound=PairNetwork)


class NetworkJudge(ABC, Generic[AnyNetwork]):
    """A judge whose network reads a text and the pieces of an item.

    Args:
        name: of the judge.
        pretraining: passes over the preferences of the log before annotations; 0: no log is read.
    """

    def __init__(self, name: str, pretraining: int = 0) -> None:
        self.name, self._pretraining = name, pretraining
        self._texts = TextCache()

    @abstractmethod
    def _pieces(self, catalog: Catalog) -> ItemEntities:
        """What the items are made of."""

    @abstractmethod
    def _new(self, generator: torch.Generator) -> AnyNetwork:
        """A network that has learned nothing."""

    @abstractmethod
    def _facts(
        self,
        asked: tuple[Ragged, NDArray[np.int32]],
        text_K: NDArray[np.integer],
        piece_K: NDArray[np.integer],
        covered_K: Floats,
    ) -> Floats:
        """(K, F) the numbers of pairs that are read beside vectors.

        Args:
            asked: of texts, as of `ItemEntities.asked`.
            text_K, piece_K: pairs.
            covered_K: share of the text's words among those of the piece's item.
        """

    @abstractmethod
    def grades(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, 4) probability of each grade; zeros on padding."""

    def fit(
        self,
        catalog: Catalog,
        history: History,
        annotations: Annotations,
        *,
        rng: np.random.Generator,
    ) -> None:
        """Learn from the log, if settings say so, and from annotated pairs.

        Without annotations no grade is learned: it says what chance has it say, so settings refuse
        that.
        """
        annotations.check(len(catalog))
        self._entities = self._pieces(catalog)
        self._words = QueryWords(catalog)
        self._texts.clear()
        self.__dict__.pop("_network", None)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = self._new(generator)
        with one_thread():
            if self._pretraining:
                self._prefer(network, history, rng.spawn(1)[0])
            if len(annotations):
                self._train(network, annotations, rng, generator)
        self._state = {
            name: value.detach().numpy().copy() for name, value in network.state_dict().items()
        }
        self._piece_ED = self._embedded(list(self._entities.names))

    def _prefer(self, network: PairNetwork, history: History, rng: np.random.Generator) -> None:
        """Pieces of clicked items before those of skipped ones; luck is its own."""
        found = preferences(self._entities.entity_IM, history, rng)
        if not len(found):
            return
        luck = torch.Generator().manual_seed(int(rng.integers(2**63)))
        asked = requests_of(found.texts, found.text_J)
        sides = [(found.better_J, found.better_item_J), (found.worse_J, found.worse_item_J)]
        covered = [self._words(asked, item_J[:, None])[0][:, 0] for _, item_J in sides]
        lessons = _Lessons.of(self._entities, found.texts, found.text_J)
        optimizer = _optimizer(network)
        with Curve("clicks") as curve:
            for step, rows in enumerate(_batches(len(found), _PREFERENCES, self._pretraining, rng)):
                text_K = lessons.text_P[rows]
                better_K, worse_K = (
                    network.preference(
                        self._told(network, lessons, luck, text_K, piece_J[rows], covered_J[rows])
                    )
                    for (piece_J, _), covered_J in zip(sides, covered, strict=True)
                )
                weight_K = torch.from_numpy(found.weight_J[rows])
                loss = -(weight_K * F.logsigmoid(better_K - worse_K)).mean()
                _stepped(optimizer, loss)
                curve.tell(step + 1, {"train/loss": loss.detach()})

    def _train(
        self,
        network: PairNetwork,
        annotations: Annotations,
        rng: np.random.Generator,
        luck: torch.Generator,
    ) -> None:
        lessons = _Lessons.of(self._entities, annotations.texts, annotations.text_J)
        asked = requests_of(annotations.texts, annotations.text_J)
        covered_P = self._words(asked, annotations.item_J[:, None])[0][:, 0]
        grade_P, verdict_P2 = annotations.grade_J.astype(np.int64), _verdicts(annotations)
        optimizer = _optimizer(network)
        with Curve("entities") as curve:
            for step, rows in enumerate(_batches(len(annotations), _BATCH, _EPOCHS, rng)):
                piece_PM = self._entities.entity_IM[annotations.item_J[rows]]
                there_PM = piece_PM >= 0
                pair_K = rows[np.nonzero(there_PM)[0]]
                pairs = lessons.text_P[pair_K], piece_PM[there_PM], covered_P[pair_K]
                told_KO = self._told(network, lessons, luck, *pairs)
                there = torch.from_numpy(there_PM)
                told_PMO = torch.zeros((*there_PM.shape, told_KO.shape[1]))
                told_PMO[there] = told_KO
                grades = network.grades(told_PMO, there, torch.from_numpy(covered_P[rows]))
                grade = torch.from_numpy(grade_P[rows])
                loss = F.nll_loss(grades.clamp(min=1e-6).log(), grade)
                verdict = torch.from_numpy(verdict_P2[rows])
                said = network.verdict_loss(told_PMO, there, verdict)
                if said is not None:
                    loss = loss + _VERDICTS * said
                _stepped(optimizer, loss)
                curve.tell(step + 1, {"train/loss": loss.detach()})

    def _told(
        self,
        network: PairNetwork,
        lessons: "_Lessons",
        luck: torch.Generator,
        text_K: NDArray[np.integer],
        piece_K: NDArray[np.integer],
        covered_K: Floats,
    ) -> Tensor:
        """(K, O) what a network that learns tells of pairs."""
        facts_KF = self._facts(lessons.asked, text_K, piece_K, covered_K)
        return network.read(
            network.table(*_bag(lessons.texts.take(text_K))),
            network.table(*_bag(lessons.pieces.take(piece_K))),
            torch.from_numpy(facts_KF),
            luck,
        )

    def _embedded(self, texts: list[str]) -> Floats:
        """(T, D) mean vector of each text's features; zeros for a text without a word."""
        bags = TextFeatures.of(texts, BUCKETS).bags()
        table = self._state["table.weight"]
        out_TD = np.zeros((len(texts), DIMENSIONS), np.float32)
        held = bags.lengths > 0
        if held.any():
            sums = np.add.reduceat(table[bags.values], bags.pointer[:-1][held], axis=0)
            out_TD[held] = sums / bags.lengths[held, None]
        return out_TD

    def _read(self, texts: list[str]) -> tuple[Floats, Ragged, NDArray[np.int32]]:
        known, count_T = self._entities.asked(texts)
        return self._embedded(texts), known, count_T

    @cached_property
    def _network(self) -> AnyNetwork:
        """The network of the kept weights."""
        network = self._new(torch.Generator())
        network.load_state_dict({n: torch.from_numpy(v) for n, v in self._state.items()})
        return network

    def __getstate__(self) -> dict[str, object]:
        """What is kept: weights as arrays, and no network."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) expected grade / 3, 0 on padding."""
        return expected_grade(self.grades(requests, items_BN))


@dataclass(frozen=True)
class _Lessons:
    """Texts and pieces as a network that learns reads them.

    Attributes:
        text_P: row of each pair's text among those that are read.
        asked: of these texts, as of `ItemEntities.asked`.
        texts, pieces: features of texts and of pieces.
    """

    text_P: NDArray[np.int64]
    asked: tuple[Ragged, NDArray[np.int32]]
    texts: Ragged
    pieces: Ragged

    @classmethod
    def of(cls, pieces: ItemEntities, texts: tuple[str, ...], text_P: Ints) -> "_Lessons":
        number, row_P = np.unique(text_P, return_inverse=True)
        told = [texts[text] for text in number.tolist()]
        bags = (TextFeatures.of(some, BUCKETS).bags() for some in (told, list(pieces.names)))
        return cls(row_P, pieces.asked(told), *bags)


def _batches(
    size: int, batch: int, epochs: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Rows of each batch; every epoch has an order of its own."""
    for _ in range(epochs):
        order = rng.permutation(size)
        yield from (order[start : start + batch] for start in range(0, size, batch))


def _optimizer(network: PairNetwork) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)


def _stepped(optimizer: torch.optim.AdamW, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _verdicts(annotations: Annotations) -> NDArray[np.int64]:
    """(P, 2) what annotators say of category and brand, as the network says it; -1: nothing."""
    category = np.full(len(annotations), UNSAID, np.int64)
    category[annotations.category_J == CategoryVerdict.SAME] = SATISFIED
    category[annotations.category_J == CategoryVerdict.OTHER] = CONTRADICTED
    brand = np.full(len(annotations), UNSAID, np.int64)
    brand[annotations.brand_J == BrandVerdict.SAME] = SATISFIED
    brand[annotations.brand_J == BrandVerdict.OTHER] = CONTRADICTED
    brand[annotations.brand_J == BrandVerdict.NOT_ASKED] = NEUTRAL
    return np.stack([category, brand], axis=1)


def _bag(lists: Ragged) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(lists.values.astype(np.int64)), torch.from_numpy(lists.pointer[:-1])
