"""A judge by entities: what each entity of an item says of a text, and soft logic over them.

After EBRM (arXiv 2307.00370): a network tells of a text and one entity whether the entity
satisfies, contradicts or does not matter; `ranking.judges.logic` makes a relevance of it, and
ordinal cuts make grades of that. What is not public (inputs, logic, training) is ours: the network
reads hashed vectors of both sides and the words that they share; it learns from verdicts on
category and brand where annotators gave any, and from grades through the logic. The item's words
are one more entity, by the share of the text's words among them; it never contradicts. A missing
attribute is neutral.

What a text and an entity say is computed once for each such pair of a batch, of which there are far
fewer than texts and items, and may be overruled: see `EntityJudge.overrule`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from ranking.facts.querywords import QueryWords
from ranking.judges.explaining import verdicts_of
from ranking.judges.itementities import SLOTS, TYPES, ItemEntities
from ranking.judges.logic import Logic, relevance
from recall.arrays import Ragged
from recall.device import one_thread
from recall.judge import GRADES, Floats, PairVerdicts, expected_grade, requests_of
from recall.texts.cache import TextCache
from recall.texts.features import TextFeatures
from simulator.annotations.pairs import UNSAID, Annotations, BrandVerdict, CategoryVerdict
from simulator.catalogue.catalog import Catalog, Ints
from simulator.curves import Curve
from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import Requests

BUCKETS, DIMENSIONS, HIDDEN = 4_096, 24, 32
SATISFIED, CONTRADICTED, NEUTRAL = range(3)
_WORDS = len(TYPES)  # type of the entity that an item's words are
_STEEP = 4.0  # so that a step of training moves it as much as a chance of the network
_VERDICTS = 0.5  # weight of what annotators say of category and brand
_EPOCHS, _BATCH, _RATE, _DECAY, _DROPPED = 12, 64, 5e-3, 1e-2, 0.8


class Network(nn.Module):
    """What a text and an entity say to each other, and the cuts between grades."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        width = 2 * DIMENSIONS + 2 + len(TYPES)
        self.table = _undrawn(nn.EmbeddingBag, BUCKETS, DIMENSIONS, mode="mean")
        self.into, self.out = _undrawn(nn.Linear, width, HIDDEN), _undrawn(nn.Linear, HIDDEN, 3)
        self.covered = nn.Parameter(torch.tensor([0.0, -0.5]))
        self.cuts = nn.Parameter(torch.tensor([1.0, 0.5, 0.5]))
        self.slope = nn.Parameter(torch.tensor(1.5))
        with torch.no_grad():
            self.table.weight.normal_(0.0, DIMENSIONS**-0.5, generator=generator)
            for layer in (self.into, self.out):
                layer.weight.normal_(0.0, layer.in_features**-0.5, generator=generator)
                layer.bias.zero_()

    def says(
        self,
        text_KD: Tensor,
        entity_KD: Tensor,
        shared_K2: Tensor,
        type_K: Tensor,
        luck: torch.Generator | None = None,
    ) -> Tensor:
        """(K, 3) log chances that an entity satisfies, contradicts, or does not matter.

        With luck most of what vectors say is left out, so that shared words count, too: in
        training alone.
        """
        kind_KT = F.one_hot(type_K, len(TYPES)).to(text_KD.dtype)
        meant = torch.cat([text_KD * entity_KD, (text_KD - entity_KD).abs()], dim=1)
        if luck is not None:
            meant = meant * (torch.rand(meant.shape, generator=luck) >= _DROPPED) / (1 - _DROPPED)
        inputs = torch.cat([meant, shared_K2, kind_KT], dim=1)
        return F.log_softmax(self.out(F.relu(self.into(inputs))), dim=1)

    def grades(self, chances_PM3: Tensor, covered_P: Tensor, logic: Logic) -> Tensor:
        """(P, 4) chances of each grade.

        Args:
            chances_PM3: that the entities of an item satisfy, contradict, or do not matter; zeros
                where there is none.
            covered_P: share of the text's words among the item's.
            logic: of relevance.
        """
        words_P = torch.sigmoid(_STEEP * (self.covered[0] * covered_P + self.covered[1]))
        sat_PM = torch.cat([chances_PM3[..., SATISFIED], words_P[:, None]], dim=1)
        con_PM = torch.cat(
            [chances_PM3[..., CONTRADICTED], torch.zeros_like(words_P)[:, None]], dim=1
        )
        value_P = relevance(sat_PM, con_PM, (*SLOTS, _WORDS), logic)
        cut_C = torch.cumsum(torch.cat([self.cuts[:1], F.softplus(self.cuts[1:])]), dim=0)
        above_PC = torch.sigmoid(self.slope.exp() * value_P[:, None] - cut_C)
        edged = F.pad(above_PC, (1, 0), value=1.0)
        return edged - F.pad(above_PC, (0, 1), value=0.0)


@dataclass(frozen=True)
class _Lessons:
    """Annotated pairs as the network reads them."""

    text_P: NDArray[np.int64]
    item_P: NDArray[np.int64]
    grade_P: NDArray[np.int64]
    verdict_P2: NDArray[np.int64]  # of category and brand; -1: nobody said
    covered_P: Floats


