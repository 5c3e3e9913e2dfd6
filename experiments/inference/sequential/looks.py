"""What each look at a running experiment shows: sizes, the effect so far and its standard error."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import estimate
from experiments.inference.intervals.student import ratio_variance
from experiments.inference.metrics import Ratio
from simulator.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ArmLooks:
    """One arm, look by look. K looks.

    Attributes:
        n_K: units so far.
        level_K: the metric's mean, or ratio of means.
        error_K: its standard error.
    """

    n_K: Floats
    level_K: Floats
    error_K: Floats


@dataclass(frozen=True)
class Looks:
    """A treatment against its control, look by look. K looks.

    Attributes:
        time_K: of the looks, growing.
        control, treatment: the arms.
    """

    time_K: Floats
    control: ArmLooks
    treatment: ArmLooks

    @property
    def effect_K(self) -> Floats:
        """Treatment minus control."""
        return self.treatment.level_K - self.control.level_K

    @property
    def error_K(self) -> Floats:
        """Its standard error; variances of the arms are not assumed equal."""
        return np.hypot(self.control.error_K, self.treatment.error_K)

    @property
    def freedom_K(self) -> Floats:
        """Degrees of freedom of that error (Welch and Satterthwaite, as in `estimates`)."""
        part_K = (self.control.error_K / self.error_K) ** 2
        control_K = part_K**2 / (self.control.n_K - 1)
        return np.asarray(1 / (control_K + (1 - part_K) ** 2 / (self.treatment.n_K - 1)))

    @property
    def units_K(self) -> Floats:
        """Effective units: see `effective_units`."""
        return effective_units(self.control.n_K, self.treatment.n_K)

    @property
    def precision_K(self) -> Floats:
        """Control's level over the effect's error, squared; 0 where the level is not above 0."""
        return np.asarray((np.maximum(self.control.level_K, 0.0) / self.error_K) ** 2)

    def checked(self) -> "Looks":
        """Itself, if it can be monitored.

        Raises:
            DataError: no looks, columns of unlike lengths, times that do not grow, an arm of fewer
                than 2 units, a level that is not finite, or nothing that varies.
        """
        looks = self.time_K.size
        arms = {"control": self.control, "treatment": self.treatment}
        columns = {"time_K": self.time_K} | {
            f"{name}.{column}": values_K
            for name, arm in arms.items()
            for column, values_K in vars(arm).items()
        }
        for name, values_K in columns.items():
            if values_K.shape != (looks,) or not looks:
                raise DataError(f"{name}.shape == {values_K.shape}, must be (looks,), at least one")
            _require(name, values_K, np.isfinite(values_K), "a number")
        later_K = np.diff(self.time_K, prepend=-np.inf) > 0
        _require("time_K", self.time_K, later_K, "later than the look before")
        for name, arm in arms.items():
            _require(f"{name}.n_K", arm.n_K, arm.n_K >= 2, "at least 2 units")
            _require(f"{name}.error_K", arm.error_K, arm.error_K >= 0, ">= 0")
        _require("error_K", self.error_K, self.error_K > 0, "> 0 (something varies)")
        return self


def effective_units(control: ArrayLike, treatment: ArrayLike) -> Floats:
    """Units of an even split that tell as much as these: 4 c t / (c + t).

    Where the arms' variances are equal the variance of the effect is 4 of them over this number, so
    it is a clock of the information, also where the arms' shares change with time.
    """
    one, two = np.asarray(control, np.float64), np.asarray(treatment, np.float64)
    return np.asarray(4 * one * two / (one + two))


def looks_of(
    metric: Ratio, contrast: tuple[str, str], daily: Mapping[int, Mapping[str, Aggregates]]
) -> tuple[Looks | None, tuple[str, ...]]:
    """The looks at a metric in a log that is read day by day, as `Units.daily` does.

    Args:
        metric: what is compared.
        contrast: (control, treatment) arm names.
        daily: by day, statistics of the arms up to and including it.

    Returns:
        the looks at the end of each day; None where no day tells an effect. And a sentence for each
        reason for which days are left out.
    """
    kept: list[tuple[float, ...]] = []
    left_out: dict[str, list[int]] = {}
    for day, arms in sorted(daily.items()):
        row, reason = estimate(metric, contrast, arms)
        if row.effect.ends is None:
            left_out.setdefault(reason, []).append(day)
            continue
        control, treatment = (_told(metric, arms[name]) for name in contrast)
        kept.append((day, *control, *treatment))
    reasons = tuple(
        f"{metric.name}, {contrast[1]} against {contrast[0]}, {len(days)} days from {days[0]} on: "
        f"{reason}"
        for reason, days in left_out.items()
    )
    if not kept:
        return None, reasons
    time_K, *columns = np.array(kept, np.float64).T
    return Looks(time_K, ArmLooks(*columns[:3]), ArmLooks(*columns[3:])), reasons


def _told(metric: Ratio, arm: Aggregates) -> tuple[float, float, float]:
    """Units, level and its error."""
    level = arm.mean(metric.numerator) / arm.mean(metric.denominator)
    variance = ratio_variance(arm, metric.numerator, metric.denominator)
    return float(arm.count()), float(level), float(np.sqrt(variance / arm.count()))


def _require(name: str, values_K: Floats, right_K: NDArray[np.bool_], wanted: str) -> None:
    """Refuse the first value that is wrong."""
    for at in np.flatnonzero(~right_K)[:1]:
        raise DataError(f"{name}[{at}] == {values_K[at]}, must be {wanted}")
