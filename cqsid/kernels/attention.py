"""Attention of tokens that share prompts but not paths: lanes on a CPU, or plain torch."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cqsid.kernels.choice import way
from cqsid.kernels.lanes import (
    LANES,
    add,
    compiled,
    exponential,
    fused,
    larger,
    largest,
    leading,
    load,
    multiply,
    spread,
    store,
    subtract,
    total,
)

_NEVER = np.float32(-3e38)  # score of a place that is not attended to


@compiled
def remember_rows(columns: Any, pool: Any) -> None:  # pragma: no cover
    """As `cqsid.kernels.attention.remember`, of `Tokens.arrays`."""
    packed, take_A, position_A, cos_PJ, sin_PJ = columns
    half, keys = packed.shape[3], pool.shape[1] // 2
    heads = packed.shape[1] - 2 * keys
    for a in range(len(take_A)):
        row, cos_J, sin_J = packed[take_A[a]], cos_PJ[position_A[a]], sin_PJ[position_A[a]]
        for g in range(keys):
            _turn(row[heads + g], cos_J, sin_J, pool[a, g])
        for g in range(keys, 2 * keys):
            for part in range(2):
                for j in range(0, half, LANES):
                    value = load(row[heads + g, part], j, half - j)
                    store(pool[a, g], part * half + j, half - j, value)


@njit(nogil=True, error_model="numpy", inline="always")
def _turn(head: Any, cos_J: Any, sin_J: Any, turned_D: Any) -> None:  # pragma: no cover
    for j in range(0, len(cos_J), LANES):
        count = len(cos_J) - j
        cos, sin = load(cos_J, j, count), load(sin_J, j, count)
        x, y = load(head[0], j, count), load(head[1], j, count)
        store(turned_D, j, count, subtract(multiply(x, cos), multiply(y, sin)))
        store(turned_D, len(cos_J) + j, count, fused(y, cos, multiply(x, sin)))


@compiled
def attend_rows(
    columns: Any, pool: Any, start_A: Any, stop_A: Any, path_AE: Any, mixed: Any
) -> None:  # pragma: no cover
    """As `cqsid.kernels.attention.attend`; tokens of one start at a time, four of them at once."""
    places, tokens, first, size = 0, 0, 0, pool.shape[2]
    for a in range(len(start_A)):
        first = first if start_A[a] == start_A[first] else a
        places, tokens = max(places, stop_A[a] - start_A[a]), max(tokens, a + 1 - first)
    blocks = (places + path_AE.shape[1]) // LANES + 1
    query_ND = np.empty((tokens, size), np.float32)
    key_KDL = np.zeros((blocks, size * LANES), np.float32)
    weight_NP = np.empty((tokens, blocks * LANES), np.float32)
    packed, take_A, position_A, cos_PJ, sin_PJ = columns
    first = 0
    while first < len(start_A):
        last, start = first + 1, start_A[first]
        while last < len(start_A) and start_A[last] == start:
            last += 1
        some = slice(first, last)
        reach_N, path_NE = stop_A[some] - start, path_AE[some]
        scratch = (query_ND[: last - first], key_KDL, weight_NP)
        one = (packed, take_A[some], position_A[some], cos_PJ, sin_PJ)
        _attend_one(one, pool, start, reach_N, path_NE, mixed[some], scratch)
        first = last


@compiled
def _attend_one(
    columns: Any, pool: Any, start: Any, reach_N: Any, path_NE: Any, mixed: Any, scratch: Any
) -> None:  # pragma: no cover
    (query_ND, key_KDL, weight_NP), places = scratch, reach_N.max()
    keys = pool.shape[1] // 2
    shared, scale = mixed.shape[1] // keys, np.float32(1.0 / np.sqrt(pool.shape[2]))
    for g in range(keys):
        for p in range(places):
            block, row = key_KDL[p // LANES], pool[start + p, g]
            for d in range(len(row)):
                block[d * LANES + p % LANES] = row[d]
        for h in range(g * shared, (g + 1) * shared):
            _turn_queries(columns, h, query_ND)
            _score(query_ND, key_KDL, places, weight_NP)
            _score_path(query_ND, pool, g, path_NE, places, weight_NP)
            _weigh(reach_N, places, places + path_NE.shape[1], scale, weight_NP)
            _mix(weight_NP, pool, start, places, keys + g, path_NE, mixed, h)


@compiled
def _turn_queries(columns: Any, h: Any, query_ND: Any) -> None:  # pragma: no cover
    packed, take_N, position_N, cos_PJ, sin_PJ = columns
    for n in range(len(query_ND)):
        position = position_N[n]
        _turn(packed[take_N[n], h], cos_PJ[position], sin_PJ[position], query_ND[n])


@njit(nogil=True, inline="always")
def _four(n: Any, tokens: Any) -> Any:  # pragma: no cover
    """The next four tokens; the last one again where there are fewer."""
    return n, min(n + 1, tokens - 1), min(n + 2, tokens - 1), min(n + 3, tokens - 1)


@compiled
def _score(query_ND: Any, key_KDL: Any, places: Any, weight_NP: Any) -> None:  # pragma: no cover
    size = query_ND.shape[1]
    for block in range((places + LANES - 1) // LANES):
        for n in range(0, len(query_ND), 4):
            n0, n1, n2, n3 = _four(n, len(query_ND))
            q0, q1, q2, q3 = query_ND[n0], query_ND[n1], query_ND[n2], query_ND[n3]
            s0 = s1 = s2 = s3 = spread(np.float32(0.0))
            for d in range(size):
                key = load(key_KDL[block], d * LANES, LANES)
                s0, s1 = fused(spread(q0[d]), key, s0), fused(spread(q1[d]), key, s1)
                s2, s3 = fused(spread(q2[d]), key, s2), fused(spread(q3[d]), key, s3)
            store(weight_NP[n0], block * LANES, LANES, s0)
            store(weight_NP[n1], block * LANES, LANES, s1)
            store(weight_NP[n2], block * LANES, LANES, s2)
            store(weight_NP[n3], block * LANES, LANES, s3)


@compiled
def _score_path(
    query_ND: Any, pool: Any, g: Any, path_NE: Any, places: Any, weight_NP: Any
) -> None:  # pragma: no cover
    size = query_ND.shape[1]
    for n in range(len(query_ND)):
        for e in range(path_NE.shape[1]):
            one, key, score = query_ND[n], pool[path_NE[n, e], g], spread(np.float32(0.0))
            for d in range(0, size, LANES):
                score = fused(load(one, d, size - d), load(key, d, size - d), score)
            weight_NP[n, places + e] = total(score)


@compiled
def _weigh(
    reach_N: Any, places: Any, used: Any, scale: Any, weight_NP: Any
) -> None:  # pragma: no cover
    """Scores to the terms of the softmax, in place, and one over their sum behind them."""
    never, factor = spread(_NEVER), spread(scale)
    for n in range(len(reach_N)):
        for p in range(reach_N[n], places):
            weight_NP[n, p] = _NEVER
    for n in range(len(reach_N)):
        weight_P, top, sums = weight_NP[n], never, spread(np.float32(0.0))
        for p in range(0, used, LANES):
            top = larger(leading(load(weight_P, p, LANES), used - p, never), top)
        top = spread(largest(top))
        for p in range(0, used, LANES):
            score = leading(load(weight_P, p, LANES), used - p, never)
            weight = exponential(multiply(subtract(score, top), factor))
            sums = add(sums, weight)
            store(weight_P, p, LANES, weight)
        weight_P[used] = np.float32(1.0) / total(sums)


@compiled
def _mix(
    weight_NP: Any, pool: Any, start: Any, places: Any, g: Any, path_NE: Any, mixed: Any, h: Any
) -> None:  # pragma: no cover
    size, used = pool.shape[2], places + path_NE.shape[1]
    for d in range(0, size, LANES):
        count = size - d
        for n in range(0, len(path_NE), 4):
            n0, n1, n2, n3 = _four(n, len(path_NE))
            w0, w1, w2, w3 = weight_NP[n0], weight_NP[n1], weight_NP[n2], weight_NP[n3]
            s0 = s1 = s2 = s3 = spread(np.float32(0.0))
            for p in range(places):
                value = load(pool[start + p, g], d, count)
                s0, s1 = fused(spread(w0[p]), value, s0), fused(spread(w1[p]), value, s1)
                s2, s3 = fused(spread(w2[p]), value, s2), fused(spread(w3[p]), value, s3)
            for e in range(path_NE.shape[1]):
                p = places + e
                s0 = fused(spread(w0[p]), load(pool[path_NE[n0, e], g], d, count), s0)
                s1 = fused(spread(w1[p]), load(pool[path_NE[n1, e], g], d, count), s1)
                s2 = fused(spread(w2[p]), load(pool[path_NE[n2, e], g], d, count), s2)
                s3 = fused(spread(w3[p]), load(pool[path_NE[n3, e], g], d, count), s3)
            store(mixed[n0, h], d, count, multiply(s0, spread(w0[used])))
            store(mixed[n1, h], d, count, multiply(s1, spread(w1[used])))
            store(mixed[n2, h], d, count, multiply(s2, spread(w2[used])))
            store(mixed[n3, h], d, count, multiply(s3, spread(w3[used])))


@dataclass(frozen=True)
class Tokens:
    """Some tokens in a layer.

    Attributes:
        packed_VQ: rows of query, key and value.
        take_A: row of each token.
        position_A: position of each token.
        turn_PJ: cosines and sines of every position, for half a head.
    """

    packed_VQ: Tensor
    take_A: Tensor
    position_A: Tensor
    turn_PJ: tuple[Tensor, Tensor]

    def only(self, some: Tensor) -> "Tokens":
        """Some of the tokens."""
        return replace(self, take_A=self.take_A[some], position_A=self.position_A[some])

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Halves of heads (V, heads, 2, J), then the other columns."""
        cos_PJ, sin_PJ = (each.numpy() for each in self.turn_PJ)
        packed = self.packed_VQ.numpy().reshape(len(self.packed_VQ), -1, 2, cos_PJ.shape[1])
        return packed, self.take_A.numpy(), self.position_A.numpy(), cos_PJ, sin_PJ


