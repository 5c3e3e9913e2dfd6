"""The worth of items, by which a last token may order them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.tokenizer.signals import Signals

_WEAKEST: Final = 1.0  # clicks; bounds of the prior's strength, ours
_STRONGEST: Final = 1e6


def arrival(signals: Signals) -> NDArray[np.float64]:
    """(I,) every item alike, so that item numbers decide (TIGER)."""
    return np.zeros(len(signals))


def conversions(signals: Signals) -> NDArray[np.float64]:
    """(I,) orders of the log (CRID; the paper counts 30 days)."""
    return signals.orders_I


def conversion_rate(signals: Signals) -> NDArray[np.float64]:
    """(I,) empirical-Bayes conversion of the log: orders a click (VARG)."""
    clicks_I = np.maximum(signals.clicks_I, signals.orders_I)  # some buy from the cart, later
    return BetaPrior.of(signals.orders_I, clicks_I).mean(signals.orders_I, clicks_I)


@dataclass(frozen=True)
class BetaPrior:
    """What to expect of an item's conversion before its own events count.

    Attributes:
        rate: p0, expected orders a click.
        strength: a, how many clicks the expectation weighs.
    """

    rate: float
    strength: float

    @staticmethod
    def of(orders_I: NDArray[np.float64], clicks_I: NDArray[np.float64]) -> "BetaPrior":
        """Moments of a beta-binomial with unequal counts (Kleinman, JASA 1973).

        With v of c clicks converted, p0 = sum v / sum c and S = sum c (v / c - p0)**2, over the
        N clicked items, E[S] = p0 (1 - p0) ((N - 1) (1 - r) + r (sum c - sum c**2 / sum c)),
        which gives r = 1 / (a + 1). Where the log cannot tell items apart, the prior is at its
        strongest; the bounds 1 and a million clicks are ours.
        """
        seen_I = clicks_I > 0
        v_N, c_N = orders_I[seen_I], clicks_I[seen_I]
        total = float(c_N.sum())
        rate = float(v_N.sum()) / total if total else 0.0
        binomial = rate * (1.0 - rate)
        others = len(c_N) - 1.0
        spread = total - float((c_N**2).sum()) / total - others if total else 0.0
        if binomial <= 0 or spread <= 0:
            return BetaPrior(rate, _STRONGEST)
        found = float((c_N * (v_N / c_N - rate) ** 2).sum()) / binomial
        correlation = (found - others) / spread
        if correlation <= 1 / (_STRONGEST + 1):
            return BetaPrior(rate, _STRONGEST)
        return BetaPrior(rate, max(1 / correlation - 1, _WEAKEST))

    def mean(
        self, orders_I: NDArray[np.float64], clicks_I: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(I,) expected conversion of each item, (v + a p0) / (c + a)."""
        prior = self.strength * self.rate
        posterior: NDArray[np.float64] = (orders_I + prior) / (clicks_I + self.strength)
        return posterior
