"""Counter-based randomness: every draw is a pure function of what it is for.

Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a
128-bit key and a 256-bit counter to 256 random bits. The key is (seed, purpose) and the counter
(shopper, session, request, slot), so adding a draw never shifts another, the order of evaluation
does not matter, and a shopper keeps the same luck in every arm and in every world.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numba import njit, vectorize
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, ndtri

Floats = NDArray[np.float64]

_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MANTISSA = np.uint64(12)
_UNIT = 2.0**-52


@njit(inline="always", cache=True)
def _high_product(a: Any, b: Any) -> Any:
    """Upper 64 bits of a 64 x 64 bit product, from 32-bit halves."""
    a_low, a_high = a & _LOW, a >> _HALF
    b_low, b_high = b & _LOW, b >> _HALF
    middle = a_high * b_low + ((a_low * b_low) >> _HALF)
    carry = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _HALF) + (carry >> _HALF)


@vectorize(["uint64(uint64,uint64,uint64,uint64,uint64,uint64)"], cache=True)  # type: ignore[no-untyped-call,untyped-decorator]
def philox(key0: Any, key1: Any, counter0: Any, counter1: Any, counter2: Any, counter3: Any) -> Any:
    """First 64-bit word of the Philox4x64-10 block at a counter (uint64, broadcasts)."""
    x0, x1, x2, x3 = counter0, counter1, counter2, counter3
    for _ in range(_ROUNDS):
        high0, low0 = _high_product(_MULTIPLIER_0, x0), _MULTIPLIER_0 * x0
        high1, low1 = _high_product(_MULTIPLIER_1, x2), _MULTIPLIER_1 * x2
        x0, x1, x2, x3 = high1 ^ x1 ^ key0, low1, high0 ^ x3 ^ key1, low0
        key0 += _WEYL_0
        key1 += _WEYL_1
    return x0


@cache
def purpose_key(purpose: str) -> np.uint64:
    """64-bit key of a purpose: its BLAKE2b hash, so purposes never collide by numbering."""
    return np.uint64(int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little"))


def _counter(values: ArrayLike) -> NDArray[np.uint64]:
    return np.asarray(values, dtype=np.int64).astype(np.uint64)


@dataclass(frozen=True)
class Draws:
    """All the luck of one world. Keys broadcast; the result has their common shape.

    Every draw takes the keys of `bits`, in its order or by name.
    `slot` may be any integer that tells draws of one request apart: a position or an item id.
    """

    seed: int

    def bits(
        self,
        purpose: str,
        shopper: ArrayLike = 0,
        session: ArrayLike = 0,
        request: ArrayLike = 0,
        slot: ArrayLike = 0,
    ) -> NDArray[np.uint64]:
        """64 random bits per element."""
        seed = np.uint64(self.seed & 0xFFFFFFFFFFFFFFFF)
        counters = (_counter(shopper), _counter(session), _counter(request), _counter(slot))
        return np.asarray(philox(seed, purpose_key(purpose), *counters))

    def uniform(self, purpose: str, *keys: ArrayLike, **named: ArrayLike) -> Floats:
        """Uniform on the open interval (0, 1): never 0, so logs and quantiles stay finite."""
        bits = self.bits(purpose, *keys, **named)
        return ((bits >> _MANTISSA).astype(np.float64) + 0.5) * _UNIT

    def normal(self, purpose: str, *keys: ArrayLike, **named: ArrayLike) -> Floats:
        """Standard normal by inversion."""
        return np.asarray(ndtri(self.uniform(purpose, *keys, **named)))

    def gumbel(self, purpose: str, *keys: ArrayLike, **named: ArrayLike) -> Floats:
        """Standard Gumbel by inversion: the taste shock of a discrete choice."""
        return -np.log(-np.log(self.uniform(purpose, *keys, **named)))

    def gamma(self, purpose: str, shape: float, shopper: ArrayLike = 0) -> Floats:
        """Gamma(shape, 1) by inversion."""
        return np.asarray(gammaincinv(shape, self.uniform(purpose, shopper)))

    def child(self, purpose: str) -> "Draws":
        """Independent luck for a named sub-world, such as one of the truth stage's seeds."""
        return Draws(int(self.bits("child:" + purpose)))
