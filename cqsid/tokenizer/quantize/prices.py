"""Prices that balance how often codes are used.

An item takes the code of least `distance + price`. A price is stored beside its code and fixed
once learned, so an item's code stays a function of the item alone.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.errors import DataError

Floats = NDArray[np.float32]
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
