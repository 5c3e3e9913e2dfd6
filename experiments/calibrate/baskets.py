"""What is bought at once, and how prices move: parameters from the orders."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.calibrate.likelihood import greatest, rows_of_matrix
from experiments.records.calibration import Posterior
from experiments.validate.ownlog.sales import Sales
from simulator.errors import DataError
from simulator.protocols import DAY

Floats = NDArray[np.float64]

_SAME = 1e-6  # of a log price: rounding
_MOST_CHANGES = 12  # of one price between two sales that are told apart
_FEWEST = 30


def repeat_quantity(sales: Sales) -> Posterior:
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
    share, people = float(more_U.sum() / units_U.sum()), len(units_U)
    if not 0 < share < 1 or people < 2:
        raise DataError(
            f"world.behavior.repeat_quantity: share of further units == {share:g} of {people} "
            "shoppers, must be above 0 and below 1, of 2 or more"
        )
    error = math.sqrt(((more_U - share * units_U) ** 2).sum() * people / (people - 1))
    error /= float(units_U.sum()) * share * (1 - share)  # of the log odds
    return Posterior(
        settings=("world.behavior.repeat_quantity",),
        scales=("logit",),
        floors=(0.0,),
        centre=(float(special.logit(share)),),
        covariance=((error**2,),),
        law="geometric units of orders of one item, errors over shoppers",
        n=int(single_L.sum()),
    )


def price_moves(sales: Sales) -> Posterior:
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
    kept_days, gap_M, move_M = int(gap_N[~moved_N].sum()), gap_N[moved_N], move_N[moved_N]
    changes_K = np.arange(1, _MOST_CHANGES + 1)
    choose_MK = special.gammaln(gap_M + 1)[:, None] - special.gammaln(changes_K + 1)
    left_MK = gap_M[:, None] - changes_K
    possible_MK = left_MK >= 0
    choose_MK = choose_MK - special.gammaln(np.maximum(left_MK, 0) + 1)

    def log_likelihood(at: Floats) -> float:
        share, sigma = float(special.expit(at[0])), math.exp(at[1])
        if not 0 < share < 1 or not 1e-9 < sigma < 1e3:
            return -math.inf
        term_MK = choose_MK + changes_K * math.log(share) + left_MK * math.log1p(-share)
        term_MK = term_MK - np.log(changes_K) / 2 - math.log(sigma * math.sqrt(2 * math.pi))
        term_MK = term_MK - move_M[:, None] ** 2 / (2 * sigma**2 * changes_K)
        moved = special.logsumexp(np.where(possible_MK, term_MK, -np.inf), axis=1).sum()
        return float(moved) + kept_days * math.log1p(-share)

    share = float(moved_N.sum()) / float(gap_N.sum())
    start = float(special.logit(min(max(share, 1e-4), 0.9))), math.log(move_N[moved_N].std())
    fit = greatest(log_likelihood, start, "world.market.price_changes")
    return Posterior(
        settings=("world.market.price_changes", "world.market.price_sigma"),
        scales=("logit", "log"),
        floors=(0.0, 0.0),
        centre=(float(fit.at[0]), float(fit.at[1])),
        covariance=rows_of_matrix(fit.covariance),
        law="binomial number of normal changes between two days of sale",
        n=len(move_N),
    )
