"""How a group-sequential test spends its alpha: how many false alarms it may have used by then.

Lan and DeMets (Biometrika 70, 1983, 659-663): whatever the looks turn out to be, at a share t of
the planned information the chance of a false alarm so far is a function of t that was chosen
before. So looks need neither be planned nor be evenly spaced.

Convention, because programs differ: a two-sided test is two one-sided ones, and each side spends
half of alpha by the function (as gsDesign, rpact and ldbounds do). Of the O'Brien-Fleming-like
function this is 2 (2 - 2 Phi(z(1 - alpha / 4) / sqrt(t))), which is not the function of alpha as a
whole; of the others it makes no difference.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from simulator.errors import ConfigError

Floats = NDArray[np.float64]
Family = Literal["obrien_fleming", "pocock", "power"]

LEAST_ALPHA = 1e-9
"""Below it nobody tests, and squares of it are near the smallest number."""


def checked_alpha(alpha: float) -> float:
    """A level of a test.

    Raises:
        ConfigError: it is not one.
    """
    if not LEAST_ALPHA <= alpha < 1:
        raise ConfigError(f"alpha == {alpha}, must be >= {LEAST_ALPHA:g} and < 1")
    return alpha


@dataclass(frozen=True)
class Spending:
    """A spending function: `OBRIEN_FLEMING`, `POCOCK` or a `power_family`.

    Raises:
        ConfigError: an exponent that is not above 0, or one of a family that has none.

    Attributes:
        family: `obrien_fleming`: hardly anything early, nearly a fixed test at the end; `pocock`:
            about the same bar at every look; `power`: alpha t^exponent.
        exponent: of the power family; None for the others.
    """

    family: Family
    exponent: float | None = None

    def __post_init__(self) -> None:
        """Refuse an exponent that the family cannot have."""
        if self.family != "power" and self.exponent is not None:
            raise ConfigError(f"exponent == {self.exponent}, must be none of {self.family}")
        if self.family == "power" and not 0 < (self.exponent or 0) < math.inf:
            raise ConfigError(f"exponent == {self.exponent}, must be > 0")

    @property
    def label(self) -> str:
        """How records call it, such as `pocock` or `power 2`."""
        return self.family if self.exponent is None else f"{self.family} {self.exponent:g}"

    def spent(self, fraction: ArrayLike, *, alpha: float) -> Floats:
        """Alpha of both sides that may be spent by these shares of the planned information.

        O'Brien-Fleming-like and Pocock-like: Lan and DeMets (1983), section 4. Power family: Kim
        and DeMets (Biometrika 74, 1987, 149-154).

        Args:
            fraction: above 0; from 1 on all is spent.
            alpha: level of the two-sided test.
        """
        share = np.minimum(np.asarray(fraction, np.float64), 1.0)
        side = alpha / 2
        if self.family == "obrien_fleming":
            quantile = special.ndtri(side / 2)  # negative, so that the tail keeps its digits
            return np.asarray(4 * special.ndtr(quantile / np.sqrt(share)))
        if self.exponent is None:
            return np.asarray(alpha * np.log1p((math.e - 1) * share))
        return np.asarray(alpha * share**self.exponent)


OBRIEN_FLEMING = Spending("obrien_fleming")
"""The default of most trials: early looks decide on overwhelming evidence alone."""

POCOCK = Spending("pocock")
"""Early looks decide more easily, and the last one less."""


def power_family(exponent: float) -> Spending:
    """Spending alpha t^exponent: 1 is near Pocock's, 3 near O'Brien and Fleming's.

    Raises:
        ConfigError: an exponent that is not above 0.
    """
    return Spending("power", exponent)
