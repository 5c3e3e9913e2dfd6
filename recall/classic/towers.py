"""Two towers: their training (in-batch InfoNCE), and vectors with the same bits in any batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recall.arrays import Ragged
from recall.classic.settings import DenseSpec
from recall.device import one_thread, resolve_device
from recall.texts.features import TextFeatures
from simulator.catalogue.catalog import Ints
from simulator.curves import Curve

_LONGEST_PSEUDO_QUERY = 4  # words
_KEPT_FEATURES = 0.6  # share of a pseudo-query's features


class Towers(nn.Module):
    """A shared table of feature vectors and one residual layer for queries, one for items."""

    def __init__(self, spec: DenseSpec, generator: torch.Generator) -> None:
        super().__init__()
        scale = spec.dimensions**-0.5
        self.table = nn.EmbeddingBag(spec.buckets, spec.dimensions, mode="mean")
        self.query = _Tower(spec.dimensions, spec.hidden)
        self.item = _Tower(spec.dimensions, spec.hidden)
        with torch.no_grad():
            self.table.weight.normal_(0.0, scale, generator=generator)
            for tower in (self.query, self.item):
                tower.into.weight.normal_(0.0, scale, generator=generator)
                tower.into.bias.zero_()
                tower.out.weight.zero_()  # at first a text is the mean of its features

    def forward(self, bags: tuple[Tensor, Tensor], tower: "_Tower") -> Tensor:
        """(B, D) unit vectors of bags given as flat features and starts."""
        vectors: Tensor = tower(self.table(*bags))
        return vectors


class _Tower(nn.Module):
    def __init__(self, dimensions: int, hidden: int) -> None:
        super().__init__()
        self.into = nn.Linear(dimensions, hidden)
        self.out = nn.Linear(hidden, dimensions, bias=False)

    def forward(self, mean_BD: Tensor) -> Tensor:
        return F.normalize(mean_BD + self.out(F.relu(self.into(mean_BD))), dim=1)


@dataclass(frozen=True)
class Pairs:
    """P logged query-item pairs: row of the query text, row of the item."""

    text_P: Ints
    item_P: Ints


def info_nce(
    query_BD: Tensor, item_BD: Tensor, item_B: Tensor, text_B: Tensor, temperature: float
) -> Tensor:
    """In-batch InfoNCE (van den Oord et al., 2018): every query against the batch's other items.

    Pairs of the same item or the same text are no negatives of each other.

    Args:
        query_BD, item_BD: unit vectors of B pairs.
        item_B, text_B: item and text of each pair; text -1 is a text of its own.
        temperature: divisor of the cosines.

    Returns:
        Mean loss, a scalar.
    """
    logits_BB = query_BD @ item_BD.T / temperature
    same_BB = item_B[:, None] == item_B[None, :]
    same_BB |= (text_B[:, None] == text_B[None, :]) & (text_B >= 0)[:, None]
    same_BB.fill_diagonal_(False)
    targets_B = torch.arange(len(logits_BB), device=logits_BB.device)
    return F.cross_entropy(logits_BB.masked_fill(same_BB, -torch.inf), targets_B)


def train_towers(
    spec: DenseSpec,
    texts: TextFeatures,
    items: TextFeatures,
    pairs: Pairs,
    rng: np.random.Generator,
) -> Towers:
    """Towers trained on logged pairs and, for every item, on a pseudo-query of its own words.

    The pseudo-queries place items that nobody clicked, and make an empty log no special case.
    """
    device = resolve_device(spec.device)
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    towers = Towers(spec, generator).to(device)
    optimizer = torch.optim.Adam(towers.parameters(), lr=spec.learning_rate, fused=True)
    text_bags, item_bags, step = texts.bags(), items.bags(), 0
    with one_thread(), Curve("towers") as curve:
        for _ in range(spec.epochs):
            for text_B, item_B in _batches(pairs, len(item_bags), spec.batch_size, rng):
                query_bags = _queries(text_B, item_B, text_bags, items, rng)
                loss = info_nce(
                    towers(_tensors(query_bags, device), towers.query),
                    towers(_tensors(item_bags.take(item_B), device), towers.item),
                    torch.from_numpy(item_B).to(device),
                    torch.from_numpy(text_B).to(device),
                    spec.temperature,
                )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                step += 1
                curve.tell(step, {"train/loss": loss.detach()})
    return towers.cpu()


def _batches(
    pairs: Pairs, n_items: int, size: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """One pass in random order: texts (-1: a pseudo-query) and items of each batch."""
    text_P = np.concatenate([pairs.text_P, np.full(n_items, -1)]).astype(np.int64)
    item_P = np.concatenate([pairs.item_P, np.arange(n_items)]).astype(np.int64)
    order_P = rng.permutation(len(text_P))
    for start in range(0, len(order_P), size):
        rows = order_P[start : start + size]
        yield text_P[rows], item_P[rows]


def _queries(
    text_B: NDArray[np.int64],
    item_B: NDArray[np.int64],
    text_bags: Ragged,
    items: TextFeatures,
    rng: np.random.Generator,
) -> Ragged:
    """Feature bags of the batch's queries, logged ones first in the table of both."""
    logged_B = text_B >= 0
    pseudo = _pseudo_queries(items.words.take(item_B[~logged_B]), rng).expand(items.features)
    pseudo = _thinned(pseudo, rng)
    logged = text_bags.take(text_B[logged_B])
    both = Ragged(
        np.concatenate([logged.values, pseudo.values]),
        np.concatenate([logged.pointer, pseudo.pointer[1:] + logged.pointer[-1]]),
    )
    place_B = np.where(logged_B, np.cumsum(logged_B), len(logged) + np.cumsum(~logged_B)) - 1
    return both.take(place_B)


