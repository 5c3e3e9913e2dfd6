"""What two markets must bring, in closed form: Erlang loss systems, and choice among listings.

Rates are sales in a lead time: of an item in the first market, of a listing in the second.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.stats import binom

FINEST = 1e-12


def erlang_b(units: int, load: float) -> float:
    """Blocking probability of the Erlang loss system, by its recursion."""
    blocking = 1.0
    for number in range(1, units + 1):
        blocking = load * blocking / (number + load * blocking)
    return blocking


@dataclass(frozen=True)
class ErlangMarket:
    """An item with N units, each replaced one lead time after it is sold, whatever its law.

    Attributes:
        units: N.
        demand: shoppers who come in a lead time, lambda.
        control, treatment: chance that one of them would buy, p0 and p1.
    """

    units: int
    demand: float
    control: float
    treatment: float

    def sales(self, chance: float) -> float:
        """What everybody buys together who would buy with a chance."""
        load = self.demand * chance
        return load * (1 - erlang_b(self.units, load))

    @property
    def effect(self) -> float:
        """Of giving everybody the treatment."""
        return self.sales(self.treatment) - self.sales(self.control)

    def naive(self, treated: float = 0.5) -> float:
        """What a test that splits shoppers tells: both arms meet one shelf."""
        load = self.demand * (self.control * (1 - treated) + self.treatment * treated)
        met = 1 - erlang_b(self.units, load)
        return self.demand * (self.treatment - self.control) * met

    def split(self, treated: float = 0.5) -> float:
        """What it tells where each arm has its own half of the units, of an odd one by a coin."""
        parts = self.units // 2, (self.units + 1) // 2

        def sales(share: float, chance: float) -> float:
            load = self.demand * share * chance
            met = sum(1 - erlang_b(units, load) for units in parts) / 2
            return load * met / share

        return sales(treated, self.treatment) - sales(1 - treated, self.control)


@dataclass(frozen=True)
class Told:
    """What everybody in one arm brings, and what tests tell of the difference.

    Attributes:
        control: with everybody in control.
        effect: of giving everybody the treatment.
        shoppers, listings: as tests tell it that split these.
        naive, tsri_1, tsri_2: as tests do that split both, by estimator.
    """

    control: float
    effect: float
    shoppers: float
    listings: float
    naive: float
    tsri_1: float
    tsri_2: float


@dataclass(frozen=True)
class ChoiceMarket:
    """Many listings of one unit each, of which a shopper considers a few and takes one, or none.

    A shopper considers some listings drawn at random, of which those are there that are not being
    replaced, and takes one by a multinomial logit in which each weighs w and nothing weighs 1. The
    share of listings that are there moves until as many are sold as come back: the steady state of
    the mean field (Johari, Li, Liskovich and Weintraub, Management Science 68, 2022, theorem 1),
    where demand, lambda / tau, is how many shoppers come to a listing while one is replaced. In the
    paper a listing is considered with a chance, and so many are; here a fixed few are.

    Attributes:
        demand: lambda / tau.
        few, many: listings considered in control and in the treatment.
        weight: w.
        shoppers, items: shares of both that are treated, a_C and a_L.
    """

    demand: float
    few: int = 5
    many: int = 10
    weight: float = 0.05
    shoppers: float = 0.5
    items: float = 0.5

    def _sold(self, there: float, count: int) -> float:
        """Sales to one shopper who considers so many listings."""
        k = np.arange(count + 1)
        worth = self.weight * k / (1 + self.weight * k)
        return float((binom.pmf(k, count, there) * worth).sum())

    @cached_property
    def _cases(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        few, more = np.arange(self.few + 1), np.arange(self.many - self.few + 1)
        c, t, m = np.meshgrid(few, few, more, indexing="ij")
        return c, t, m

    def _sides(self, there_2: np.ndarray, *, treated: bool) -> np.ndarray:
        """(2,) sales of listings of control and of the treatment to one shopper, per listing.

        Args:
            there_2: share of the listings of each arm that are there.
            treated: whether the shopper also considers the treatment's beyond the first few.
        """
        share_2 = np.array([1 - self.items, self.items])
        one, two = share_2 * there_2
        c, t, m = self._cases
        chance = binom.pmf(c, self.few, one) * binom.pmf(t, self.few - c, two / (1 - one))
        chance = chance * (binom.pmf(m, self.many - self.few, two) if treated else m == 0)
        of_2 = np.stack((c, t + m))
        met = self.weight * of_2 / (1 + self.weight * of_2.sum(axis=0))
        return np.asarray((chance * met).sum(axis=(1, 2, 3)) / share_2)

    def _steady(self, treated: float) -> np.ndarray:
        """(2,) listings there where so many of the shoppers see the treatment's as it has them."""

        def off(logit_2: np.ndarray) -> np.ndarray:
            there_2 = 1 / (1 + np.exp(-logit_2))
            sold_2 = treated * self._sides(there_2, treated=True)
            sold_2 = sold_2 + (1 - treated) * self._sides(there_2, treated=False)
            return np.asarray(self.demand * sold_2 / (1 - there_2) - 1)

        start = -np.log(max(self.demand * self._sold(1.0, self.few), FINEST))
        found = least_squares(off, np.full(2, start), xtol=1e-14, ftol=1e-14, gtol=1e-14)
        return np.asarray(1 / (1 + np.exp(-found.x)))

    def _alone(self, mixture: dict[int, float]) -> float:
        """Listings there where shoppers consider so many listings, by their shares."""

        def off(there: float) -> float:
            sold = sum(share * self._sold(there, count) for count, share in mixture.items())
            return self.demand * sold - (1 - there)

        return float(brentq(off, FINEST, 1.0, xtol=FINEST))

    def told(self) -> Told:
        """Everything, at this demand."""
        control, treatment = (
            self.demand * self._sold(self._alone({count: 1.0}), count)
            for count in (self.few, self.many)
        )
        there = self._alone({self.few: 1 - self.shoppers, self.many: self.shoppers})
        shoppers = self.demand * (self._sold(there, self.many) - self._sold(there, self.few))
        one_2 = self.demand * self._sides(self._steady(1.0), treated=True)
        there_2 = self._steady(self.shoppers)
        (q00, q01), (q10, q11) = (
            (self.demand * self._sides(there_2, treated=treated)).tolist()
            for treated in (False, True)
        )
        a, b = self.shoppers, self.items
        rest = (1 - a) * (1 - b) * q00 + (1 - a) * b * q01 + a * (1 - b) * q10
        weight = float(np.exp(-self.demand))

        def tsri(k: int) -> float:
            other = 1 - weight
            by_shopper = q11 - q01 - k * other * (q00 - q01)
            return weight * by_shopper + other * (q11 - q10 - k * weight * (q00 - q10))

        return Told(
            control=control,
            effect=treatment - control,
            shoppers=shoppers,
            listings=float(one_2[1] - one_2[0]),
            naive=q11 - rest / (1 - a * b),
            tsri_1=tsri(1),
            tsri_2=tsri(2),
        )
