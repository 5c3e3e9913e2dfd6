"""Exact products of vectors of bytes: the same whole numbers on every processor, in any order.

Three ways: torch's private product of bytes, where the processor multiplies bytes without
saturation; pairs of 16-bit numbers, which AVX2 multiplies and adds in one instruction; float32,
which is exact as long as sums stay within the whole numbers that it holds.
"""

from typing import Any, Final

import numpy as np
import torch
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import models, register_model
from numpy.typing import NDArray

from cqsid.kernels.choice import way
from cqsid.kernels.lanes import compiled, inlined, place_of
from recall.device import one_thread

_EXACT: Final = 2**24 // 2**14  # dimensions of which float32 sums the products of bytes exactly
_CODES: Final = 16  # columns of the matrix that are multiplied at once
_INT: Final = ir.IntType(32)
_SUMS: Final = ir.VectorType(_INT, 8)
_PAIRS: Final = ir.VectorType(ir.IntType(16), 16)


class IntegerProduct:
    """x Y' for rows x of bytes and a matrix of bytes that stays as it is."""

    def __init__(self, y_KD: NDArray[np.int8]) -> None:
        self._codes, self._way = len(y_KD), way("integers")
        self._y: Any = y_KD
        if self._way == "pairs":
            self._y = _packed(y_KD)
        elif self._way == "torch":
            self._y = torch.from_numpy(y_KD).float()

    def __call__(self, x_ND: NDArray[np.int8]) -> NDArray[np.int32]:
        """(N, K) int32 inner products, contiguous.

        On one thread: blocks are small, and threads that wait for each other on busy cores have
        made this 60 times slower.
        """
        if self._way == "pairs":
            return self._paired(x_ND)
        with one_thread():
            x = torch.from_numpy(x_ND)
            if self._way == "onednn":
                return torch._int_mm(x, torch.from_numpy(self._y).T).numpy()
            return _by_floats(x.float(), self._y).numpy()

    def _paired(self, x_ND: NDArray[np.int8]) -> NDArray[np.int32]:
        dimensions = x_ND.shape[1]
        wide_ND = np.zeros((len(x_ND), dimensions + dimensions % 2), np.int16)
        wide_ND[:, :dimensions] = x_ND
        found_NK = np.empty((len(x_ND), len(self._y) * _CODES), np.int32)
        _multiply_pairs(wide_ND, self._y, found_NK)
        return np.ascontiguousarray(found_NK[:, : self._codes])


def products(x_ND: NDArray[np.int8], y_KD: NDArray[np.int8]) -> NDArray[np.int32]:
    """(N, K) int32 inner products of rows of bytes."""
    return IntegerProduct(y_KD)(x_ND)


def _by_floats(x_ND: torch.Tensor, y_KD: torch.Tensor) -> torch.Tensor:
    """The plain twin: as many dimensions at once as float32 sums exactly."""
    parts = zip(torch.split(x_ND, _EXACT, dim=1), torch.split(y_KD, _EXACT, dim=1), strict=True)
    found = [(x_NE @ y_KE.T).int() for x_NE, y_KE in parts]
    return torch.stack(found).sum(0, dtype=torch.int32) if len(found) > 1 else found[0]