class EntityJudge:
    """Grades by entities; see the module.

    Args:
        name: of the judge.
        logic: of relevance.
    """

    def __init__(self, name: str = "entities", logic: Logic = "product") -> None:
        self.name, self._logic = name, logic
        self._texts = TextCache()
        self._overruled: dict[str, tuple[float, float]] = {}

    def fit(
        self,
        catalog: Catalog,
        history: History,
        annotations: Annotations,
        *,
        rng: np.random.Generator,
    ) -> None:
        """Learn from annotated pairs; the log is not read.

        Without annotations nothing is learned: it says what chance has it say, so settings refuse
        that.
        """
        annotations.check(len(catalog))
        self._entities = ItemEntities.of(catalog)
        self._words = QueryWords(catalog)
        self._texts.clear()
        self.__dict__.pop("_network", None)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = Network(generator)
        if len(annotations):
            with one_thread(), Curve("entities") as curve:
                self._train(network, annotations, rng, generator, curve)
        self._state = {
            name: value.detach().numpy().copy() for name, value in network.state_dict().items()
        }
        self._entity_ED = self._embedded(list(self._entities.names))

    def _train(
        self,
        network: Network,
        annotations: Annotations,
        rng: np.random.Generator,
        luck: torch.Generator,
        curve: Curve,
    ) -> None:
        entities = self._entities
        number, text_P = np.unique(annotations.text_J, return_inverse=True)
        texts = [annotations.texts[text] for text in number.tolist()]
        asked = requests_of(annotations.texts, annotations.text_J)
        covered_P1, _ = self._words(asked, annotations.item_J[:, None])
        lessons = _Lessons(
            text_P,
            annotations.item_J.astype(np.int64),
            annotations.grade_J.astype(np.int64),
            _verdicts(annotations),
            covered_P1[:, 0],
        )
        bags = [TextFeatures.of(some, BUCKETS).bags() for some in (texts, list(entities.names))]
        known, count_T = entities.asked(texts)
        optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
        step = 0
        for _ in range(_EPOCHS):
            order = rng.permutation(len(text_P))
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                entity_PM = entities.entity_IM[lessons.item_P[rows]].astype(np.int64)
                there_PM = entity_PM >= 0
                text_K = np.broadcast_to(lessons.text_P[rows][:, None], there_PM.shape)[there_PM]
                entity_K = entity_PM[there_PM]
                shared_K2 = entities.overlaps(known, count_T, text_K, entity_K)
                said_K3 = network.says(
                    network.table(*_bag(bags[0].take(text_K))),
                    network.table(*_bag(bags[1].take(entity_K))),
                    torch.from_numpy(shared_K2),
                    torch.from_numpy(entities.type_E[entity_K].astype(np.int64)),
                    luck,
                )
                said_PM3 = torch.zeros((*there_PM.shape, 3))
                said_PM3[torch.from_numpy(there_PM)] = said_K3
                there = torch.from_numpy(there_PM)
                covered = torch.from_numpy(lessons.covered_P[rows])
                chances_PM3 = said_PM3.exp() * there[..., None]
                grades = network.grades(chances_PM3, covered, self._logic)
                grade = torch.from_numpy(lessons.grade_P[rows])
                loss = F.nll_loss(grades.clamp(min=1e-6).log(), grade)
                verdict = torch.from_numpy(lessons.verdict_P2[rows])
                told = (verdict >= 0) & there[:, :2]
                if told.any():
                    loss = loss + _VERDICTS * F.nll_loss(said_PM3[:, :2][told], verdict[told])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                step += 1
                curve.tell(step, {"train/loss": loss.detach()})

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
        shared_K2 = self._entities.overlaps(known, count_B, text_K, entity_K)
        with torch.no_grad():
            said = self._network.says(
                torch.from_numpy(text_BD[text_K]),
                torch.from_numpy(self._entity_ED[entity_K]),
                torch.from_numpy(shared_K2),
                torch.from_numpy(self._entities.type_E[entity_K].astype(np.int64)),
            )
        said_K3: Floats = said.exp().numpy()
        for name, (satisfied, contradicted) in self._overruled.items():
            hit_K = np.array(self._entities.names)[entity_K] == name
            said_K3[hit_K] = satisfied, contradicted, 1 - satisfied - contradicted
        return said_K3

    @cached_property
    def _network(self) -> Network:
        """The network of the kept weights."""
        network = Network(torch.Generator())
        network.load_state_dict({n: torch.from_numpy(v) for n, v in self._state.items()})
        return network

    def __getstate__(self) -> dict[str, object]:
        """What is kept: weights as arrays, and no network."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

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
            found = self._network.grades(torch.from_numpy(said), covered_P, self._logic)
        grades_BNG = found.numpy().reshape(*items_BN.shape, GRADES)
        return np.where(held_BN[..., None], grades_BNG, 0.0).astype(np.float32)

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) expected grade / 3, 0 on padding."""
        return expected_grade(self.grades(requests, items_BN))


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


def _undrawn(kind: type[nn.Module], *sizes: int, **options: Any) -> Any:
    """A layer whose weights are not drawn: their own luck would be torch's global one."""
    return skip_init(kind, *sizes, **options)  # type: ignore[no-untyped-call]


def _bag(lists: Ragged) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(lists.values.astype(np.int64)), torch.from_numpy(lists.pointer[:-1])
