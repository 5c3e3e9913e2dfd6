"""Paths of z-values over the looks at an experiment: drawn from the normal law, or from real units.

The normal law is what both sequential rules promise to hold for. Real units are what they meet:
values that grow while a unit stays (so increments are not independent), come from few buyers, and
have tails.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.records.experiment.sequential import Clock
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]

MOST_CELLS = 5_000_000
"""Units times looks of a table that may be assigned anew in memory: some 500 MB while it is."""

_BATCH_CELLS = 4_000_000  # of a table of assignments by units or by sums: 32 MB


@dataclass(frozen=True)
class Paths:
    """Many runs of one experiment, by what each look shows.

    Attributes:
        z_NK: (N, K) effect over its standard error in run n at look k; 0 where it has none.
        fraction_K: (K,) share of the last look's information; 0 where there is none yet.
        source: where they are from.
        effect: that there is; see `PeekingRate`.
        untold: looks, over all runs, at which an arm had no error to its mean yet.
    """

    z_NK: Floats
    fraction_K: Floats
    source: Literal["gaussian", "rerandomised"]
    effect: float
    untold: int = 0


@dataclass(frozen=True)
class UnitPaths:
    """Units of a table, and what each had done by each look.

    Attributes:
        value_UK: (U, K) each unit's total up to each look.
        entered_U: (U,) the first look at which each unit counts, from 0.
        base_UK: (U, K) totals of a denominator; None: a mean over the units.
    """

    value_UK: Floats
    entered_U: NDArray[np.integer]
    base_UK: Floats | None = None

    def checked(self) -> "UnitPaths":
        """Itself, if it can be assigned anew.

        Raises:
            DataError: shapes that do not fit, too many cells, a value that is not finite, a unit
                that did something before it counts, no units at the first look, or fewer than 4.
        """
        value_UK, entered_U = self.value_UK, self.entered_U
        if value_UK.ndim != 2 or value_UK.shape[1] < 1 or len(value_UK) < 4:
            raise DataError(
                f"value_UK.shape == {value_UK.shape}, must be (at least 4 units, looks)"
            )
        if value_UK.size > MOST_CELLS:
            raise DataError(f"value_UK.size == {value_UK.size}, must be <= {MOST_CELLS}")
        looks = value_UK.shape[1]
        if (
            entered_U.shape != (len(value_UK),)
            or not ((entered_U >= 0) & (entered_U < looks)).all()
        ):
            raise DataError(
                f"entered_U == {entered_U}, must be a look (0 to {looks - 1}) of each unit"
            )
        if not (entered_U == 0).any():
            raise DataError(
                "entered_U == nobody at look 0, must be some: begin at the first who come"
            )
        for name, table_UK in (("value_UK", value_UK), ("base_UK", self.base_UK)):
            if table_UK is None:
                continue
            if table_UK.shape != value_UK.shape or not np.isfinite(table_UK).all():
                raise DataError(f"{name} == odd, must be finite numbers of shape {value_UK.shape}")
            early_UK = (table_UK != 0) & ~self.counted_UK
            if early_UK.any():
                unit, look = np.argwhere(early_UK)[0]
                raise DataError(
                    f"{name}[{unit}, {look}] == {table_UK[unit, look]}, must be 0 before the unit "
                    f"counts (look {entered_U[unit]})"
                )
        return self

    @property
    def counted_UK(self) -> NDArray[np.bool_]:
        """Whether each unit counts at each look."""
        return np.arange(self.value_UK.shape[1]) >= self.entered_U[:, None]


def gaussian_paths(
    fractions: ArrayLike, *, paths: int, drift: float = 0.0, rng: np.random.Generator
) -> Paths:
    """Runs whose effect is known: Brownian motion, seen at the looks.

    Args:
        fractions: (K,) growing shares of the planned information, > 0.
        paths: how many runs.
        drift: expected z at the share 1; 0: no effect.
        rng: of the draws.

    Raises:
        ConfigError: no looks, shares that do not grow, or no paths.
    """
    fraction_K = np.asarray(fractions, np.float64)
    if fraction_K.ndim != 1 or not fraction_K.size:
        raise ConfigError(f"fractions.shape == {fraction_K.shape}, must be (looks,)")
    step_K = np.diff(fraction_K, prepend=0.0)
    if not ((step_K > 0) & np.isfinite(step_K)).all():
        raise ConfigError(f"fractions == {fraction_K}, must grow from above 0")
    noise_NK = rng.standard_normal((_some(paths), fraction_K.size)) * np.sqrt(step_K)
    score_NK = np.cumsum(noise_NK, axis=1) + drift * fraction_K
    return Paths(score_NK / np.sqrt(fraction_K), fraction_K, "gaussian", drift)


def rerandomised_paths(
    units: UnitPaths,
    *,
    paths: int,
    share: float = 0.5,
    lift: float = 0.0,
    clock: Clock = "units",
    rng: np.random.Generator,
) -> Paths:
    """The units of a table, assigned to two arms anew again and again.

    z is the difference of two means, or of two ratios of means (delta method), over its standard
    error, variances of the arms not assumed equal: as `estimates` takes them.

    Args:
        units: what each had done by each look, whatever arm it was in.
        paths: how many assignments.
        share: of the units that are treated.
        lift: what the treatment multiplies a value by, minus 1; 0: no effect.
        clock: of the information, of all units together: see `plans`.
        rng: of the assignments.

    Raises:
        ConfigError: a share, a lift or a number of paths out of range.
        DataError: as `UnitPaths.checked`; precision is the clock, and the last mean not above 0.
    """
    if not 0 < share < 1:
        raise ConfigError(f"share == {share}, must be > 0 and < 1")
    if not -1 < lift < np.inf:
        raise ConfigError(f"lift == {lift}, must be > -1")
    counted_UK = units.checked().counted_UK.astype(np.float64)
    value_UK = units.value_UK
    base_UK = counted_UK if units.base_UK is None else units.base_UK
    products = (counted_UK, value_UK, value_UK**2, base_UK, base_UK**2, value_UK * base_UK)
    column_UCK = np.stack(products, axis=1)
    total_CK = column_UCK.sum(axis=0)
    flat_UX = column_UCK.reshape(len(value_UK), -1)
    batch = max(1, _BATCH_CELLS // max(flat_UX.shape))
    z_parts: list[Floats] = []
    untold = 0
    for start in range(0, _some(paths), batch):
        drawn = (min(batch, paths - start), len(value_UK))
        treated_NU = (rng.random(drawn) < share).astype(np.float64)
        treated_NCK = (treated_NU @ flat_UX).reshape(drawn[0], *total_CK.shape)
        control_NCK = total_CK - treated_NCK
        treated_NCK *= np.array([1, 1 + lift, (1 + lift) ** 2, 1, 1, 1 + lift])[:, None]
        z_NK, known_NK = _compared(control_NCK, treated_NCK)
        z_parts.append(z_NK)
        untold += int((~known_NK).sum())
    return Paths(np.concatenate(z_parts), _fraction(total_CK, clock), "rerandomised", lift, untold)


def _fraction(total_CK: Floats, clock: Clock) -> Floats:
    """Shares of the last look's information, from the sums over all units."""
    told_K = total_CK[0]
    if clock == "precision":
        (level_K,), (variance_K,) = _level(total_CK[None])
        known_K = (level_K > 0) & (variance_K > 0)
        told_K = np.where(known_K, level_K, 0.0) ** 2 / np.where(known_K, variance_K, 1.0)
        if told_K[-1] == 0:
            raise DataError(
                f"mean at the last look == {level_K[-1]}, must be > 0, and vary, where precision "
                "is the clock"
            )
    return np.asarray(told_K / told_K[-1])


def _compared(control_NCK: Floats, treated_NCK: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """z of each run and look, and whether there is one, from the sums of both arms."""
    one, two = _level(control_NCK), _level(treated_NCK)
    variance_NK = one[1] + two[1]
    known_NK = np.isfinite(variance_NK) & (one[1] > 0) & (two[1] > 0)
    error_NK = np.sqrt(np.where(known_NK, variance_NK, 1.0))
    return np.where(known_NK, two[0] - one[0], 0.0) / error_NK, known_NK


def _level(sums_NCK: Floats) -> tuple[Floats, Floats]:
    """A ratio of means and the variance of it (delta method); not finite where there is none."""
    n, value, value_2, base, base_2, product = np.moveaxis(sums_NCK, 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # arms without units or a denominator
        ratio_NK = value / base
        spread_NK = value_2 - 2 * ratio_NK * product + ratio_NK**2 * base_2
        return ratio_NK, spread_NK / (n - 1) * n / base**2


def _some(paths: int) -> int:
    if paths < 1:
        raise ConfigError(f"paths == {paths}, must be >= 1")
    return paths
