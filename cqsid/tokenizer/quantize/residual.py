"""Residual quantisation: each level's codebook quantises what the levels above left over.

All levels' products with the codebooks come from one multiplication of exact integers (see
`grid`); those with residuals follow by subtracting products between codebooks. So the codes of a
vector do not depend on the vectors beside it, the number of threads or the machine.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.kernels.integers import IntegerProduct, products
from cqsid.tokenizer.quantize.grid import Bytes, Counts, Floats, Grid, check_finite, finest
from cqsid.tokenizer.quantize.lloyd import balanced, distinct_rows, lloyd, means_of, nearest
from simulator.errors import DataError

_BLOCK: Final = 512  # vectors encoded at once: the products stay in the cache
_ROWS_PER_CODE: Final = 64  # vectors in the sub-sample of k-means


@dataclass(frozen=True)
class Codebooks:
    """The codebooks of L levels, one below the other (K rows in all), in steps of `grid`.

    Attributes:
        sizes: codes of each level.
        grid: where vectors are rounded.
        codes_KD: (K, D) int8 integers of the codes.
        step_L: size of one step of each level's integers, in steps of the grid.
        price_K: (K,) added to squared distances, in squared steps; infinite: an unused code.
    """

    sizes: tuple[int, ...]
    grid: Grid
    codes_KD: Bytes
    step_L: NDArray[np.float64]
    price_K: Floats

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    @cached_property
    def start_L(self) -> NDArray[np.int64]:
        """(L + 1,) first row of each level."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    @cached_property
    def step_K(self) -> Floats:
        """(K,) step of each row's integers, in steps of the grid."""
        return np.repeat(self.step_L, self.sizes).astype(np.float32)

    @cached_property
    def times_codes(self) -> IntegerProduct:
        """Products of rounded vectors with the codes."""
        return IntegerProduct(self.codes_KD)

    @cached_property
    def twice_KK(self) -> Floats:
        """(K, K) twice the inner products between codes, in squared steps."""
        step_KK = self.step_K[:, None] * self.step_K
        return 2 * step_KK * products(self.codes_KD, self.codes_KD).astype(np.float32)

    @cached_property
    def offset_K(self) -> Floats:
        """(K,) squared norm and price of each code."""
        return self.twice_KK.diagonal() / np.float32(2) + self.price_K

    def nearest(self, x_ND: Bytes, given_N: Counts) -> Counts:
        """(N, L) codes of rounded vectors; a first code given (not -1) is taken as it is."""
        codes_NL = np.empty((len(x_ND), len(self.sizes)), np.int32)
        for start in range(0, len(x_ND), _BLOCK):
            rows = slice(start, start + _BLOCK)
            dot_NK = self.times_codes(x_ND[rows])
            _descend(
                *(dot_NK, 2 * self.step_K, self.offset_K, self.twice_KK, self.start_L),
                *(given_N[rows], codes_NL[rows]),
            )
        return codes_NL


class ResidualQuantizer:
    """Residual k-means whose codes are used about equally often."""

    books: Codebooks

    def fit(
        self,
        x_ND: Floats,
        sizes: tuple[int, ...],
        *,
        rng: np.random.Generator,
        balance: bool = True,
        iterations: int = 8,
        sample: int = 2**16,
        given_N: Counts | None = None,
    ) -> None:
        """Learn one codebook after another.

        Where no more distinct vectors (or residuals) are left than a level has codes, each gets
        a code of its own and the other codes stay unused; so vectors that are all equal share
        the id 0, 0, ..., 0.

        Args:
            x_ND: (N, D) vectors.
            sizes: codes of each level.
            rng: the source of randomness.
            balance: whether prices draw codes to equal use.
            iterations: passes of k-means over its sub-sample of 64 vectors a code.
            sample: vectors learned from at the most.
            given_N: (N,) first codes that are known, -1 for others. Then the first codebook holds
                the means of the vectors that have each code, without prices; a code that no
                vector has is never the nearest.

        Raises:
            DataError: no vectors, one that is not finite, or codes outside the first level.
        """
        _check(x_ND, sizes)
        x_ND = np.ascontiguousarray(x_ND, np.float32)
        given_N = _given(given_N, len(x_ND), sizes[0])
        grid = _grid(x_ND, sample, rng)
        some_N = rng.choice(len(x_ND), min(sample, len(x_ND)), replace=False)
        left_ND = grid.round(x_ND[some_N]).astype(np.float32)
        books: list[tuple[Bytes, float, Floats]] = []
        for level, size in enumerate(sizes):
            if level == 0 and (given_N >= 0).any():
                means_KD, price_K = _given_means(grid, x_ND, given_N, size)
                code_N = _nearest_left(left_ND, means_KD, price_K)
                code_N = np.where(given_N[some_N] >= 0, given_N[some_N], code_N)
            else:
                means_KD, price_K = _learned(left_ND, size, balance, iterations, rng)
                code_N = _nearest_left(left_ND, means_KD, price_K)
            integers_KD, step = finest(means_KD)
            books.append((integers_KD, step, price_K))
            _subtract(left_ND, integers_KD * np.float32(step), code_N)
        codes, steps, prices = zip(*books, strict=True)
        self.books = Codebooks(
            sizes, grid, np.concatenate(codes), np.array(steps), np.concatenate(prices)
        )

    def encode(self, x_ND: Floats, given_N: Counts | None = None) -> Counts:
        """(N, L) int32 codes: at each level the least squared distance + price.

        Args:
            x_ND: (N, D) vectors.
            given_N: (N,) first codes that are known, -1 for others; none: all are sought.

        Raises:
            DataError: a component that is not finite, other dimensions than in `fit`, or given
                codes outside the first level.
        """
        dimensions = self.books.codes_KD.shape[1]
        if x_ND.ndim != 2 or x_ND.shape[1] != dimensions:
            raise DataError(f"x_ND.shape == {x_ND.shape}, must be (vectors, {dimensions})")
        given_N = _given(given_N, len(x_ND), self.books.sizes[0])
        return self.books.nearest(
            self.books.grid.round(np.ascontiguousarray(x_ND, np.float32)), given_N
        )


