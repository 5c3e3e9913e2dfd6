"""k-means on vectors of whole numbers, and prices that balance how often codes are used.

An item takes the code of least `distance + price`. A price is stored beside its code and fixed
once learned, so an item's code stays a function of the item alone.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cqsid.kernels.integers import IntegerProduct, products
from cqsid.tokenizer.quantize.grid import Bytes, Counts, Floats, finest
from simulator.errors import DataError

_REFRESH: Final = 8  # iterations between absorbing the scalings into the kernel, against overflow
_STEEPEST: Final = 20.0  # largest change of a logarithm in one iteration, against overflow


def sinkhorn_prices(
    distance_NK: Floats, *, temperature: float, iterations: int, strength: float = np.inf
) -> Floats:
    """Prices under which codes are used about equally often.

    Sinkhorn iterations (Cuturi, 2013) scale the rows of `exp(-distance / temperature)` to 1 and
    its columns to N / K; a code's price is minus temperature times the logarithm of its scaling.
    With a finite strength the columns are only drawn to N / K (unbalanced transport, Chizat et
    al., 2018, prop. for the Kullback-Leibler divergence): a code that stays e times too popular
    then costs `strength` more than one of the right size.

    Args:
        distance_NK: (N, K) distances of a sample of N items to K codes.
        temperature: softness of the assignment, in units of the distances; the argmin balances
            more closely at a lower one, which needs more iterations.
        iterations: how many times rows and columns are scaled.
        strength: what imbalance costs, in units of the distances; infinite: it must vanish.

    Returns:
        (K,) float32 prices, mean 0; zeros where there is nothing to balance (N or K below 2).

    Raises:
        DataError: a distance is no finite number, or temperature or strength is not above 0.
    """
    for name, value in (("temperature", temperature), ("strength", strength)):
        if not value > 0:
            raise DataError(f"{name} == {value}, must be > 0 (units of the distances)")
    distance_NK = np.ascontiguousarray(distance_NK, np.float32)
    if not np.isfinite(distance_NK).all():
        row, code = (int(at[0]) for at in np.nonzero(~np.isfinite(distance_NK)))
        raise DataError(f"distance_NK[{row}, {code}] == {distance_NK[row, code]}, must be finite")
    if min(distance_NK.shape) < 2:
        return np.zeros(distance_NK.shape[1], np.float32)
    # a code that is nowhere the nearest starts as cheap as makes it so, or its kernel would vanish
    price_K: NDArray[np.float64]
    price_K = -(distance_NK - distance_NK.min(axis=1, keepdims=True)).min(axis=0).astype(float)
    kernel_NK, damping = np.empty_like(distance_NK), 1.0 / (1.0 + temperature / strength)
    for done in range(0, iterations, _REFRESH):
        _kernel(distance_NK, price_K.astype(np.float32), np.float32(temperature), kernel_NK)
        log_K = _log_scalings(
            kernel_NK, -price_K / temperature, damping, min(_REFRESH, iterations - done)
        )
        price_K -= temperature * (log_K - log_K.mean())
    return price_K.astype(np.float32)


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _kernel(
    distance_NK: Any, price_K: Any, temperature: Any, kernel_NK: Any
) -> None:  # pragma: no cover
    """Gibbs kernel of the priced distances, each row's largest entry 1."""
    for n in range(distance_NK.shape[0]):
        least = np.float32(np.inf)
        for k in range(distance_NK.shape[1]):
            kernel_NK[n, k] = distance_NK[n, k] + price_K[k]
            least = min(least, kernel_NK[n, k])
        for k in range(distance_NK.shape[1]):
            kernel_NK[n, k] = np.exp((least - kernel_NK[n, k]) / temperature)


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _log_scalings(
    kernel_NK: Any, before_K: Any, damping: Any, iterations: Any
) -> Any:  # pragma: no cover
    """(K,) logarithms of the column scalings, on top of those that the kernel already holds."""
    n_rows, n_codes = kernel_NK.shape
    scaling_K = np.ones(n_codes, np.float32)
    log_K = np.zeros(n_codes)
    for _ in range(iterations):
        wanted_K = np.full(n_codes, np.float32(1e-20))
        for n in range(n_rows):
            total = np.float32(0.0)
            for k in range(n_codes):
                total += kernel_NK[n, k] * scaling_K[k]
            share = np.float32(1.0) / max(total, np.float32(1e-30))
            for k in range(n_codes):
                wanted_K[k] += kernel_NK[n, k] * share
        for k in range(n_codes):
            log = damping * np.log(n_rows / n_codes / wanted_K[k])
            log -= (1.0 - damping) * before_K[k]
            log_K[k] = min(max(log, -_STEEPEST), _STEEPEST)
        log_K -= log_K.mean()  # a shift of all columns is undone by the rows
        for k in range(n_codes):
            scaling_K[k] = np.exp(log_K[k])
    return log_K


