"""What is bought at once, and how prices move: parameters from the orders."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.calibrate.likelihood import greatest, quantile
from experiments.records.interval import Interval
from experiments.validate.ownlog.sales import Sales
from experiments.validate.verdicts import ratio_of
from simulator.errors import DataError
from simulator.protocols import DAY

Floats = NDArray[np.float64]

_SAME = 1e-6  # of a log price: rounding
_MOST_CHANGES = 12  # of one price between two sales that are told apart
_FEWEST = 30


def repeat_quantity(sales: Sales, *, confidence: float) -> Interval:
    """The chance of one more unit of a bought item, from orders of one item.

    Units are geometric, so it is the share of units beyond the first; its interval is over
    shoppers. Orders of several items are left out: of a second item one unit is bought. Units that
    were wanted and not there are not seen: where shelves are often short, it is too low.

    Raises:
        DataError: too few orders of one item.
    """
    rows_L = np.bincount(sales.order_L)[sales.order_L]
    single_L = (rows_L == 1) & (sales.quantity_L % 1 == 0)
    if int(single_L.sum()) < _FEWEST:
        raise DataError(
            f"world.behavior.repeat_quantity: {int(single_L.sum())} orders of one item, "
            f"must be >= {_FEWEST}"
        )
    shopper, units = sales.shopper_L[single_L], sales.quantity_L[single_L]
    _, who = np.unique(shopper, return_inverse=True)
    more_U, units_U = (np.bincount(who, of).astype(np.float64) for of in (units - 1, units))
    return ratio_of(more_U, units_U, confidence)


def price_moves(sales: Sales, *, confidence: float) -> tuple[Interval, Interval]:
    """The share of items whose price changes on a day, and the spread of the log change.

    Of each item the first price of each day on which it was sold, against the one before. After g
    midnights a price has changed k times, binomial of g and the share; unchanged it is the same,
    changed k times the log of the ratio is normal with variance k sigma^2.

    Raises:
        DataError: too few prices, or none that moved.
    """
    day_L = (sales.at_L // DAY).astype(np.int64)
    order = np.lexsort((np.arange(len(day_L)), day_L, sales.item_L))
    item, day = sales.item_L[order], day_L[order]
    first = np.r_[True, (np.diff(item) != 0) | (np.diff(day) != 0)]
    item, day, log_price = item[first], day[first], np.log(sales.price_L[order][first])
    again = np.diff(item) == 0
    gap_N, move_N = np.diff(day)[again], np.diff(log_price)[again]
    moved_N = np.abs(move_N) > _SAME
    if int(moved_N.sum()) < _FEWEST or moved_N.all():
        raise DataError(
            f"world.market.price_changes: {int(moved_N.sum())} of {len(move_N)} prices moved, "
            f"must be >= {_FEWEST} and not all"
        )
    changes_K = np.arange(1, _MOST_CHANGES + 1)
    choose_NK = special.gammaln(gap_N + 1)[:, None] - special.gammaln(changes_K + 1)
    left_NK = gap_N[:, None] - changes_K
    possible_NK = left_NK >= 0
    choose_NK = choose_NK - special.gammaln(np.maximum(left_NK, 0) + 1)

    def log_likelihood(at: Floats) -> float:
        share, sigma = float(special.expit(at[0])), math.exp(at[1])
        if not 0 < share < 1 or not 1e-9 < sigma < 1e3:
            return -math.inf
        same_N = gap_N * math.log1p(-share)
        term_NK = choose_NK + changes_K * math.log(share) + left_NK * math.log1p(-share)
        term_NK = term_NK - np.log(changes_K) / 2 - math.log(sigma * math.sqrt(2 * math.pi))
        term_NK = term_NK - move_N[:, None] ** 2 / (2 * sigma**2 * changes_K)
        other_N = special.logsumexp(np.where(possible_NK, term_NK, -np.inf), axis=1)
        return float(np.where(moved_N, other_N, same_N).sum())

    share = float(moved_N.sum()) / float(gap_N.sum())
    start = float(special.logit(min(max(share, 1e-4), 0.9))), math.log(move_N[moved_N].std())
    fit = greatest(log_likelihood, start, "world.market.price_changes")
    reach = quantile(confidence)
    ends = [fit.at[0] + side * reach * fit.error((1, 0)) for side in (0, -1, 1)]
    spread = [fit.at[1] + side * reach * fit.error((0, 1)) for side in (0, -1, 1)]
    return (
        Interval(*(float(special.expit(end)) for end in ends)),
        Interval(*(math.exp(end) for end in spread)),
    )
