"""Heads of attention, cut out of packed rows and turned by their positions (Su et al., 2021).

With gradients; numba in one pass on a CPU, torch elsewhere. Both round alike, so bits are the same.

Axis suffixes: B rows, T positions, Q packed width, H heads of queries, G of keys and of values, D
size of a head.
"""

from typing import Any

import torch
from numba import njit
from torch import Tensor


def turned_heads(
    packed_BTQ: Tensor, cos_BTD: Tensor, sin_BTD: Tensor, heads: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Query and key, turned, and value: (B, H, T, D), then twice (B, G, T, D).

    Args:
        packed_BTQ: queries, keys and values of a position behind each other.
        cos_BTD, sin_BTD: of each position's angles, or (1, T, D) where all rows have the same.
        heads: numbers H and G of heads.
    """
    if packed_BTQ.device.type != "cpu" or packed_BTQ.dtype != torch.float32:
        return _plainly(packed_BTQ, cos_BTD, sin_BTD, heads)
    found = _Turned.apply(packed_BTQ, cos_BTD, sin_BTD, heads)  # type: ignore[no-untyped-call]
    query, key, value = (each.transpose(1, 2) for each in found)
    return query, key, value


def _plainly(
    packed_BTQ: Tensor, cos_BTD: Tensor, sin_BTD: Tensor, heads: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """The same by torch; also the kernel's oracle in tests."""
    split = packed_BTQ.view(*packed_BTQ.shape[:2], -1, cos_BTD.shape[-1]).transpose(1, 2)
    query, key, value = torch.split(split, [heads[0], heads[1], heads[1]], dim=1)
    cos, sin = cos_BTD[:, None], sin_BTD[:, None]
    return _rotate(query, cos, sin), _rotate(key, cos, sin), value


def _rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat([-second, first], dim=-1) * sin


class _Turned(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, packed_BTQ: Tensor, cos_BTD: Tensor, sin_BTD: Tensor, heads: tuple[int, int]
    ) -> tuple[Tensor, ...]:
        rows, positions, size = *packed_BTQ.shape[:2], cos_BTD.shape[-1]
        ctx.turn = cos_BTD.contiguous().numpy(), sin_BTD.contiguous().numpy()
        parts = [torch.empty(rows, positions, n, size) for n in (heads[0], heads[1], heads[1])]
        packed = packed_BTQ.detach().contiguous().view(rows, positions, -1, size)
        _turn(packed.numpy(), *ctx.turn, *(part.numpy() for part in parts))
        return tuple(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        parts = [grad.contiguous() for grad in grads]
        rows, positions, _, size = parts[0].shape
        heads = sum(part.shape[2] for part in parts)
        packed = torch.empty(rows, positions, heads, size)
        _turn_back(packed.numpy(), *ctx.turn, *(part.numpy() for part in parts))
        return packed.flatten(2), None, None, None


@njit(cache=True, nogil=True)
def _turn(
    packed: Any, cos_BTD: Any, sin_BTD: Any, query: Any, key: Any, value: Any
) -> None:  # pragma: no cover
    """Products first and then their sum, each rounded, as torch does."""
    half = packed.shape[3] // 2
    for b in range(packed.shape[0]):
        for t in range(packed.shape[1]):
            cos, sin = cos_BTD[b % len(cos_BTD), t], sin_BTD[b % len(cos_BTD), t]
            at = 0
            for part in (query, key):
                for h in range(part.shape[2]):
                    row, out = packed[b, t, at + h], part[b, t, h]
                    for d in range(half):
                        out[d] = row[d] * cos[d] - row[half + d] * sin[d]
                        out[half + d] = row[half + d] * cos[half + d] + row[d] * sin[half + d]
                at += part.shape[2]
            for h in range(value.shape[2]):
                value[b, t, h] = packed[b, t, at + h]


@njit(cache=True, nogil=True)
def _turn_back(
    packed: Any, cos_BTD: Any, sin_BTD: Any, query: Any, key: Any, value: Any
) -> None:  # pragma: no cover
    """The gradient of the packed rows from those of the heads."""
    half = packed.shape[3] // 2
    for b in range(packed.shape[0]):
        for t in range(packed.shape[1]):
            cos, sin = cos_BTD[b % len(cos_BTD), t], sin_BTD[b % len(cos_BTD), t]
            at = 0
            for part in (query, key):
                for h in range(part.shape[2]):
                    row, out = part[b, t, h], packed[b, t, at + h]
                    for d in range(half):
                        out[d] = row[d] * cos[d] + row[half + d] * sin[half + d]
                        out[half + d] = row[half + d] * cos[half + d] - row[d] * sin[d]
                at += part.shape[2]
            for h in range(value.shape[2]):
                packed[b, t, at + h] = value[b, t, h]