def _packed(y_KD: NDArray[np.int8]) -> NDArray[np.int16]:
    """(K / 16, D / 2 * 32) of 16 rows, one pair of dimensions after the other; padded with 0."""
    rows, dimensions = y_KD.shape
    wide_KD = np.zeros((-(-rows // _CODES) * _CODES, dimensions + dimensions % 2), np.int16)
    wide_KD[:rows, :dimensions] = y_KD
    blocks = wide_KD.reshape(-1, _CODES, wide_KD.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(blocks).reshape(len(blocks), -1)


class Sums(types.Type):
    """Eight int32 sums of pairs of products."""

    def __init__(self) -> None:
        super().__init__(name="int32x8")


_TYPE: Final = Sums()


@register_model(Sums)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _SUMS)  # type: ignore[no-untyped-call]


@inlined
def _nothing(typing: Any) -> Any:
    """Sums of nothing."""
    return _TYPE(), lambda context, builder, signature, values: ir.Constant(_SUMS, [0] * 8)


@inlined
def _plus(typing: Any, sums: Any, x: Any, pair: Any, y: Any, pairs: Any) -> Any:
    """Sums plus the products of `x[pair:pair + 2]` with each two of `y[pairs:pairs + 16]`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sums, x, pair, y, pairs = values
        place = place_of(context, builder, signature.args[1], x, pair, _INT)
        one = builder.insert_element(
            ir.Constant(_SUMS, ir.Undefined), builder.load(place, align=2), ir.Constant(_INT, 0)
        )
        zeros = ir.Constant(_SUMS, [0] * 8)
        every = builder.shuffle_vector(one, ir.Constant(_SUMS, ir.Undefined), zeros)
        place = place_of(context, builder, signature.args[3], y, pairs, _PAIRS)
        kind = ir.FunctionType(_SUMS, [_PAIRS, _PAIRS])
        multiply = builder.module.declare_intrinsic("llvm.x86.avx2.pmadd.wd", fnty=kind)
        operands = (builder.bitcast(every, _PAIRS), builder.load(place, align=2))
        return builder.add(sums, builder.call(multiply, operands))

    return _TYPE(_TYPE, x, types.intp, y, types.intp), code


@inlined
def _store(typing: Any, found: Any, at: Any, sums: Any) -> Any:
    """Write to `found[at:at + 8]`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = place_of(context, builder, signature.args[0], values[0], values[1], _SUMS)
        builder.store(values[2], place, align=4)
        return context.get_dummy_value()

    return types.void(found, types.intp, _TYPE), code


@compiled
def _multiply_pairs(x_ND: Any, y_BP: Any, found_NK: Any) -> None:  # pragma: no cover
    """Six rows by sixteen codes at once; the last rows are computed again where fewer are left."""
    last = len(x_ND) - 1
    for b in range(len(y_BP)):
        y, k = y_BP[b], 16 * b
        for n in range(0, len(x_ND), 6):
            n0, n1, n2 = n, min(n + 1, last), min(n + 2, last)
            n3, n4, n5 = min(n + 3, last), min(n + 4, last), min(n + 5, last)
            x0, x1, x2, x3, x4, x5 = x_ND[n0], x_ND[n1], x_ND[n2], x_ND[n3], x_ND[n4], x_ND[n5]
            s0 = s1 = s2 = s3 = s4 = s5 = t0 = t1 = t2 = t3 = t4 = t5 = _nothing()
            for d in range(0, len(x0), 2):
                low, high = 16 * d, 16 * d + 16
                s0, t0 = _plus(s0, x0, d, y, low), _plus(t0, x0, d, y, high)
                s1, t1 = _plus(s1, x1, d, y, low), _plus(t1, x1, d, y, high)
                s2, t2 = _plus(s2, x2, d, y, low), _plus(t2, x2, d, y, high)
                s3, t3 = _plus(s3, x3, d, y, low), _plus(t3, x3, d, y, high)
                s4, t4 = _plus(s4, x4, d, y, low), _plus(t4, x4, d, y, high)
                s5, t5 = _plus(s5, x5, d, y, low), _plus(t5, x5, d, y, high)
            _store(found_NK[n0], k, s0), _store(found_NK[n0], k + 8, t0)
            _store(found_NK[n1], k, s1), _store(found_NK[n1], k + 8, t1)
            _store(found_NK[n2], k, s2), _store(found_NK[n2], k + 8, t2)
            _store(found_NK[n3], k, s3), _store(found_NK[n3], k + 8, t3)
            _store(found_NK[n4], k, s4), _store(found_NK[n4], k + 8, t4)
            _store(found_NK[n5], k, s5), _store(found_NK[n5], k + 8, t5)
