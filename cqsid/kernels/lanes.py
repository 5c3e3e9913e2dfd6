"""Sixteen float32 at once, for kernels whose loops are too short for a compiler to see through.

A `Lanes` value lives in one register of AVX-512, in two or four of older processors. Every
function here works lane by lane, or over the lanes in one fixed order: same bits everywhere.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic, models, register_model

LANES: Final = 16
_FLOAT: Final = ir.FloatType()
_INT: Final = ir.IntType(32)
_VECTOR: Final = ir.VectorType(_FLOAT, LANES)
_INTS: Final = ir.VectorType(_INT, LANES)
_LOWEST: Final = -87.0  # e to the power of less is no normal number
_ROUND: Final = 12582912.0  # 1.5 * 2**23: a float32 plus this is rounded to a whole number
_LOG2_E: Final = 1.4426950408889634
_LN2: Final = (0.693359375, -2.12194440e-4)  # ln 2 in two parts, the first exact in few bits
_TERMS: Final = tuple(1.0 / n for n in (720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0))


def compiled(function: Any) -> Any:
    """Compile, and keep the code on disk until the function's file or this one changes.

    By itself numba looks at the function's file alone.
    """
    made = njit(cache=True, nogil=True, error_model="numpy")(function)
    kept, here = cast("Any", made)._cache._cache_file, Path(__file__).stat()
    kept._source_stamp = (*kept._source_stamp, here.st_mtime, here.st_size)
    return made


class Lanes(types.Type):
    """Sixteen float32."""

    def __init__(self) -> None:
        super().__init__(name="float32x16")


_TYPE: Final = Lanes()


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)  # type: ignore[no-untyped-call]


def inlined(make: Callable[..., Any]) -> Any:
    """To numba an intrinsic function, to a type checker anything."""
    return intrinsic(make)


def _constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_FLOAT, value)] * LANES)


def _spread(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(_INT, 0))
    zeros = ir.Constant(_INTS, [ir.Constant(_INT, 0)] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _call(builder: Any, name: str, kind: Any, *operands: Any) -> Any:
    function = builder.module.declare_intrinsic(
        name, fnty=ir.FunctionType(kind, [operand.type for operand in operands])
    )
    return builder.call(function, operands)


def place_of(
    context: Any, builder: Any, array_type: Any, array: Any, at: Any, kind: Any = _VECTOR
) -> Any:
    """Where `array[at]` and what follows it lies, as a pointer to numbers of a kind."""
    first = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(first, [at]), kind.as_pointer())


def _mask(builder: Any, count: Any) -> Any:
    """The first `count` lanes."""
    wide = ir.VectorType(count.type, LANES)
    order = ir.Constant(wide, [ir.Constant(count.type, lane) for lane in range(LANES)])
    one = builder.insert_element(ir.Constant(wide, ir.Undefined), count, ir.Constant(_INT, 0))
    zeros = ir.Constant(_INTS, [ir.Constant(_INT, 0)] * LANES)
    every = builder.shuffle_vector(one, ir.Constant(wide, ir.Undefined), zeros)
    return builder.icmp_signed("<", order, every)


@inlined
def load(typing: Any, array: Any, at: Any, count: Any) -> Any:
    """`array[at:at + 16]` of a contiguous row; lanes from `count` on are 0 and are not read."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = place_of(context, builder, signature.args[0], values[0], values[1])
        align, mask = ir.Constant(_INT, 4), _mask(builder, values[2])
        name = "llvm.masked.load.v16f32.p0"
        return _call(builder, name, _VECTOR, place, align, mask, _constant(0.0))

    return _TYPE(array, types.intp, types.intp), code


@inlined
def store(typing: Any, array: Any, at: Any, count: Any, value: Any) -> Any:
    """Write the first `count` lanes to `array[at:at + count]`."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = place_of(context, builder, signature.args[0], values[0], values[1])
        align, mask = ir.Constant(_INT, 4), _mask(builder, values[2])
        name = "llvm.masked.store.v16f32.p0"
        _call(builder, name, ir.VoidType(), values[3], place, align, mask)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, _TYPE), code


@inlined
def spread(typing: Any, scalar: Any) -> Any:
    """The same number in all lanes."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _spread(builder, values[0])

    return _TYPE(types.float32), code


@inlined
def leading(typing: Any, a: Any, count: Any, b: Any) -> Any:
    """The first `count` lanes of a, the others' of b."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        a, count, b = values
        return builder.select(_mask(builder, count), a, b)

    return _TYPE(_TYPE, types.intp, _TYPE), code


@inlined
def fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _call(builder, "llvm.fma.v16f32", _VECTOR, *values)

    return _TYPE(_TYPE, _TYPE, _TYPE), code


def _binary(combine: Callable[[Any, Any, Any], Any]) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return combine(builder, *values)

    return code


@inlined
def add(typing: Any, a: Any, b: Any) -> Any:
    """a + b."""
    return _TYPE(_TYPE, _TYPE), _binary(lambda builder, a, b: builder.fadd(a, b))


@inlined
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """a - b."""
    return _TYPE(_TYPE, _TYPE), _binary(lambda builder, a, b: builder.fsub(a, b))


@inlined
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """a * b."""
    return _TYPE(_TYPE, _TYPE), _binary(lambda builder, a, b: builder.fmul(a, b))


@inlined
def larger(typing: Any, a: Any, b: Any) -> Any:
    """The larger of a and b, b where either is not a number."""
    return _TYPE(_TYPE, _TYPE), _binary(_larger)


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


@inlined
def total(typing: Any, a: Any) -> Any:
    """The sum of the lanes: halves, quarters and so on."""
    return types.float32(_TYPE), _folded(lambda builder, a, b: builder.fadd(a, b))


@inlined
def largest(typing: Any, a: Any) -> Any:
    """The largest of the lanes."""
    return types.float32(_TYPE), _folded(_larger)


def _folded(combine: Callable[[Any, Any, Any], Any]) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        value, width = values[0], LANES
        while width > 1:
            width //= 2
            kind = ir.VectorType(_INT, width)
            low, high = (
                ir.Constant(kind, [ir.Constant(_INT, first + lane) for lane in range(width)])
                for first in (0, width)
            )
            value = combine(
                builder,
                builder.shuffle_vector(value, value, low),
                builder.shuffle_vector(value, value, high),
            )
        return builder.extract_element(value, ir.Constant(_INT, 0))

    return code


@inlined
def exponential(typing: Any, x: Any) -> Any:
    """e to the power of x <= 0, within 2e-7 of it relatively; 1.6e-38 for x below -87.

    x = n ln 2 + r with |r| <= ln(2) / 2; Taylor's series of e to the r, n added to the exponent's
    bits. Adding `_ROUND` leaves n in the lowest bits.
    """

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        def fused(a: Any, b: Any, c: Any) -> Any:
            return _call(builder, "llvm.fma.v16f32", _VECTOR, a, b, c)

        x = _larger(builder, values[0], _constant(_LOWEST))
        shifted = fused(x, _constant(_LOG2_E), _constant(_ROUND))
        n = builder.fsub(shifted, _constant(_ROUND))
        r = x
        for part in _LN2:
            r = fused(n, _constant(-part), r)
        series = _constant(_TERMS[0])
        for term in _TERMS[1:]:
            series = fused(series, r, _constant(term))
        exponent = ir.Constant(_INTS, [ir.Constant(_INT, 23)] * LANES)
        power = builder.shl(builder.bitcast(shifted, _INTS), exponent)
        return builder.bitcast(builder.add(builder.bitcast(series, _INTS), power), _VECTOR)

    return _TYPE(_TYPE), code