Rows = NDArray[np.int64]
_BLOCK: Final = 512  # rows multiplied at once: the products stay in the cache
_PROBES: Final = 4  # random projections that tell rows apart
_POLISH: Final = 2  # passes over all vectors after those over the sub-sample
_ROUNDS: Final = 3  # times that means follow prices; the last prices are kept
_STRENGTH: Final = 4.0  # of the prices, in gaps between the nearest and the second mean
_TEMPERATURE: Final = 0.5  # of the prices, in the same gaps
_SCALINGS: Final = 24  # Sinkhorn iterations
_PRICED_ROWS: Final = 32  # vectors a code by which prices are set
_PRICED_CELLS: Final = 2**25  # distances held at once at the most


def distinct_rows(x_ND: Bytes, rng: np.random.Generator) -> Rows:
    """First row of every distinct vector, ascending, told apart by random projections."""
    probe_KD = rng.integers(-100, 101, (_PROBES, x_ND.shape[1])).astype(np.int8)
    mixer_K = rng.integers(2**62, size=_PROBES) * 2 + 1
    key_N = (products(x_ND, probe_KD) * mixer_K).sum(axis=1)  # wraps around, as a hash may
    _, first = np.unique(key_N, return_index=True)
    return np.sort(first)


def lloyd(
    x_ND: Bytes,
    distinct_N: Rows,
    k: int,
    *,
    rows: int,
    iterations: int,
    rng: np.random.Generator,
) -> Floats:
    """(k, D) means of a k-means clustering, in steps of the grid.

    Starts from k distinct rows at random, so that dense regions get more codes. A code that lost
    all its rows restarts at a random row.

    Args:
        x_ND: (N, D) vectors.
        distinct_N: rows of the distinct ones, more than k.
        k: how many means.
        rows: vectors of the sub-sample, N at the most.
        iterations: passes over the sub-sample; two over all vectors follow.
        rng: the source of randomness.
    """
    means_KD: Floats = x_ND[rng.choice(distinct_N, k, replace=False)].astype(np.float32)
    some_ND = x_ND[rng.choice(len(x_ND), min(rows, len(x_ND)), replace=False)]
    for seen_ND in [some_ND] * iterations + [x_ND] * _POLISH:
        means_KD = means_of(seen_ND, nearest(seen_ND, means_KD), k)
        lost_K = np.flatnonzero(np.isnan(means_KD[:, 0]))
        means_KD[lost_K] = x_ND[rng.choice(distinct_N, len(lost_K), replace=False)]
    return means_KD


