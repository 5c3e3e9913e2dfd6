"""The logarithm of summed exponentials of logits: as served, and differentiable."""

from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np
import torch
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
    spread,
    store,
    subtract,
    total,
)
from cqsid.kernels.matmul import Product, fits, product

Floats = NDArray[np.float32]
_NEVER: Final = np.float32(-3e38)
_ROWS: Final = 256  # of a chunk: more do not stay near the processor, fewer multiply slowly
_KEPT: Final = 2**26  # most exponentials kept for the way back; with more they are made again


class Partition:
    """The sum of the exponentials of A rows of logits, so far."""

    def __init__(self, logits_AV: Floats) -> None:
        self._top_A = np.full(len(logits_AV), _NEVER)
        self._total_A = np.zeros(len(logits_AV), np.float32)
        self.take(logits_AV)

    def take(self, logits_AV: Floats, first: int = 0) -> None:
        """Take up more logits, of the rows from `first` on."""
        some = slice(first, first + len(logits_AV))
        take = _take if way("logsumexp") == "lanes" else _take_plainly
        take(logits_AV, self._top_A[some], self._total_A[some])

    def rows(self, some: NDArray[np.int64]) -> "Partition":
        """Some of the rows; going on with them leaves these as they are."""
        part = Partition.__new__(Partition)
        part._top_A, part._total_A = self._top_A[some], self._total_A[some]
        return part

    def log(self) -> Floats:
        """(A,) the logarithm of the sum; not finite where a logit was not."""
        found_A: Floats = self._top_A + np.log(self._total_A)
        return found_A


@compiled
def _take(logits_AV: Any, top_A: Any, total_A: Any) -> None:  # pragma: no cover
    size, zero, never = logits_AV.shape[1], spread(np.float32(0.0)), spread(_NEVER)
    whole = size // LANES * LANES
    paired = whole // (2 * LANES) * (2 * LANES)
    for a in range(len(logits_AV)):
        logits_V = logits_AV[a]
        last = leading(load(logits_V, whole, size - whole), size - whole, never)
        top, other = larger(last, spread(top_A[a])), never
        broken, wrong = fused(last, zero, zero), zero  # 0 times what is not finite is no number
        for v in range(0, paired, 2 * LANES):
            one, two = load(logits_V, v, LANES), load(logits_V, v + LANES, LANES)
            top, other = larger(one, top), larger(two, other)
            broken, wrong = fused(one, zero, broken), fused(two, zero, wrong)
        if paired < whole:
            one = load(logits_V, paired, LANES)
            top, broken = larger(one, top), fused(one, zero, broken)
        highest = largest(larger(top, other))
        top = spread(highest)
        sums = exponential(subtract(last, top))  # lanes beyond the end add nothing
        for v in range(0, whole, LANES):
            sums = add(sums, exponential(subtract(load(logits_V, v, LANES), top)))
        before = largest(exponential(subtract(spread(top_A[a]), top)))
        total_A[a] = total_A[a] * before + total(sums) + total(add(broken, wrong))
        top_A[a] = highest


def _take_plainly(logits_AV: Floats, top_A: Floats, total_A: Floats) -> None:
    """The same by torch."""
    logits, top, total = (torch.from_numpy(each) for each in (logits_AV, top_A, total_A))
    highest = torch.maximum(top, logits.amax(1))
    broken = (logits * 0).sum(1)  # 0 times what is not finite is no number
    sums = (logits - highest[:, None]).exp().sum(1)
    total.copy_(total * (top - highest).exp() + sums + broken)
    top.copy_(highest)


def log_partition(hidden_ND: Tensor, head_VD: Tensor) -> Tensor:
    """(N,) logarithm of the summed exponentials of the logits `hidden_ND @ head_VD.T`."""
    if way("log_partition") == "torch" or not fits(hidden_ND, head_VD):
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


@compiled
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
