"""The training of the residual-quantised autoencoder: batches, losses, moving codebooks."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.tokenizer.quantize import contrast
from cqsid.tokenizer.quantize.autoencoder import Autoencoder
from cqsid.tokenizer.quantize.codebook import (
    Codebook,
    Quantised,
    cluster_partners,
    first_codebook,
    quantise,
    squared_distances,
    starting_codes,
    straight_through,
)
from cqsid.tokenizer.quantize.rqvaespec import RqvaeSpec
from cqsid.tokenizer.signals import Floats
from recall.arrays import Ragged
from recall.device import one_thread, resolve_device
from simulator.catalogue.catalog import Ints
from simulator.curves import Curve

logger = logging.getLogger(__name__)
_CHUNK: Final = 2048  # items compared with all codes at once, bounds memory
_CODES_PER_CLUSTER: Final = 26  # of LETTER's diversity: 256 codes in 10 clusters


class LoggedPairs:
    """P pairs of N items (by row) and Q queries: draws a query of each item, and tells pairs.

    Args:
        item_P, query_P: row of the item and of the query of each distinct pair.
        weight_P: how often it occurred, > 0.
        n_items, n_queries: N and Q.
    """

    def __init__(
        self, item_P: Ints, query_P: Ints, weight_P: NDArray[np.float64], *, sizes: tuple[int, int]
    ) -> None:
        n_items, n_queries = sizes
        order_P = np.lexsort((query_P, item_P))
        self._query_P = query_P[order_P].astype(np.int64)
        self._total_P = np.cumsum(weight_P[order_P])
        self._first_N = _pointer(item_P, n_items)
        order_P = np.lexsort((item_P, query_P))
        self._items_Q = Ragged(item_P[order_P].astype(np.int32), _pointer(query_P, n_queries))
        self._place_N = np.full(n_items, -1)

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """(N,) for every item one of its queries, drawn by weight; -1 for an item without."""
        first_N, last_N = self._first_N[:-1], self._first_N[1:]
        total_P = np.concatenate([[0.0], self._total_P])
        low_N, high_N = total_P[first_N], total_P[last_N]
        at_N = low_N + rng.random(len(first_N)) * (high_N - low_N)
        pair_N = np.searchsorted(self._total_P, at_N, side="right")
        pair_N = np.clip(pair_N, first_N, last_N - 1)  # rounding may step over an item's end
        query_P = np.append(self._query_P, -1)
        return np.where(last_N > first_N, query_P[pair_N], -1)

    def among(self, items_B: NDArray[np.int64], query_B: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B, B) whether query b and item c were logged together; items are distinct."""
        pair_BB = np.zeros((len(query_B), len(items_B)), np.bool_)
        rows = np.flatnonzero(query_B >= 0)
        logged = self._items_Q.take(query_B[rows])
        self._place_N[items_B] = np.arange(len(items_B))
        column_M = self._place_N[logged.values]
        self._place_N[items_B] = -1
        row_M = np.repeat(rows, logged.lengths)
        pair_BB[row_M[column_M >= 0], column_M[column_M >= 0]] = True
        return pair_BB


def _pointer(row_P: Ints, rows: int) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(row_P, minlength=rows))]).astype(np.int64)


@dataclass(frozen=True)
class Learnable:
    """What N items teach.

    Attributes:
        item_ND: text vectors.
        category_N: category, -1 where unknown; all -1 if it shall not be the first code.
        class_N: category for the soft losses, -1 where unknown.
        categories: how many first codes are kept for categories.
        query_QD: text vectors of the queries.
        pairs: which queries led to which items.
        partner_NE: collaborative vectors as long as a latent; zeros where there is none.
    """

    item_ND: Floats
    category_N: NDArray[np.int64]
    class_N: NDArray[np.int64]
    categories: int
    query_QD: Floats
    pairs: LoggedPairs
    partner_NE: Floats


