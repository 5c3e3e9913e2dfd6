"""Attention of tokens that share prompts but not their own paths: numba on a CPU, torch elsewhere.

Keys and values of all tokens so far lie in one pool. A token attends to a range of the pool (its
prompt, or the part up to itself) and to some single places (its ancestors and itself). No mask, no
padding and no copy of a prompt for each beam is ever made, and what a prompt's tokens get depends
on nothing but that prompt and these tokens.

Axis suffixes: A tokens, E single places, S places of the pool, P positions, V rows of packed
query, key and value, H heads, G key heads and value heads, D head size, J half of it.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cqsid.attention_cpu import attend_rows, remember_rows


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
    if pool_AGD.device.type != "cpu":
        return _remember_anywhere(tokens, pool_AGD)
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
    if pool_SGD.device.type != "cpu":
        return _attend_anywhere(tokens, pool_SGD, start_A, stop_A, path_AE)
    size, keys = pool_SGD.shape[2], pool_SGD.shape[1]
    heads = tokens.packed_VQ.shape[1] // size - keys
    mixed_AHD = torch.empty(len(start_A), heads, size)
    tensors = (pool_SGD, start_A, stop_A, path_AE, mixed_AHD)
    attend_rows(tokens.arrays(), *(tensor.numpy() for tensor in tensors))
    return mixed_AHD.flatten(1)


def _turned(tokens: Tokens, keys: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (A, heads, D)."""
    packed = tokens.packed_VQ[tokens.take_A].view(len(tokens.take_A), -1, size)
    cos, sin = (each[tokens.position_A][:, None] for each in tokens.turn_PJ)
    x, y = packed[:, :-keys].chunk(2, dim=-1)
    turned = torch.cat([x * cos - y * sin, y * cos + x * sin], dim=-1)
    return turned[:, :-keys], turned[:, -keys:], packed[:, -keys:]


def _remember_anywhere(tokens: Tokens, pool_AGD: Tensor) -> None:
    _, key, value = _turned(tokens, pool_AGD.shape[1] // 2, pool_AGD.shape[2])
    pool_AGD.copy_(torch.cat([key, value], dim=1))


def _attend_anywhere(
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
