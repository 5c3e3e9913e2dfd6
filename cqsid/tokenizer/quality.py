"""How good semantic ids are, from the ids and the items alone.

Perplexity is the effective number of codes: exp of the entropy of their use. Counting the codes
in use would not do, since a level may use all of its codes and still put nearly every item on
a few of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.kernels.integers import IntegerProduct
from cqsid.tokenizer.ids import SemanticIds, pack
from cqsid.tokenizer.quantize.grid import Grid
from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints

Counts = NDArray[np.int64]
_BLOCK: Final = 256  # items compared with all others at once
_TOP: Final = 99.0  # percentile of the crowded ids


@dataclass(frozen=True)
class IdQuality:
    """Quality of the ids of the items that have one. A figure without any item to it is NaN.

    Attributes:
        items: items with an id.
        ids: distinct ids in use.
        perplexity_L: effective number of codes of each level.
        conditional_perplexity_L: effective number of codes of a level below one prefix.
        gini: inequality of the items per id, 0 where all ids hold equally many.
        largest: most items of one id.
        p99: 99th percentile, over the ids in use, of items per id.
        purity: share of items in the majority category of their id, of those with known category.
        hit_rate: share of items whose nearest other item (cosine of text vectors) has their id.
    """

    items: int
    ids: int
    perplexity_L: tuple[float, ...]
    conditional_perplexity_L: tuple[float, ...]
    gini: float
    largest: int
    p99: float
    purity: float
    hit_rate: float

    @staticmethod
    def of(ids: SemanticIds, signals: Signals) -> "IdQuality":
        """Measure all of it.

        Raises:
            DataError: the ids are of another catalogue.
        """
        ids.check(len(signals))
        held_N = np.flatnonzero(ids.key_I >= 0)
        codes_NL, sid_N = ids.codes_IL[held_N], ids.sid_I[held_N]
        counts = items_per_id(sid_N)
        return IdQuality(
            items=len(held_N),
            ids=len(counts),
            perplexity_L=tuple(perplexity_L(codes_NL, ids.sizes).tolist()),
            conditional_perplexity_L=tuple(conditional_perplexity_L(codes_NL, ids.sizes).tolist()),
            gini=gini(counts),
            largest=largest(counts),
            p99=p99(counts),
            purity=purity(sid_N, signals.category_I[held_N]),
            hit_rate=embedding_hit_rate(signals.item_ID[held_N], sid_N),
        )


def items_per_id(sid_I: Ints) -> Counts:
    """How many items each id in use holds; items without an id (-1) do not count."""
    return np.unique(sid_I[sid_I >= 0], return_counts=True)[1].astype(np.int64)


def perplexity_L(codes_NL: Ints, sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """(L,) effective number of codes of each level, 1 to its size; NaN without items."""
    uses = [np.bincount(codes_NL[:, level], minlength=k) for level, k in enumerate(sizes)]
    return np.exp([_entropy(use) for use in uses])


def conditional_perplexity_L(codes_NL: Ints, sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """(L,) exp of the entropy of each level's code given the codes above; NaN without items."""
    entropies = [
        _entropy(np.unique(pack(codes_NL[:, :depth], sizes[:depth]), return_counts=True)[1])
        for depth in range(1, len(sizes) + 1)
    ]
    return np.exp(np.diff(entropies, prepend=0.0))


def _entropy(use: NDArray[np.int64]) -> float:
    if not use.sum():
        return float("nan")
    share = use[use > 0] / use.sum()
    return float(-(share * np.log(share)).sum())


def gini(counts: Counts) -> float:
    """Gini coefficient of items per id, 0 (all equal) to below 1; NaN without ids."""
    n, total = len(counts), counts.sum()
    if not total:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ np.sort(counts) / (n * total))


def largest(counts: Counts) -> int:
    """Most items of one id, 0 without ids."""
    return int(counts.max(initial=0))


def p99(counts: Counts) -> float:
    """99th percentile of items per id, every id in use counting once; NaN without ids."""
    return float(np.percentile(counts, _TOP)) if len(counts) else float("nan")


def purity(sid_I: Ints, category_I: Ints) -> float:
    """Share of items in the majority category of their id; NaN if there is no item to count.

    Items without an id or without a known category (-1) do not count.
    """
    told_I = (sid_I >= 0) & (category_I >= 0)
    if not told_I.any():
        return float("nan")
    pairs = np.stack([sid_I[told_I], category_I[told_I]], axis=1)
    pairs_P2, counts_P = np.unique(pairs, axis=0, return_counts=True)
    first_S = np.flatnonzero(np.diff(pairs_P2[:, 0], prepend=-1))
    return float(np.maximum.reduceat(counts_P, first_S).sum() / told_I.sum())


def embedding_hit_rate(vectors_ID: Floats, sid_I: Ints, *, most: int = 4096) -> float:
    """Share of items whose nearest other item, by cosine, has the same id.

    Only items with an id count. Cosines are of unit vectors on a grid of bytes, hence exact; of
    equally near items the first is the nearest.

    Args:
        vectors_ID: (I, D) vectors of the items.
        sid_I: (I,) their ids, -1 for none.
        most: items asked at the most, evenly spaced; their neighbours are sought among all.

    Returns:
        The share; NaN with fewer than two items.

    Raises:
        DataError: a vector that is not finite.
    """
    held_N = np.flatnonzero(sid_I >= 0)
    if len(held_N) < 2:
        return float("nan")
    vectors_ND, sid_N = vectors_ID[held_N].astype(np.float32), sid_I[held_N]
    length_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    unit_ND = (vectors_ND / np.where(length_N1 > 0, length_N1, 1)).astype(np.float32)
    x_ND = Grid.of(unit_ND, np.zeros(unit_ND.shape[1], np.float32)).round(unit_ND, "vectors_ID")
    asked_Q = np.unique(np.linspace(0, len(held_N) - 1, min(most, len(held_N))).astype(np.int64))
    hits = 0
    times_x = IntegerProduct(x_ND)
    for start in range(0, len(asked_Q), _BLOCK):
        rows = asked_Q[start : start + _BLOCK]
        cosine_QN = times_x(x_ND[rows])
        cosine_QN[np.arange(len(rows)), rows] = np.iinfo(np.int32).min
        hits += int((sid_N[cosine_QN.argmax(axis=1)] == sid_N[rows]).sum())
    return hits / len(asked_Q)
