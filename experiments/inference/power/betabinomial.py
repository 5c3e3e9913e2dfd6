"""Distinct shoppers of more days than a log has: the beta-binomial law of active days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from simulator.errors import DataError

Floats = NDArray[np.float64]

FEWEST_DAYS = 3
"""Days below which the two parameters of the law cannot be told."""
_ALPHA, _BETA = (1e-3, 1e4), (1e-2, 1e6)  # at their ends the law is a simpler one to many digits


@dataclass(frozen=True)
class BetaBinomial:
    """A shopper is active on each day with a chance of their own, which is beta-distributed.

    So the days on which a shopper is active are beta-binomial; those who were never active are not
    seen (media planners foretell reach so: Metheringham, Journal of Advertising Research 4, 1964,
    23-28; geneticists variants not seen yet: Ionita-Laza, Lange and Laird, PNAS 106, 2009,
    5008-5013). With alpha near 0 it is Fisher's logarithmic series, with a large beta nobody comes
    twice, with both large all shoppers are alike.

    Attributes:
        days: of the log.
        seen: distinct shoppers in them.
        alpha, beta: of the law of chances.
    """

    days: int
    seen: float
    alpha: float
    beta: float

    @classmethod
    def fit(cls, shoppers_K: Floats) -> "BetaBinomial":
        """The likeliest law, given that a shopper was seen.

        Args:
            shoppers_K: (K,) shoppers who were active on exactly 1, 2, .. K days, K all days.

        Raises:
            DataError: fewer than 3 days, or no shopper.
        """
        days, seen = len(shoppers_K), float(shoppers_K.sum())
        if days < FEWEST_DAYS:
            raise DataError(f"days == {days}, must be >= {FEWEST_DAYS} for a law of active days")
        if seen == 0:
            raise DataError("shoppers == 0, must be some for a law of active days")
        active_K = np.arange(1, days + 1)
        ways_K = -np.log(days + 1) - special.betaln(active_K + 1, days - active_K + 1)

        def surprise(logs: Floats) -> float:
            alpha, beta = np.exp(logs)
            up_K = np.cumsum(np.log(alpha + np.arange(days)))
            down_K = np.concatenate([[0.0], np.cumsum(np.log(beta + np.arange(days)))])[::-1][1:]
            whole = np.log(alpha + beta + np.arange(days)).sum()
            hidden = _log_unseen(alpha, beta, days)[days]
            told_K = ways_K + up_K + down_K - whole - np.log(-np.expm1(hidden))
            return -float(shoppers_K @ told_K) / seen

        found = optimize.minimize(
            surprise,
            np.log([0.5, 5.0]),
            method="Nelder-Mead",
            bounds=[tuple(np.log(ends)) for ends in (_ALPHA, _BETA)],
            options={"xatol": 1e-6, "fatol": 1e-12, "maxiter": 2_000},
        )
        alpha, beta = np.exp(found.x)
        return cls(days, seen, float(alpha), float(beta))

    def reach(self, days: ArrayLike) -> Floats:
        """Distinct shoppers in so many days, from 0 on; parts of a day lie between whole ones.

        It is what was seen where that is asked for. The population need not be known.
        """
        days_N = np.asarray(days, np.float64)
        most = int(np.ceil(max(days_N.max(initial=0), self.days)))
        unseen_D = _log_unseen(self.alpha, self.beta, most)
        unseen_N = np.interp(days_N, np.arange(most + 1), unseen_D)
        return np.asarray(self.seen * np.expm1(unseen_N) / np.expm1(unseen_D[self.days]))


def _log_unseen(alpha: float, beta: float, most: int) -> Floats:
    """Log of the chance that a shopper is not active on any of the first 0, 1, .. `most` days."""
    steps = np.log1p(-alpha / (alpha + beta + np.arange(most)))
    return np.concatenate([[0.0], np.cumsum(steps)])