def _pseudo_queries(words: Ragged, rng: np.random.Generator) -> Ragged:
    """One to four words drawn from each text; none from an empty one."""
    drawn = rng.integers(1, _LONGEST_PSEUDO_QUERY + 1, len(words))
    drawn = np.where(words.lengths > 0, drawn, 0)
    pointer = np.zeros(len(words) + 1, np.int64)
    np.cumsum(drawn, out=pointer[1:])
    lengths = np.repeat(words.lengths, drawn)
    place = np.repeat(words.pointer[:-1], drawn) + (rng.random(len(lengths)) * lengths).astype(int)
    return Ragged(words.values[place], pointer)


def _thinned(bags: Ragged, rng: np.random.Generator) -> Ragged:
    """Drop features at random, so that a misspelled word, which lacks some, is no surprise."""
    kept = rng.random(len(bags.values)) < _KEPT_FEATURES
    before = np.concatenate([[0], np.cumsum(kept)])
    return Ragged(bags.values[kept], before[bags.pointer])


def _tensors(bags: Ragged, device: torch.device) -> tuple[Tensor, Tensor]:
    flat = torch.from_numpy(bags.values).to(device)
    return flat, torch.from_numpy(bags.pointer[:-1].astype(np.int32)).to(device)


Floats = NDArray[np.float32]
Tower = tuple[NDArray[np.float64], ...]
"""Weights of a tower: into, its bias, out."""

_GRID = 2048.0  # steps per unit of a component
_CHUNK = 1024  # texts embedded at once, bounds memory
Real = TypeVar("Real", np.float32, np.float64)


def tower_weights(tower: nn.Module) -> Tower:
    """The weights of a trained tower as arrays: serving and pickling need no module."""
    return tuple(part.detach().numpy().astype(np.float64) for part in tower.parameters())


def embed(table_VD: Floats, tower: Tower, bags: Ragged) -> Floats:
    """(T, D) vectors of bags of features, of about unit length, on the grid; zeros for empty ones.

    Args:
        table_VD: vector of each feature.
        tower: weights of the residual layer that the mean vector passes.
        bags: features of each text.
    """
    vectors_TD = np.zeros((len(bags), table_VD.shape[1]), np.float32)
    for start in range(0, len(bags), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(bags)))
        vectors_TD[rows] = _project(_means(table_VD, bags.take(rows)), tower)
    return vectors_TD


def on_grid(vectors_ND: NDArray[Real]) -> NDArray[Real]:
    """Vectors of about unit length rounded to the grid."""
    rounded_ND: NDArray[Real] = np.rint(vectors_ND * _GRID) / _GRID
    return rounded_ND


def _means(table_VD: Floats, bags: Ragged) -> NDArray[np.float64]:
    """(T, D) mean table row of each bag, zeros for an empty one."""
    means_TD = np.zeros((len(bags), table_VD.shape[1]))
    full = np.flatnonzero(bags.lengths)
    if len(full):
        rows = table_VD[bags.values].astype(np.float64)
        means_TD[full] = np.add.reduceat(rows, bags.pointer[:-1][full], axis=0)
        means_TD[full] /= bags.lengths[full, None]
    return means_TD


def _project(mean_TD: NDArray[np.float64], tower: Tower) -> Floats:
    """A tower's forward pass, on the grid.

    In float64, so that the order of summation is too small to reach the grid's rounding.
    """
    into_HD, bias_H, out_DH = tower
    vector_TD = mean_TD + np.maximum(mean_TD @ into_HD.T + bias_H, 0.0) @ out_DH.T
    vector_TD[~mean_TD.any(axis=1)] = 0.0
    norm_T1 = np.maximum(np.linalg.norm(vector_TD, axis=1, keepdims=True), 1e-12)
    return on_grid(vector_TD / norm_T1).astype(np.float32)
