"""What a log tells of more days than it has: the law of exchangeable days.

Days are taken for alike, but for how many shoppers come on the days of the week, and shoppers for
those who go on as they did. Then, with time counted in average days,

- distinct shoppers grow by the beta-binomial law of active days;
- sums of counts and of money grow as time;
- sums of squares and products of shoppers' totals grow as a t + b t (t - 1): a is what happens
  within a day, b what two days of one shopper have in common. Both are in the log, and need no law
  of what a shopper does;
- who ever bought or clicked (a 0-1 column) grows as distinct shoppers do, by days with such an
  event.

All of it passes through what was found on the last day. A shop that grows, a season, or shoppers
who leave for good are not in it: `back_test` tells how far it is off within the log.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.metrics import UNIT_COLUMNS
from experiments.inference.power.accrual import VISITS, Accrual
from experiments.inference.power.betabinomial import BetaBinomial

Floats = NDArray[np.float64]
LAW = "exchangeable days"
WEEK = 7


@dataclass(frozen=True)
class Growth:
    """The first days of a log and what they foretell.

    Attributes:
        accrual: the whole log.
        days: how many of its days are known; later ones are foretold.
        reach: distinct shoppers.
        reached: by 0-1 column, who ever did that; None where nobody did.
    """

    accrual: Accrual
    days: int
    reach: BetaBinomial
    reached: dict[str, BetaBinomial | None]

    @classmethod
    def fit(cls, accrual: Accrual, days: int) -> "Growth":
        """The law of the first days, which `accrual.days_of` must have.

        Raises:
            DataError: they are fewer than 3.
        """
        counts = {column: n for (column, last), n in accrual.days_of.items() if last == days}
        return cls(
            accrual,
            days,
            BetaBinomial.fit(counts[VISITS]),
            {
                column: BetaBinomial.fit(n) if n.sum() else None
                for column, n in counts.items()
                if column != VISITS
            },
        )

    def time(self, last: int) -> Floats:
        """(D,) days 1 to `last`, counted in average days of the log by their shopper-days.

        A day to come is like those of the same weekday, where the log has one.
        """
        active_D = self.accrual.active_D[: self.days]
        mean = active_D.mean()
        coming = np.arange(self.days, max(last, self.days))
        weekday_D = np.arange(self.days) % WEEK
        like = [active_D[weekday_D == day % WEEK] for day in coming]
        ahead = [float(each.mean() / mean) if len(each) else 1.0 for each in like]
        return np.cumsum(np.concatenate([active_D / mean, ahead]))[:last]

    def tables(self, last: int) -> Floats:
        """(D, E, E) cross products of the period's own columns after days 1 to `last`.

        Those of the known days are as they were.
        """
        size = self.accrual.layout.own
        known_DEE = self.accrual.table_DKK[: self.days, :size, :size]
        time_D = self.time(last)[self.days :]
        whole_EE, within_EE = known_DEE[-1], self.accrual.within_DEE[self.days - 1]
        part_EE = within_EE / self.days
        common_EE = (whole_EE - within_EE) / (self.days * (self.days - 1))
        ahead_DEE = time_D[:, None, None] * part_EE
        ahead_DEE = ahead_DEE + (time_D * (time_D - 1))[:, None, None] * common_EE
        ahead_DEE[:, 0, :] = ahead_DEE[:, :, 0] = time_D[:, None] / self.days * whole_EE[0]
        ahead_DEE[:, 0, 0] = self.reach.reach(time_D)
        for at, name in enumerate(self.accrual.layout.names[1:size], 1):
            if UNIT_COLUMNS[name].positive:
                law = self.reached[UNIT_COLUMNS[name].positive]
                who_D = law.reach(time_D) if law is not None else 0.0
                ahead_DEE[:, at, at] = ahead_DEE[:, 0, at] = ahead_DEE[:, at, 0] = who_D
        return np.concatenate([known_DEE, ahead_DEE])[:last]
