"""Attention of tokens that share prompts but not their own paths: numba on a CPU, torch elsewhere.

Keys and values of all tokens so far lie in one pool. A token attends to a range of the pool (its
prompt, or the part up to itself) and to some single places (its ancestors and itself). No mask, no
padding and no copy of a prompt for each beam is ever made, and what a prompt's tokens get depends
on nothing but that prompt and these tokens.

Axis suffixes: A tokens, E single places, S places of the pool, V rows of packed query, key and
value (width Q), H heads, G key heads and value heads, D head size, J half of it, N tokens of one
prompt, P its places.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional as F

from cqsid.exponential import exp32

_FAST = {"contract", "reassoc", "nsz", "nnan"}


def rotate(
    packed_VQ: Tensor,
    take_A: Tensor,
    turn_AJ: tuple[Tensor, Tensor],
    query_AHD: Tensor,
    pool_AGD: Tensor,
) -> None:
    """Turn queries and keys by their positions (rotary embedding, Su et al., 2021).

    Args:
        packed_VQ: rows of query, key and value; token a's is row `take_A[a]`.
        take_A: row of each token.
        turn_AJ: cosines and sines of each token's position, for half a head.
        query_AHD: the turned queries go here, divided by the root of the head size.
        pool_AGD: the turned keys, then the values, go here.
    """
    if packed_VQ.device.type != "cpu":
        return _rotate_anywhere(packed_VQ, take_A, turn_AJ, query_AHD, pool_AGD)
    half = turn_AJ[0].shape[1]
    packed, query, pool = (
        each.view(len(each), -1, 2, half) for each in (packed_VQ, query_AHD, pool_AGD)
    )
    tensors = (packed, take_A, *turn_AJ, query, pool)
    _rotate(*(tensor.numpy() for tensor in tensors))


def attend(
    query_AHD: Tensor, pool_SGD: Tensor, start_A: Tensor, stop_A: Tensor, path_AE: Tensor
) -> Tensor:
    """Attend to pool rows `start_A[a]` to `stop_A[a] - 1` and `path_AE[a]`, for every token a.

    Args:
        query_AHD: turned and scaled queries.
        pool_SGD: keys, then values.
        start_A, stop_A, path_AE: int64, what each token attends to, at least one place of the
            range; tokens of one start are neighbours.

    Returns:
        (A, H * D) mixed values of all heads.
    """
    if query_AHD.device.type != "cpu":
        return _attend_anywhere(query_AHD, pool_SGD, start_A, stop_A, path_AE)
    mixed_AHD = torch.empty_like(query_AHD)
    tensors = (query_AHD, pool_SGD, start_A, stop_A, path_AE, mixed_AHD)
    _attend(*(tensor.numpy() for tensor in tensors))
    return mixed_AHD.flatten(1)


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _rotate(
    packed: Any, take_A: Any, cos_AJ: Any, sin_AJ: Any, query: Any, pool: Any
) -> None:  # pragma: no cover
    half, heads, keys = cos_AJ.shape[1], query.shape[1], pool.shape[1] // 2
    scale = np.float32(1.0 / np.sqrt(2.0 * half))
    for a in range(len(take_A)):
        t = take_A[a]
        for h in range(heads):
            for j in range(half):
                x, y, cos, sin = packed[t, h, 0, j], packed[t, h, 1, j], cos_AJ[a, j], sin_AJ[a, j]
                query[a, h, 0, j] = (x * cos - y * sin) * scale
                query[a, h, 1, j] = (y * cos + x * sin) * scale
        for g in range(keys):
            h = heads + g
            for j in range(half):
                x, y, cos, sin = packed[t, h, 0, j], packed[t, h, 1, j], cos_AJ[a, j], sin_AJ[a, j]
                pool[a, g, 0, j] = x * cos - y * sin
                pool[a, g, 1, j] = y * cos + x * sin
        for g in range(keys, 2 * keys):
            for j in range(half):
                pool[a, g, 0, j] = packed[t, heads + g, 0, j]
                pool[a, g, 1, j] = packed[t, heads + g, 1, j]


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _attend(
    query: Any, pool: Any, start_A: Any, stop_A: Any, path_AE: Any, mixed: Any
) -> None:  # pragma: no cover
    """Tokens of one start at a time: their queries meet its keys in one product a head."""
    first = 0
    while first < len(start_A):
        last, stop = first + 1, stop_A[first]
        while last < len(start_A) and start_A[last] == start_A[first]:
            stop = max(stop, stop_A[last])
            last += 1
        reach_N = stop_A[first:last] - start_A[first]
        _attend_one(
            query[first:last],
            pool[start_A[first] : stop],
            pool,
            reach_N,
            path_AE[first:last],
            mixed[first:last],
        )
        first = last


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _attend_one(
    query: Any, prompt: Any, pool: Any, reach_N: Any, path_NE: Any, mixed: Any
) -> None:  # pragma: no cover
    tokens, heads, size = query.shape
    places, keys = len(prompt), prompt.shape[1] // 2
    q_ND, mixed_ND = np.empty((tokens, size), np.float32), np.empty((tokens, size), np.float32)
    k_PD, v_PD = np.empty((places, size), np.float32), np.empty((places, size), np.float32)
    weight_NP, own_NE = np.empty((tokens, places), np.float32), np.empty(path_NE.shape, np.float32)
    for h in range(heads):
        g = h // (heads // keys)
        for p in range(places):
            for j in range(size):
                k_PD[p, j] = prompt[p, g, j]
                v_PD[p, j] = prompt[p, keys + g, j]
        for n in range(tokens):
            for j in range(size):
                q_ND[n, j] = query[n, h, j]
        np.dot(q_ND, k_PD.T, weight_NP)
        _weigh(q_ND, pool, g, reach_N, path_NE, weight_NP, own_NE)
        np.dot(weight_NP, v_PD, mixed_ND)
        for n in range(tokens):
            for e in range(path_NE.shape[1]):
                place = path_NE[n, e]
                for j in range(size):
                    mixed_ND[n, j] += own_NE[n, e] * pool[place, keys + g, j]
            for j in range(size):
                mixed[n, h, j] = mixed_ND[n, j]


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _weigh(
    q_ND: Any, pool: Any, g: Any, reach_N: Any, path_NE: Any, weight_NP: Any, own_NE: Any
) -> None:  # pragma: no cover
    """Scores to the softmax over the reached part of the prompt and the path, in place."""
    for n in range(len(q_ND)):
        top = weight_NP[n, 0]
        for e in range(path_NE.shape[1]):
            place, score = path_NE[n, e], np.float32(0.0)
            for j in range(q_ND.shape[1]):
                score += q_ND[n, j] * pool[place, g, j]
            own_NE[n, e] = score
            top = max(top, score)
        for p in range(reach_N[n]):
            top = max(top, weight_NP[n, p])
        total = np.float32(0.0)
        for p in range(reach_N[n]):
            weight_NP[n, p] = exp32(weight_NP[n, p] - top)
            total += weight_NP[n, p]
        for e in range(path_NE.shape[1]):
            own_NE[n, e] = exp32(own_NE[n, e] - top)
            total += own_NE[n, e]
        share = np.float32(1.0) / total
        for p in range(reach_N[n]):
            weight_NP[n, p] *= share
        for e in range(path_NE.shape[1]):
            own_NE[n, e] *= share
        for p in range(reach_N[n], weight_NP.shape[1]):
            weight_NP[n, p] = np.float32(0.0)


def _rotate_anywhere(
    packed_VQ: Tensor,
    take_A: Tensor,
    turn_AJ: tuple[Tensor, Tensor],
    query_AHD: Tensor,
    pool_AGD: Tensor,
) -> None:
    size, heads, keys = query_AHD.shape[2], query_AHD.shape[1], pool_AGD.shape[1] // 2
    packed = packed_VQ[take_A].view(len(take_A), -1, size)
    cos, sin = (each[:, None] for each in turn_AJ)
    x, y = packed[:, : heads + keys].chunk(2, dim=-1)
    turned = torch.cat([x * cos - y * sin, y * cos + x * sin], dim=-1)
    query_AHD.copy_(turned[:, :heads] / size**0.5)
    pool_AGD.copy_(torch.cat([turned[:, heads:], packed[:, heads + keys :]], dim=1))


def _attend_anywhere(
    query_AHD: Tensor, pool_SGD: Tensor, start_A: Tensor, stop_A: Tensor, path_AE: Tensor
) -> Tensor:
    """The same from padded copies of the places; also the kernel's oracle in tests."""
    reach = torch.arange(int((stop_A - start_A).max()), device=start_A.device)
    place_AP = start_A[:, None] + reach
    held_AP = place_AP < stop_A[:, None]
    place_AP = torch.cat([place_AP.where(held_AP, start_A[:, None]), path_AE], dim=1)
    held_AP = torch.cat([held_AP, torch.ones_like(path_AE, dtype=torch.bool)], dim=1)
    key, value = pool_SGD[place_AP].transpose(1, 2).chunk(2, dim=1)
    mixed = F.scaled_dot_product_attention(
        query_AHD[:, :, None], key, value, held_AP[:, None, None], scale=1.0, enable_gqa=True
    )
    return mixed.flatten(1)
