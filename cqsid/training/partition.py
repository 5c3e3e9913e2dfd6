"""The logarithm of summed exponentials over all tokens, differentiable, as fast as a CPU allows.

Logits of all tokens are most of what a small model computes. Here they are made some rows at a
time, turned into exponentials while they are near the processor, and multiplied with as they are
on the way back: no softmax, no gradient of logits is ever written.

Axis suffixes: N rows, R rows of a chunk, D model width, V tokens.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional as F

from cqsid.lanes import (
    LANES,
    add,
    exponential,
    larger,
    largest,
    leading,
    load,
    spread,
    store,
    subtract,
    total,
)
from cqsid.matmul import Product, fits, product

_NEVER: Final = np.float32(-3e38)
_ROWS: Final = 256  # of a chunk: more do not stay near the processor, fewer multiply slowly
_KEPT: Final = 2**26  # most exponentials kept for the way back; with more they are made again


def log_partition(hidden_ND: Tensor, head_VD: Tensor) -> Tensor:
    """(N,) logarithm of the summed exponentials of the logits `hidden_ND @ head_VD.T`."""
    if not fits(hidden_ND, head_VD):
        return torch.logsumexp(F.linear(hidden_ND, head_VD).float(), dim=-1)
    keep = torch.is_grad_enabled() and len(hidden_ND) * len(head_VD) <= _KEPT
    found_N = _LogPartition.apply(hidden_ND, head_VD, keep)  # type: ignore[no-untyped-call]
    return cast("Tensor", found_N)


class _LogPartition(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, head_VD: Tensor, keep: bool) -> Tensor:
        head, ctx.kept = Product(head_VD), []
        top_N, total_N = (hidden_ND.new_empty(len(hidden_ND)) for _ in range(2))
        for first in range(0, len(hidden_ND), _ROWS):
            some = slice(first, first + _ROWS)
            e_RV = head(hidden_ND[some])
            _exponentiate(e_RV.numpy(), top_N[some].numpy(), total_N[some].numpy())
            if keep:
                ctx.kept.append(e_RV)
        ctx.save_for_backward(hidden_ND, head_VD, total_N)
        return top_N + total_N.log()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        hidden_ND, head_VD, total_N = ctx.saved_tensors
        share_N1 = (grads[0] / total_N)[:, None]  # what an exponential's logit is pushed by
        grad_ND = torch.empty_like(hidden_ND) if ctx.needs_input_grad[0] else None
        grad_DV = torch.zeros_like(head_VD.T) if ctx.needs_input_grad[1] else None
        back = Product(head_VD.T)
        for number, e_RV in enumerate(_made(ctx.kept, hidden_ND, head_VD)):
            some = slice(number * _ROWS, (number + 1) * _ROWS)
            if grad_ND is not None:
                torch.mul(back(e_RV), share_N1[some], out=grad_ND[some])
            if grad_DV is not None:
                pushed_RD = hidden_ND[some] * share_N1[some]
                grad_DV += product(pushed_RD.T, e_RV.T)
        return grad_ND, None if grad_DV is None else grad_DV.T, None


def _made(kept: list[Tensor], hidden_ND: Tensor, head_VD: Tensor) -> Iterator[Tensor]:
    """The exponentials chunk by chunk: those that were kept, or made again."""
    if kept:
        yield from kept
        return
    head = Product(head_VD)
    for first in range(0, len(hidden_ND), _ROWS):
        e_RV = head(hidden_ND[first : first + _ROWS])
        unread_2R = np.empty((2, len(e_RV)), np.float32)
        _exponentiate(e_RV.numpy(), *unread_2R)
        yield e_RV


@njit(cache=True, nogil=True, error_model="numpy")
def _exponentiate(logits_RV: Any, top_R: Any, total_R: Any) -> None:  # pragma: no cover
    """Logits to exponentials of what they are below their row's largest, and the sum of these."""
    size, never = logits_RV.shape[1], spread(_NEVER)
    for r in range(len(logits_RV)):
        row, top, sums = logits_RV[r], never, spread(np.float32(0.0))
        for v in range(0, size, LANES):
            top = larger(leading(load(row, v, size - v), size - v, never), top)
        highest = largest(top)
        top = spread(highest)
        for v in range(0, size, LANES):
            part = leading(load(row, v, size - v), size - v, never)
            part = exponential(subtract(part, top))
            sums = add(sums, part)
            store(row, v, size - v, part)
        top_R[r], total_R[r] = highest, total(sums)