def _learned(
    left_ND: Floats, size: int, balance: bool, iterations: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Means and prices of one level."""
    fine = _fine(left_ND)
    x_ND, price_K = fine.round(left_ND), np.zeros(size, np.float32)
    distinct_N = distinct_rows(x_ND, rng)
    if len(distinct_N) <= size:
        means_KD = np.zeros((size, left_ND.shape[1]), np.float32)
        means_KD[: len(distinct_N)] = x_ND[distinct_N]
        price_K[len(distinct_N) :] = np.inf
    else:
        rows = size * _ROWS_PER_CODE
        means_KD = lloyd(x_ND, distinct_N, size, rows=rows, iterations=iterations, rng=rng)
        if balance:
            means_KD, price_K = balanced(x_ND, distinct_N, means_KD, rng)
    return means_KD * np.float32(fine.step), price_K * np.float32(fine.step**2)


def _nearest_left(left_ND: Floats, means_KD: Floats, price_K: Floats) -> Counts:
    fine = _fine(left_ND)
    step = np.float32(fine.step)
    return nearest(fine.round(left_ND), means_KD / step, price_K / step**2)


def _fine(left_ND: Floats) -> Grid:
    """A grid as fine as the residuals of this level allow."""
    return Grid.of(left_ND, np.zeros(left_ND.shape[1], np.float32))


def _given_means(grid: Grid, x_ND: Floats, given_N: Counts, size: int) -> tuple[Floats, Floats]:
    known_N = np.flatnonzero(given_N >= 0)
    means_KD = means_of(grid.round(x_ND[known_N]), given_N[known_N], size)
    price_K = np.where(np.isnan(means_KD[:, 0]), np.float32(np.inf), np.float32(0))
    return np.nan_to_num(means_KD), price_K


def _grid(x_ND: Floats, sample: int, rng: np.random.Generator) -> Grid:
    mean_D = x_ND.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Grid.of(x_ND[rng.choice(len(x_ND), min(sample, len(x_ND)), replace=False)], mean_D)


def _check(x_ND: Floats, sizes: tuple[int, ...]) -> None:
    if x_ND.ndim != 2 or not x_ND.size:
        raise DataError(f"x_ND.shape == {x_ND.shape}, must be (vectors, dimensions), both >= 1")
    if not sizes or min(sizes) < 1:
        raise DataError(f"sizes == {sizes}, must be one number >= 1 for each level")
    check_finite(x_ND, "x_ND")


def _given(given_N: Counts | None, n_rows: int, size: int) -> Counts:
    if given_N is None:
        return np.full(n_rows, -1, np.int32)
    if given_N.shape != (n_rows,):
        raise DataError(f"given_N.shape == {given_N.shape}, must be ({n_rows},)")
    wrong_N = (given_N < -1) | (given_N >= size)
    if wrong_N.any():
        row = int(np.flatnonzero(wrong_N)[0])
        raise DataError(f"given_N[{row}] == {given_N[row]}, must be -1 to {size - 1}")
    return given_N.astype(np.int32)


@njit(cache=True, nogil=True)
def _subtract(left_ND: Any, means_KD: Any, code_N: Any) -> None:  # pragma: no cover
    """Take each vector's mean from it, in place."""
    for n in range(left_ND.shape[0]):
        for d in range(left_ND.shape[1]):
            left_ND[n, d] -= means_KD[code_N[n], d]


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _descend(
    dot_NK: Any,
    twice_K: Any,
    offset_K: Any,
    twice_KK: Any,
    start_L: Any,
    given_N: Any,
    codes_NL: Any,
) -> None:  # pragma: no cover
    """Level after level, the code of least |e|^2 + price - 2 x.e + 2 sum of chosen e'.e."""
    score_K = np.empty(dot_NK.shape[1], np.float32)
    for n in range(dot_NK.shape[0]):
        for k in range(dot_NK.shape[1]):
            score_K[k] = offset_K[k] - twice_K[k] * np.float32(dot_NK[n, k])
        for level in range(len(start_L) - 1):
            first, end = start_L[level], start_L[level + 1]
            chosen = first
            if level == 0 and given_N[n] >= 0:
                chosen = given_N[n]
            else:
                least = np.float32(np.inf)
                for k in range(first, end):
                    least = min(least, score_K[k])
                for k in range(first, end):
                    if score_K[k] == least:
                        chosen = k
                        break
            codes_NL[n, level] = chosen - first
            for k in range(end, score_K.shape[0]):
                score_K[k] += twice_KK[chosen, k]
