"""Products of rows with a matrix: by oneDNN where that is faster, or plain torch."""

from math import gcd
from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from cqsid.kernels.choice import way

_FEWEST: Final = 4  # rows of a plain product: fewer are multiplied another way, with other bits
_WHOLE: Final = 32  # elements that torch takes at once: what is left over gets other bits
_NEAR: Final = 16  # rows by which the numbers of rows for which oneDNN compiles lie apart at least


class Product:
    """x W' + b for rows x and a matrix that stays as it is; float32, without gradients."""

    def __init__(self, weight_OD: Tensor, bias_O: Tensor | None = None) -> None:
        """Copy the matrix as it is now."""
        self._bias_O = None if bias_O is None else bias_O.detach().float().clone()
        weight_OD = weight_OD.detach().float()
        self._fused = _onednn() if fits(weight_OD, weight_OD) else None
        if self._fused is None:
            self._weight_OD = weight_OD.clone()
        else:
            self._weight_OD = self._fused._reorder_linear_weight(weight_OD.contiguous(), None)

    def __getstate__(self) -> tuple[Tensor, Tensor | None]:
        weight_OD = self._weight_OD
        if self._fused is not None:
            weight_OD = weight_OD.to_dense()
        return weight_OD, self._bias_O

    def __setstate__(self, state: tuple[Tensor, Tensor | None]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, x_AD: Tensor, *, silu: bool = False) -> Tensor:
        """(A, O) the products; their SiLU, if asked for."""
        if self._fused is None:
            return self._plain(x_AD, silu)
        after, whole_AD = "swish" if silu else "none", _whole(x_AD)
        found = self._fused._linear_pointwise(
            whole_AD, self._weight_OD, self._bias_O, after, [], ""
        )
        return cast("Tensor", found)[: len(x_AD)]

    def plus(self, x_AD: Tensor, other_AO: Tensor) -> Tensor:
        """(A, O) the products plus another matrix."""
        return self._with(x_AD, other_AO, "add")

    def times(self, x_AD: Tensor, other_AO: Tensor) -> Tensor:
        """(A, O) the products times another matrix, element by element."""
        return self._with(x_AD, other_AO, "mul")

    def _with(self, x_AD: Tensor, other_AO: Tensor, how: str) -> Tensor:
        if self._fused is None:
            found_AO = self._plain(x_AD)
            return found_AO.add_(other_AO) if how == "add" else found_AO.mul_(other_AO)
        pair = (_whole(x_AD), _whole(other_AO), self._weight_OD, self._bias_O, how)
        return cast("Tensor", self._fused._linear_pointwise.binary(*pair))[: len(x_AD)]

    def _plain(self, x_AD: Tensor, silu: bool = False) -> Tensor:
        """Padded, so that a row has the same bits in any company."""
        some = _WHOLE // gcd(_WHOLE, len(self._weight_OD)) if silu else 1
        missing = max(_FEWEST - len(x_AD), -len(x_AD) % some)
        padded_AD = F.pad(x_AD, (0, 0, 0, missing)) if missing > 0 else x_AD
        found_AO = F.linear(padded_AD, self._weight_OD, self._bias_O)
        return (F.silu(found_AO, inplace=True) if silu else found_AO)[: len(x_AD)]


def whole(x_AD: Tensor) -> Tensor:
    """The rows with those of zeros behind that a `Product` would put there each time it is called.

    Rows that pass through several products get them once.
    """
    return _whole(x_AD) if _onednn() is not None and fits(x_AD, x_AD) else x_AD


def _whole(x_AD: Tensor) -> Tensor:
    """As many rows as oneDNN has compiled a product for, or will have soon.

    For a number of rows that it has not met it compiles for longer than it then multiplies some
    hundred rows, and a row has the same bits in any company. So there are eight numbers of rows
    to a doubling, and few of the rows are those of zeros.
    """
    rows = len(x_AD)
    apart = max(_NEAR, (1 << (rows - 1).bit_length()) // 16)
    missing = -rows % apart
    if not missing:
        return x_AD
    whole_AD = x_AD.new_empty(rows + missing, x_AD.shape[1])
    whole_AD[:rows], whole_AD[rows:] = x_AD, 0
    return whole_AD


def product(x: Tensor, weight_OD: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """x W' + b for the rows (..., D) of x, without gradients, as `torch.nn.functional.linear`."""
    fused = _onednn() if fits(x, weight_OD) else None
    if fused is None:
        return F.linear(x, weight_OD, bias_O)
    # oneDNN takes its reference code for rows that lie apart, hundreds of times as slow.
    x, weight_OD = x.contiguous(), _dense(weight_OD)
    return cast("Tensor", fused._linear_pointwise(x, weight_OD, bias_O, "none", [], ""))


def _dense(weight_OD: Tensor) -> Tensor:
    """The matrix without gaps, row by row or column by column."""
    whole = weight_OD.is_contiguous() or weight_OD.T.is_contiguous()
    return weight_OD if whole else weight_OD.contiguous()


def fits(x: Tensor, weight_OD: Tensor) -> bool:
    """Whether oneDNN may multiply these: on a CPU, in float32."""
    return x.device.type == "cpu" and x.dtype == weight_OD.dtype == torch.float32


def _onednn() -> Any:
    """Torch's private fused products; None where plain torch multiplies."""
    return torch.ops.mkldnn if way("matmul") == "onednn" else None


def linear(x: Tensor, weight_OD: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """x W' + b for the rows (..., D) of x, as `torch.nn.functional.linear`."""
    if _onednn() is None or not fits(x, weight_OD):
        return F.linear(x, weight_OD, bias_O)
    return cast("Tensor", _Linear.apply(x, weight_OD, bias_O))  # type: ignore[no-untyped-call]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_OD: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight_OD)
        ctx.has_bias = bias_O is not None
        return product(x, weight_OD, bias_O)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight_OD = ctx.saved_tensors
        grad_AO, x_AD = grads[0].contiguous().flatten(0, -2), x.flatten(0, -2)
        grad_x = grad_weight_OD = None
        if ctx.needs_input_grad[0]:
            grad_x = product(grad_AO, weight_OD.T).view_as(x)
        if ctx.needs_input_grad[1] and grad_AO.shape[1] <= x_AD.shape[1]:
            grad_weight_OD = product(grad_AO.T, x_AD.T)
        elif ctx.needs_input_grad[1]:  # the left factor is copied, so let it be the narrower
            grad_weight_OD = product(x_AD.T, grad_AO.T).T
        return grad_x, grad_weight_OD, grad_AO.sum(0) if ctx.has_bias else None
