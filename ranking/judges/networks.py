"""Networks that read a text and a piece of an item: an entity, or all that the item is.

Both have the same size: hashed vectors, their product and difference, two layers, and ordinal cuts.
They differ in what becomes of pieces: soft logic, or nothing, for a whole item is one piece.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from ranking.judges.itementities import SLOTS, TYPES
from ranking.judges.logic import Logic, relevance

BUCKETS, DIMENSIONS, HIDDEN = 4_096, 24, 32
SATISFIED, CONTRADICTED, NEUTRAL = range(3)
_WORDS = len(TYPES)  # type of the entity that an item's words are
_STEEP = 4.0  # so that a step of training moves it as much as a chance of the network
_DROPPED = 0.8
_SHARED = 2  # shares of words that a text and a piece have in common


class PairNetwork(nn.Module, ABC):
    """What a text and a piece of an item say to each other, and the cuts between grades.

    Args:
        facts: numbers of a pair that are read beside the vectors.
        outputs: what is told of a pair.
        generator: luck of the first weights.
    """

    def __init__(self, facts: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.table = _undrawn(nn.EmbeddingBag, BUCKETS, DIMENSIONS, mode="mean")
        self.into = _undrawn(nn.Linear, 2 * DIMENSIONS + facts, HIDDEN)
        self.out = _undrawn(nn.Linear, HIDDEN, outputs)
        self.cuts = nn.Parameter(torch.tensor([1.0, 0.5, 0.5]))
        self.slope = nn.Parameter(torch.tensor(1.5))
        with torch.no_grad():
            self.table.weight.normal_(0.0, DIMENSIONS**-0.5, generator=generator)
            for layer in (self.into, self.out):
                layer.weight.normal_(0.0, layer.in_features**-0.5, generator=generator)
                layer.bias.zero_()

    def read(
        self,
        text_KD: Tensor,
        piece_KD: Tensor,
        facts_KF: Tensor,
        luck: torch.Generator | None = None,
    ) -> Tensor:
        """(K, O) what is told of pairs.

        With luck most of what vectors say is left out, so that shared words count, too: in
        training alone.
        """
        meant = torch.cat([text_KD * piece_KD, (text_KD - piece_KD).abs()], dim=1)
        if luck is not None:
            meant = meant * (torch.rand(meant.shape, generator=luck) >= _DROPPED) / (1 - _DROPPED)
        found: Tensor = self.out(F.relu(self.into(torch.cat([meant, facts_KF], dim=1))))
        return found

    @abstractmethod
    def grades(self, told_PMO: Tensor, there_PM: Tensor, covered_P: Tensor) -> Tensor:
        """(P, 4) chances of each grade.

        Args:
            told_PMO: of the pieces of an item, as of `read`.
            there_PM: where there is a piece.
            covered_P: share of the text's words among the item's.
        """

    @abstractmethod
    def preference(self, told_KO: Tensor) -> Tensor:
        """(K,) how much a text asks for a piece; differences are log odds."""

    def verdict_loss(self, told_PMO: Tensor, there_PM: Tensor, verdict_P2: Tensor) -> Tensor | None:
        """How unlikely what annotators say of category and brand is; None: it says nothing."""
        return None

    def graded(self, value_P: Tensor) -> Tensor:
        """(P, 4) chances of grades by how relevant items are."""
        cut_C = torch.cumsum(torch.cat([self.cuts[:1], F.softplus(self.cuts[1:])]), dim=0)
        above_PC = torch.sigmoid(self.slope.exp() * value_P[:, None] - cut_C)
        edged = F.pad(above_PC, (1, 0), value=1.0)
        return edged - F.pad(above_PC, (0, 1), value=0.0)


class EntityNetwork(PairNetwork):
    """Tells whether an entity satisfies a text, contradicts it, or does not matter.

    The facts of a pair are the shares of words in common, and the entity's type.
    """

    def __init__(self, generator: torch.Generator, logic: Logic) -> None:
        super().__init__(_SHARED + len(TYPES), 3, generator)
        self.covered = nn.Parameter(torch.tensor([0.0, -0.5]))
        self._logic: Logic = logic

    def read(
        self,
        text_KD: Tensor,
        piece_KD: Tensor,
        facts_KF: Tensor,
        luck: torch.Generator | None = None,
    ) -> Tensor:
        """(K, 3) logs of the chances that it satisfies, contradicts, and does not matter."""
        return F.log_softmax(super().read(text_KD, piece_KD, facts_KF, luck), dim=1)

    def grades(self, told_PMO: Tensor, there_PM: Tensor, covered_P: Tensor) -> Tensor:
        """(P, 4) chances of each grade; see the base."""
        return self.joined(told_PMO.exp() * there_PM[..., None], covered_P)

    def joined(self, chances_PM3: Tensor, covered_P: Tensor) -> Tensor:
        """(P, 4) chances of each grade, by the logic.

        Args:
            chances_PM3: that the entities of an item satisfy, contradict, or do not matter; zeros
                where there is none.
            covered_P: share of the text's words among the item's.
        """
        words_P = torch.sigmoid(_STEEP * (self.covered[0] * covered_P + self.covered[1]))
        sat_PM = torch.cat([chances_PM3[..., SATISFIED], words_P[:, None]], dim=1)
        con_PM = torch.cat(
            [chances_PM3[..., CONTRADICTED], torch.zeros_like(words_P)[:, None]], dim=1
        )
        return self.graded(relevance(sat_PM, con_PM, (*SLOTS, _WORDS), self._logic))

    def preference(self, told_KO: Tensor) -> Tensor:
        """(K,) log odds of satisfying to contradicting."""
        return told_KO[:, SATISFIED] - told_KO[:, CONTRADICTED]

    def verdict_loss(self, told_PMO: Tensor, there_PM: Tensor, verdict_P2: Tensor) -> Tensor | None:
        """What is said of the entities in the places of category and brand; see the base."""
        told = (verdict_P2 >= 0) & there_PM[:, :2]
        return F.nll_loss(told_PMO[:, :2][told], verdict_P2[told]) if told.any() else None


class JoinedNetwork(PairNetwork):
    """Tells how relevant an item is, at once: the control of soft logic.

    An item is one piece. The facts of a pair are the shares of words in common, and the share of
    the text's words among the item's.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__(_SHARED + 1, 1, generator)

    def grades(self, told_PMO: Tensor, there_PM: Tensor, covered_P: Tensor) -> Tensor:
        """(P, 4) chances of each grade; see the base."""
        return self.graded(told_PMO[:, 0, 0])

    def preference(self, told_KO: Tensor) -> Tensor:
        """(K,) how relevant items are."""
        return told_KO[:, 0]


def _undrawn(kind: type[nn.Module], *sizes: int, **options: Any) -> Any:
    """A layer whose weights are not drawn: their own luck would be torch's global one."""
    return skip_init(kind, *sizes, **options)  # type: ignore[no-untyped-call]