def remember(tokens: Tokens, pool_AGD: Tensor) -> None:
    """Write the tokens' keys, turned by their positions (Su et al., 2021), then their values."""
    if not _by_lanes(pool_AGD):
        return _remember_plainly(tokens, pool_AGD)
    remember_rows(tokens.arrays(), pool_AGD.numpy())


def attend(
    tokens: Tokens, pool_SGD: Tensor, start_A: Tensor, stop_A: Tensor, path_AE: Tensor
) -> Tensor:
    """Attend to pool rows `start_A[a]` to `stop_A[a] - 1` and `path_AE[a]`, for every token a.

    Args:
        tokens: their queries are turned here, and divided by the root of the head size.
        pool_SGD: keys, then values.
        start_A, stop_A, path_AE: int64, what each token attends to, at least one place of the
            range; tokens of one start are neighbours.

    Returns:
        (A, H * D) mixed values of all heads.
    """
    if not _by_lanes(pool_SGD):
        return _attend_plainly(tokens, pool_SGD, start_A, stop_A, path_AE)
    size, keys = pool_SGD.shape[2], pool_SGD.shape[1]
    heads = tokens.packed_VQ.shape[1] // size - keys
    mixed_AHD = torch.empty(len(start_A), heads, size)
    tensors = (pool_SGD, start_A, stop_A, path_AE, mixed_AHD)
    attend_rows(tokens.arrays(), *(tensor.numpy() for tensor in tensors))
    return mixed_AHD.flatten(1)