def balanced(
    x_ND: Bytes, distinct_N: Rows, means_KD: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Means moved towards equal use, and a price of each, in squared steps.

    Prices are learned after k-means, on a sample drawn anew each time, and means follow them only
    a few times: prices that change within every pass of k-means oscillate. Equal vectors cannot
    be told apart by any price and count once. Prices that do not help are dropped.
    """
    k = len(means_KD)
    for _ in range(_ROUNDS):
        code_N = nearest(x_ND, means_KD, _prices(x_ND, distinct_N, means_KD, rng))
        moved_KD = means_of(x_ND, code_N, k)
        means_KD = np.where(np.isnan(moved_KD), means_KD, moved_KD)
    price_K = _prices(x_ND, distinct_N, means_KD, rng)
    prices_PK = np.stack([price_K, np.zeros_like(price_K)])
    even_P = [_entropy(np.bincount(n, minlength=k)) for n in _nearest(x_ND, means_KD, prices_PK)]
    return means_KD, prices_PK[0 if even_P[0] >= even_P[1] else 1]


def _prices(x_ND: Bytes, distinct_N: Rows, means_KD: Floats, rng: np.random.Generator) -> Floats:
    k = len(means_KD)
    if k < 2:  # nothing to balance
        return np.zeros(k, np.float32)
    rows = min(max(_PRICED_ROWS * k, 4096), _PRICED_CELLS // k, len(distinct_N))
    distance_NK = _distances(x_ND[rng.choice(distinct_N, rows, replace=False)], means_KD)
    two_N2 = np.partition(distance_NK[:1024], 1, axis=1)[:, :2].astype(np.float64)
    gap = float((two_N2[:, 1] - two_N2[:, 0]).mean())
    if gap <= 0:
        return np.zeros(k, np.float32)
    return sinkhorn_prices(
        distance_NK,
        temperature=_TEMPERATURE * gap,
        iterations=_SCALINGS,
        strength=_STRENGTH * gap,
    )


def _entropy(use_K: NDArray[np.int64]) -> float:
    share_K = use_K[use_K > 0] / use_K.sum()
    return float(-(share_K * np.log(share_K)).sum())


def nearest(x_ND: Bytes, means_KD: Floats, price_K: Floats | None = None) -> Counts:
    """(N,) row of the mean of least squared distance + price, the first of equal ones.

    Args:
        x_ND: vectors in steps of a grid.
        means_KD: means in the same steps.
        price_K: in squared steps; none: all 0.
    """
    prices_1K = np.zeros((1, len(means_KD)), np.float32) if price_K is None else price_K[None]
    nearest_N: Counts = _nearest(x_ND, means_KD, prices_1K)[0]
    return nearest_N


def _nearest(x_ND: Bytes, means_KD: Floats, prices_PK: Floats) -> Counts:
    """(P, N) the same under P price lists."""
    means, step = finest(means_KD)
    offset_PK = _squares(means, step) + prices_PK
    code_PN = np.empty((len(prices_PK), len(x_ND)), np.int32)
    times_means = IntegerProduct(means)
    for start in range(0, len(x_ND), _BLOCK):
        rows = slice(start, start + _BLOCK)
        dot_NK = times_means(x_ND[rows])
        for offset_K, code_N in zip(offset_PK, code_PN, strict=True):
            _argmin(dot_NK, offset_K, np.float32(2 * step), code_N[rows])
    return code_PN


def _distances(x_ND: Bytes, means_KD: Floats) -> Floats:
    """(N, K) squared distances less the squared norm of x, in squared steps."""
    means, step = finest(means_KD)
    return _squares(means, step) - np.float32(2 * step) * products(x_ND, means)


def _squares(means: Bytes, step: float) -> Floats:
    wide_KD = means.astype(np.float32)
    squares_K: Floats = np.einsum("kd,kd->k", wide_KD, wide_KD) * np.float32(step**2)
    return squares_K


def means_of(x_ND: Bytes, code_N: Counts, k: int) -> Floats:
    """(k, D) mean of each code's vectors, NaN where it has none; the sums are exact."""
    sums_KD = np.zeros((k, x_ND.shape[1]), np.int32)
    _add_rows(x_ND, code_N, sums_KD)
    counts_K = np.bincount(code_N, minlength=k).astype(np.float64)
    counts_K[counts_K == 0] = np.nan
    return (sums_KD / counts_K[:, None]).astype(np.float32)


@njit(cache=True, nogil=True)
def _add_rows(x_ND: Any, code_N: Any, sums_KD: Any) -> None:  # pragma: no cover
    for n in range(x_ND.shape[0]):
        sums_D = sums_KD[code_N[n]]
        for d in range(x_ND.shape[1]):
            sums_D[d] += np.int32(x_ND[n, d])


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _argmin(dot_NK: Any, offset_K: Any, twice: Any, code_N: Any) -> None:  # pragma: no cover
    codes = np.int32(dot_NK.shape[1])
    score_K = np.empty(codes, np.float32)
    for n in range(dot_NK.shape[0]):
        for k in range(codes):
            score_K[k] = offset_K[k] - twice * np.float32(dot_NK[n, k])
        least, first = np.float32(np.inf), codes
        for k in range(codes):
            least = score_K[k] if score_K[k] < least else least
        for k in range(codes):  # to the end, so that many codes are compared at once
            place = np.int32(k) if score_K[k] == least else codes
            first = place if place < first else first
        code_N[n] = first