class Training:
    """Trains one autoencoder with its codebooks.

    Attributes:
        model: encoder and decoder.
        books: a codebook for each level.
    """

    def __init__(
        self,
        spec: RqvaeSpec,
        sizes: tuple[int, ...],
        learnable: Learnable,
        rng: np.random.Generator,
    ) -> None:
        self._spec, self._pairs, self._rng = spec, learnable.pairs, rng
        self._device = resolve_device(spec.device)
        self._generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        dims = learnable.item_ND.shape[1]
        self.model = Autoencoder(dims, spec.hidden, spec.latent, self._generator).to(self._device)
        self._item_ND = self._tensor(learnable.item_ND)
        self._category_N = self._tensor(learnable.category_N)
        self._class_N = self._tensor(learnable.class_N)
        # A row more, so that query -1, none, is a row as well.
        self._query_QD = self._tensor(np.pad(learnable.query_QD, ((0, 1), (0, 0))))
        self._partner_NE = self._tensor(learnable.partner_NE)
        self._contrasts = spec.contrast != "none" and len(learnable.query_QD) > 0
        with one_thread(), torch.no_grad():
            self.books = self._starting_books(sizes, learnable.categories)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def _starting_books(self, sizes: tuple[int, ...], categories: int) -> list[Codebook]:
        latent_NE = self.model.encoder(self._item_ND)
        code_KE, free_K, price_K = first_codebook(
            latent_NE, self._category_N, sizes[0], categories, self._generator
        )
        books = [self._book(code_KE, free_K, price_K)]
        for size in sizes[1:]:
            parts = zip(
                torch.split(latent_NE, _CHUNK), torch.split(self._category_N, _CHUNK), strict=True
            )
            residual_NE = torch.cat(
                [quantise(part, books, category).residuals[-1] for part, category in parts]
            )
            books.append(self._book(starting_codes(residual_NE, size, self._generator)))
        return books

    def _book(self, code_KE: Tensor, *rules: Tensor) -> Codebook:
        return Codebook(code_KE, *rules, batch=self._spec.batch, decay=self._spec.decay)

    def run(self) -> None:
        """Pass over the items in random order, `spec.epochs` times."""
        optimizer = torch.optim.Adam(
            self.model.parameters(), lr=self._spec.learning_rate, fused=True
        )
        with one_thread(), Curve("rqvae") as curve:
            for epoch in range(self._spec.epochs):
                partners = self._code_partners()
                total = torch.zeros((), device=self._device)
                for items_B, query_B in self._batches():
                    total += self._step(items_B, query_B, partners, optimizer) * len(items_B)
                loss = total.item() / len(self._item_ND)
                logger.debug("epoch %d: loss %.4f", epoch, loss)
                curve.tell(epoch + 1, {"train/loss": loss})

    def _batches(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """One pass: items, and a logged query of each (-1: none)."""
        query_N, order_N = self._pairs.draw(self._rng), self._rng.permutation(len(self._item_ND))
        for start in range(0, len(order_N), self._spec.batch):
            items_B = order_N[start : start + self._spec.batch]
            yield items_B, query_N[items_B]

    def _code_partners(self) -> list[Tensor]:
        if not self._spec.diversity:
            return []
        return [
            cluster_partners(book.code_KD, _CODES_PER_CLUSTER, self._generator)
            for book in self.books
        ]

    def _step(
        self,
        items_B: NDArray[np.int64],
        query_B: NDArray[np.int64],
        partners: list[Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> Tensor:
        """Learn from one batch; its loss."""
        spec, rows_B = self._spec, self._tensor(items_B)
        vector_BD, queries = self._item_ND[rows_B], len(query_B) if self._contrasts else 0
        text_ND = torch.cat([vector_BD, self._query_QD[self._tensor(query_B[:queries])]])
        latent_NE = self.model.encoder(text_ND)
        latent_BE, query_BE = latent_NE[: len(items_B)], latent_NE[len(items_B) :]
        found = quantise(latent_BE, self.books, self._category_N[rows_B])
        restored_BD = self.model.decoder(found.vector_BE)
        loss = _square(vector_BD - restored_BD)
        loss = loss + spec.beta * sum(_square(left_BE) for left_BE in found.residuals[1:])
        if queries:
            item_BE = latent_BE if spec.contrast == "before" else found.vector_BE
            pair_BB = self._tensor(self._pairs.among(items_B, query_B))
            loss = loss + spec.gamma * contrast.bidirectional_info_nce(
                query_BE, item_BE, pair_BB, temperature=spec.temperature
            )
        if spec.category == "soft":
            loss = loss + spec.supervision * self._soft(found, restored_BD, self._class_N[rows_B])
        if spec.collaborative:
            loss = loss + spec.collaborative * self._alignment(found, self._partner_NE[rows_B])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        self._move_books(found, self._category_N[rows_B])
        for book, code_B, partner_K in zip(self.books, found.codes, partners, strict=False):
            self._diversify(book, code_B, partner_K)
        return loss.detach()

    def _soft(self, found: Quantised, restored_BD: Tensor, class_B: Tensor) -> Tensor:
        """CAT-ID2's three losses."""
        first_BE = straight_through(found.residuals[0], self.books[0].code_KD[found.codes[0]])
        spread = sum(
            contrast.cluster_scale(_distances(residual_BE, book))
            for residual_BE, book in zip(found.residuals, self.books, strict=False)
        )
        tau = self._spec.temperature
        loss: Tensor = contrast.class_constraint(first_BE, class_B, temperature=tau) + spread
        return loss + contrast.dispersion(restored_BD, temperature=tau)

    def _alignment(self, found: Quantised, partner_BE: Tensor) -> Tensor:
        known_B = partner_BE.any(dim=1)
        return contrast.alignment(
            found.vector_BE, partner_BE, known_B, temperature=self._spec.temperature
        )

    @torch.no_grad()
    def _move_books(self, found: Quantised, category_B: Tensor) -> None:
        """A category's row follows the items known to be in it, not those that are near it."""
        spare_B = category_B < 0
        for level, book in enumerate(self.books):
            residual_BE, code_B = found.residuals[level], found.codes[level]
            if level == 0:
                mine_B = ~spare_B | book.free_K[code_B]
                book.update(residual_BE[mine_B], code_B[mine_B])
                book.restart(residual_BE[spare_B], self._generator)
            else:
                book.update(residual_BE, code_B)
                book.restart(residual_BE, self._generator)

    def _diversify(self, book: Codebook, code_B: Tensor, partner_K: Tensor) -> None:
        code_KE = book.code_KD.detach().clone().requires_grad_()
        tau = self._spec.temperature
        loss = contrast.diversity(code_KE, code_B, partner_K, temperature=tau)
        (gradient_KE,) = torch.autograd.grad(loss, code_KE)
        book.descend(self._spec.diversity * gradient_KE)


def _square(difference_BD: Tensor) -> Tensor:
    return difference_BD.square().sum(dim=1).mean()


def _distances(vector_BE: Tensor, book: Codebook) -> Tensor:
    """(B, K) squared distances, with the vectors' own squares."""
    own_B1 = vector_BE.square().sum(dim=1, keepdim=True)
    return squared_distances(vector_BE, book.code_KD) + own_B1
