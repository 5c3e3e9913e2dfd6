"""The exponential function in float32, such that a compiler can do sixteen at once."""

from typing import Any

import numpy as np
from numba import njit

_LOWEST = np.float32(-87.0)  # below, the result is no normal number
_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH = np.float32(0.693359375)  # ln 2 in two parts, the first exact in few bits
_LN2_LOW = np.float32(-2.12194440e-4)
_TERMS = tuple(np.float32(1.0 / n) for n in (720.0, 120.0, 24.0, 6.0, 2.0))
_HALF, _ONE = np.float32(0.5), np.float32(1.0)


@njit(cache=True, nogil=True, inline="always")
def exp32(x: Any) -> Any:  # pragma: no cover
    """e to the power of x <= 0, within 2e-7 of it relatively; 1.6e-38 for x below -87.

    x = n ln 2 + r with |r| <= ln(2) / 2; Taylor's series of e to the r, times 2 to the n put
    directly into the exponent's bits.
    """
    x = max(x, _LOWEST)
    n = np.floor(x * _LOG2_E + _HALF)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    a, b, c, d, e = _TERMS
    series = ((((a * r + b) * r + c) * r + d) * r + e) * r * r + r + _ONE
    bits = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
    return series * bits.view(np.float32)