def _by_lanes(pool: Tensor) -> bool:
    return pool.device.type == "cpu" and way("attention") == "lanes"


def _turned(tokens: Tokens, keys: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (A, heads, D)."""
    packed = tokens.packed_VQ[tokens.take_A].view(len(tokens.take_A), -1, size)
    cos, sin = (each[tokens.position_A][:, None] for each in tokens.turn_PJ)
    x, y = packed[:, :-keys].chunk(2, dim=-1)
    turned = torch.cat([x * cos - y * sin, y * cos + x * sin], dim=-1)
    return turned[:, :-keys], turned[:, -keys:], packed[:, -keys:]


def _remember_plainly(tokens: Tokens, pool_AGD: Tensor) -> None:
    _, key, value = _turned(tokens, pool_AGD.shape[1] // 2, pool_AGD.shape[2])
    pool_AGD.copy_(torch.cat([key, value], dim=1))


def _attend_plainly(
    tokens: Tokens, pool_SGD: Tensor, start_A: Tensor, stop_A: Tensor, path_AE: Tensor
) -> Tensor:
    """The same from padded copies of the places; also the kernel's oracle in tests."""
    query_AHD, _, _ = _turned(tokens, pool_SGD.shape[1] // 2, pool_SGD.shape[2])
    reach = torch.arange(int((stop_A - start_A).max()), device=start_A.device)
    place_AP = start_A[:, None] + reach
    held_AP = place_AP < stop_A[:, None]
    place_AP = torch.cat([place_AP.where(held_AP, start_A[:, None]), path_AE], dim=1)
    held_AP = torch.cat([held_AP, torch.ones_like(path_AE, dtype=torch.bool)], dim=1)
    key, value = pool_SGD[place_AP].transpose(1, 2).chunk(2, dim=1)
    mixed = F.scaled_dot_product_attention(
        query_AHD[:, :, None], key, value, held_AP[:, None, None], enable_gqa=True
    )
    return mixed.flatten(1)
