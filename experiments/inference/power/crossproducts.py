"""What tables of cross products tell of a metric: its level, a unit's variance, what explains it.

A table (K, K) holds the sums over units of the products of any two of K columns, of which the first
is the constant 1: so it holds the number of units and the sums of the columns, too. Everything
here takes any number of tables at once: of days, or of arms of simulated tests.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.student import ROUNDING
from experiments.inference.metrics import Ratio
from experiments.inference.reduction.cuped import covariates
from simulator.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Which columns a metric's tables are of.

    Attributes:
        names: of the columns, in their order; the first is the constant, "".
        top, bottom: places of numerator and denominator; the constant where the metric is per
            shopper.
        before: the same places in the history period; None without a history.
    """

    names: tuple[str, ...]
    top: int
    bottom: int
    before: tuple[int, int] | None

    @classmethod
    def of(cls, metric: Ratio, *, history: bool) -> "Layout":
        """The columns of a metric, with those of the history or not."""
        own = (metric.numerator, metric.denominator)
        pairs = [own, covariates(metric)] if history else [own]
        names = ("", *dict.fromkeys(name for pair in pairs for name in pair if name is not None))
        places = [(names.index(top), names.index(bottom or "")) for top, bottom in pairs]
        return cls(names, *places[0], places[1] if history else None)

    @property
    def own(self) -> int:
        """How many columns are of the period itself, the constant among them; they come first."""
        return 2 if self.bottom == 0 else 3

    @property
    def _before(self) -> tuple[int, int]:
        if self.before is None:
            raise DataError("history == none, must be there: nothing explains the metric")
        return self.before

    def units(self, table_NKK: Floats) -> Floats:
        """(N,) how many units there are."""
        return np.asarray(table_NKK[..., 0, 0])

    def level(self, table_NKK: Floats) -> Floats:
        """(N,) the metric; NaN where its denominator sums to 0."""
        return _ratio(table_NKK, self.top, self.bottom)

    def variance(self, table_NKK: Floats) -> Floats:
        """(N,) sample variance of a unit's value, a ratio's by the delta method; else NaN.

        0 where only rounding is left of it, NaN where there are fewer than two units or the
        denominator sums to 0.
        """
        weight_N = _mean(table_NKK, self.bottom)
        square_N = _square(table_NKK, (self.top, self.bottom), (self.top, self.bottom))
        size_N = table_NKK[..., self.top, self.top]
        square_N = np.where(square_N > ROUNDING * size_N, square_N, 0.0)
        units_N = self.units(table_NKK)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread_N = square_N / np.where(units_N > 1, units_N - 1, np.nan)
            return np.asarray(np.where(weight_N > 0, spread_N / weight_N**2, np.nan))

    def explained(self, table_NKK: Floats) -> Floats:
        """(N,) part of that variance which the history explains (R^2); NaN where nothing varies.

        CUPED leaves 1 - R^2 of it (Deng, Xu, Kohavi and Walker, WSDM 2013, eq. 5).
        """
        own, before = (self.top, self.bottom), self._before
        own_N, before_N = (_square(table_NKK, pair, pair) for pair in (own, before))
        both_N = _square(table_NKK, own, before)
        with np.errstate(divide="ignore", invalid="ignore"):
            share_N = both_N**2 / (own_N * before_N)
        return np.asarray(np.where(self.varies(table_NKK), np.minimum(share_N, 1.0), np.nan))

    def varies(self, table_NKK: Floats) -> NDArray[np.bool_]:
        """(N,) whether metric and history vary beyond rounding: else neither tells anything."""
        before = self._before
        enough = [
            _square(table_NKK, pair, pair) > ROUNDING * table_NKK[..., pair[0], pair[0]]
            for pair in ((self.top, self.bottom), before)
        ]
        return np.asarray(enough[0] & enough[1] & (_mean(table_NKK, before[1]) > 0))

    def slope(self, table_NKK: Floats) -> Floats:
        """(N,) theta of CUPED: what a unit of the covariate moves the metric by."""
        own, before = (self.top, self.bottom), self._before
        both_N, before_N = (_square(table_NKK, pair, before) for pair in (own, before))
        scale_N = _mean(table_NKK, before[1]) / _mean(table_NKK, own[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(both_N / before_N * scale_N)

    def adjusted(
        self, table_NKK: Floats, slope_N: Floats, covariate_N: Floats
    ) -> tuple[Floats, Floats]:
        """(N,) level and variance of a unit after CUPED's adjustment.

        Args:
            table_NKK: of one arm.
            slope_N, covariate_N: theta, and the level of the history, of all arms together.
        """
        own, before = (self.top, self.bottom), self._before
        level_N = self.level(table_NKK) - slope_N * (_ratio(table_NKK, *before) - covariate_N)
        weights_N = _mean(table_NKK, self.bottom), _mean(table_NKK, before[1])
        units_N = self.units(table_NKK)
        terms = (
            _square(table_NKK, own, own) / weights_N[0] ** 2,
            slope_N**2 * _square(table_NKK, before, before) / weights_N[1] ** 2,
            -2 * slope_N * _square(table_NKK, own, before) / (weights_N[0] * weights_N[1]),
        )
        return level_N, np.asarray(sum(terms) / (units_N - 1))

    def covariate(self, table_NKK: Floats) -> Floats:
        """(N,) the level of the metric in the history."""
        return _ratio(table_NKK, *self._before)


def cross(values_UK: Floats, count_U: NDArray[np.float64] | None = None) -> Floats:
    """(K, K) the table of units, each counted so often."""
    weighted_UK = values_UK if count_U is None else values_UK * count_U[:, None]
    return np.asarray(weighted_UK.T @ values_UK)


def _mean(table_NKK: Floats, column: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(table_NKK[..., 0, column] / table_NKK[..., 0, 0])


def _ratio(table_NKK: Floats, top: int, bottom: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(table_NKK[..., 0, top] / table_NKK[..., 0, bottom])


def _square(table_NKK: Floats, one: tuple[int, int], other: tuple[int, int]) -> Floats:
    """(N,) sums over units of the products of two linearised ratios, top - ratio x bottom.

    Such a value has the mean 0, so these are sums of squares around the mean.
    """
    r_N, s_N = _ratio(table_NKK, *one), _ratio(table_NKK, *other)
    (a, b), (c, d) = one, other
    return np.asarray(
        table_NKK[..., a, c]
        - s_N * table_NKK[..., a, d]
        - r_N * table_NKK[..., b, c]
        + r_N * s_N * table_NKK[..., b, d]
    )
