"""Statistics of an arm's values, and their errors from a bootstrap over shoppers.

The unit that is drawn again is the shopper with all of their values, for the shopper is the unit of
randomisation (Efron 1979; for clusters Davison and Hinkley 1997, section 3.8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.inference.estimates import Level
from simulator.calling import blaming, call
from simulator.errors import ContractError

Floats = NDArray[np.float64]
MOST_UNDEFINED = 0.01
"""Share of resamples without a value that is put up with."""


@dataclass(frozen=True)
class Statistic:
    """A number of values.

    Attributes:
        quantile: which quantile it is: the least value that so large a share does not exceed.
        custom: a function of an array of values instead.
        place: for errors.
    """

    quantile: float | None
    custom: Callable[[Floats], Any] | None
    place: str

    def of(self, values_N: Floats) -> float:
        """The statistic; NaN of nothing.

        Raises:
            ContractError: a custom one raised, or gave no number.
        """
        if not len(values_N):
            return np.nan
        if self.custom is None:
            return float(np.quantile(values_N, self.quantile or 0.0, method="inverted_cdf"))
        with blaming(f"{self.place}.statistic()", "return a number"):
            found = call(f"{self.place}.statistic()", self.custom, values_N)
            number = float(found)
        if not np.isfinite(number):
            raise ContractError(f"{self.place}.statistic() == {number}, must be finite")
        return number

    def resampled(self, sorted_N: Floats, times_N: NDArray[np.int64]) -> float:
        """The statistic of ascending values of which each is there so many times."""
        if self.custom is None:
            return _quantile(sorted_N, times_N, self.quantile or 0.0)
        return self.of(np.repeat(sorted_N, times_N))


def level(
    statistic: Statistic,
    unit_N: NDArray[np.int64],
    values_N: Floats,
    units: int,
    resamples: int,
    rng: np.random.Generator,
) -> Level | None:
    """A statistic with its standard error; None where too few resamples have any value.

    Args:
        unit_N: whose each value is, 0 to `units` - 1.
        values_N: the values.
        units: exposed shoppers, those without a value too.
        resamples: how often they are drawn again.
        rng: the luck of drawing.
    """
    order = np.argsort(values_N, kind="stable")
    values_N, unit_N = values_N[order], unit_N[order]
    found = np.empty(resamples)
    for number in range(resamples):
        times_U = np.bincount(rng.integers(0, units, units), minlength=units)
        found[number] = statistic.resampled(values_N, times_U[unit_N])
    known = found[np.isfinite(found)]
    if not len(values_N) or len(known) < (1 - MOST_UNDEFINED) * resamples:
        return None
    return Level(statistic.of(values_N), float(known.std(ddof=1)), units)


def _quantile(sorted_N: Floats, times_N: NDArray[np.int64], share: float) -> float:
    """That of values of which each is there so many times."""
    up_to_N = np.cumsum(times_N)
    if not len(up_to_N) or not up_to_N[-1]:
        return np.nan
    least = np.ceil(share * up_to_N[-1] - 1e-9)
    return float(sorted_N[np.searchsorted(up_to_N, max(least, 1))])
