"""What a log tells of more days than it has: the law of exchangeable days.

Days are taken for alike, but for how many shoppers come on the days of the week, and shoppers for
those who go on as they did. Then, with time counted in average days,

- distinct shoppers grow by the beta-binomial law of active days;
- sums of counts and of money grow as time;
- sums of squares and products of shoppers' totals grow as a t + b t (t - 1): a is what happens
  within a day, b what two days of one shopper have in common. Both are in the log, and need no law
  of what a shopper does. Where b is told by few events, the variance of a shopper grows as their
  mean at least, as it does where shoppers are alike;
- who ever bought or clicked (a 0-1 column) grows as distinct shoppers do, by days with such an
  event;
- shoppers who come for the first time have the history of those who did so in the later half of
  the days; products with the history grow as time, for a shopper's own history stays as it is.

All of it passes through what was found on the last day. A shop that grows, a season, or shoppers
who leave for good are not in it: `back_test` tells how far it is off within the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.metrics import UNIT_COLUMNS
from experiments.inference.power.accrual import VISITS, Accrual
from experiments.inference.power.betabinomial import FEWEST_DAYS, BetaBinomial
from experiments.inference.power.pilot import CUPED, PLAIN, Pilot
from simulator.errors import DataError

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
        """(D, K, K) cross products of shoppers' totals after days 1 to `last`.

        Those of the known days are as they were.
        """
        known_DKK = self.accrual.table_DKK[: self.days]
        time_D = self.time(last)[self.days :]
        ahead_DKK = np.empty((len(time_D), *known_DKK.shape[1:]))
        size = self.accrual.layout.own
        ahead_DKK[:, :size, :size] = self._own(time_D)
        if known_DKK.shape[1] > size:
            self._add_history(ahead_DKK, time_D)
        return np.concatenate([known_DKK, ahead_DKK])[:last]

    def _own(self, time_D: Floats) -> Floats:
        """(D, E, E) the products of the period's own columns."""
        layout = self.accrual.layout
        whole_EE = self.accrual.table_DKK[self.days - 1][: layout.own, : layout.own]
        within_EE = self.accrual.within_DEE[self.days - 1]
        common_EE = (whole_EE - within_EE) / (self.days * (self.days - 1))
        if layout.bottom:  # a shopper's days go against each other by chance alone
            away = np.zeros(layout.own)
            away[layout.top], away[layout.bottom] = 1.0, -float(layout.level(whole_EE))
            common_EE[layout.top, layout.top] -= min(0.0, float(away @ common_EE @ away))
        ahead_DEE: Floats = time_D[:, None, None] * (within_EE / self.days)
        ahead_DEE = ahead_DEE + (time_D * (time_D - 1))[:, None, None] * common_EE
        ahead_DEE[:, 0, :] = ahead_DEE[:, :, 0] = time_D[:, None] / self.days * whole_EE[0]
        ahead_DEE[:, 0, 0] = self.reach.reach(time_D)
        for at, name in enumerate(layout.names[1 : layout.own], 1):
            if UNIT_COLUMNS[name].positive:
                law = self.reached[UNIT_COLUMNS[name].positive]
                who_D = law.reach(time_D) if law is not None else 0.0
                ahead_DEE[:, at, at] = ahead_DEE[:, 0, at] = ahead_DEE[:, at, 0] = who_D
            elif not layout.bottom and whole_EE[0, at] > 0:
                spread = float(layout.variance(whole_EE)) * whole_EE[0, 0] / whole_EE[0, at]
                total_D, units_D = ahead_DEE[:, 0, at], ahead_DEE[:, 0, 0]
                least_D = total_D**2 / units_D + spread * total_D * (1 - 1 / units_D)
                ahead_DEE[:, at, at] = np.maximum(ahead_DEE[:, at, at], least_D)
        return ahead_DEE

    def _add_history(self, ahead_DKK: Floats, time_D: Floats) -> None:
        """Fill in the products with columns of the history, given those of the period's own."""
        layout, whole_KK = self.accrual.layout, self.accrual.table_DKK[self.days - 1]
        late_KK = whole_KK - self.accrual.table_DKK[max(self.days // 2, 1) - 1]
        size = layout.own

        def coming(column: int) -> Floats:
            """(D,) who comes in a column later, over who came in the later half of the days."""
            more_D = ahead_DKK[:, column, column] - whole_KK[column, column]
            came = late_KK[column, column]
            return more_D / came if came > 0 else np.zeros_like(more_D)

        new_D = coming(0)[:, None, None]
        ahead_DKK[:, size:, size:] = whole_KK[size:, size:] + new_D * late_KK[size:, size:]
        for at, name in enumerate(layout.names[:size]):
            row_DP = time_D[:, None] / self.days * whole_KK[at, size:]
            if not name or UNIT_COLUMNS[name].positive:
                row_DP = whole_KK[at, size:] + coming(at)[:, None] * late_KK[at, size:]
            ahead_DKK[:, at, size:] = ahead_DKK[:, size:, at] = row_DP


def pilot_of(accrual: Accrual, explained: Mapping[str, float], days: int) -> Pilot:
    """What a log tells, with CUPED where it has a history.

    What the history explains is foretold up to twice the days of the log, and stays so: it
    rests on what few shoppers did on several days.

    Args:
        accrual: of the log.
        explained: R^2 of further methods, the same on all days.
        days: for how many days; beyond those of the log only where these allow a law.

    Raises:
        DataError: days beyond the log of which it tells nothing, with the reason.
    """
    layout, found = accrual.layout, min(accrual.days, days)
    table_DKK = accrual.table_DKK[:found]
    if days > found:
        if reason := untold(accrual):
            raise DataError(reason)
        table_DKK = Growth.fit(accrual, accrual.days).tables(days)
    shares = {name: np.full(days, share) for name, share in explained.items()}
    if layout.before is not None:
        last = min(2 * accrual.days, days)
        share_D = layout.explained(table_DKK[:last])
        shares[CUPED] = np.concatenate([share_D, np.full(days - last, share_D[-1])])
    return Pilot(
        layout.units(table_DKK),
        layout.level(table_DKK),
        layout.variance(table_DKK),
        {PLAIN: np.zeros(days), **shares},
        found,
    )


def untold(accrual: Accrual) -> str:
    """Why a log foretells no further days, "" where it does."""
    if accrual.days < FEWEST_DAYS:
        return (
            f"days of the log == {accrual.days}, must be >= {FEWEST_DAYS} to foretell more of them"
        )
    layout = accrual.layout
    if layout.bottom and any(UNIT_COLUMNS[n].positive for n in layout.names[1 : layout.own]):
        return "a ratio with a column that is 0 or 1 is not foretold beyond the days of the log"
    return ""
