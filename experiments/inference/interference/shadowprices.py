"""The effect of a treatment that competes with control for scarce stock, by shadow prices.

An A/B test counts what each arm gets. Where stock is scarce a part of that is taken from the other
arm, and with everybody in the treatment it would not be there. Bright, Delarue and Lobel (Reducing
Marketplace Interference Bias via Shadow Prices, Management Science 71(8), 2025, 7094-7112; arXiv
2205.02274) compare the shadow prices of the arms' demand instead, which is the right derivative of
the market's value. In the words of `matching`, with a share p of the shoppers treated, n[i, T] and
n[i, C] what the arms ask for, and V their common market's value,

    naive     N = sum_T v x / p - sum_C v x / (1 - p)
    shadow    S = sum_i a[i] n[i, T] / p - sum_i a[i] n[i, C] / (1 - p)
    two markets   V(n[T] / p) - V(n[C] / (1 - p))

The truth is V with the demand that all would have in the treatment, less V with that of control.
Demand at a share q is d(q) = (1 - q) n[C] / (1 - p) + q n[T] / p, so S is dV(d(q)) / dq at p, and
as V is concave along that line, S lies between the slopes at both ends. The papers' first proposal
is that of two markets, right where demand is as if it were fluid.

Because a[i] = v - l[j] wherever a pair is served, and 0 where some of a kind are not, S is also the
comparison of what each order is worth less the shadow price of the stock that it takes
(`corrected_difference`). That form needs no linear program: only what a unit of the stock is worth.
In a shop whose orders come as they come, an order takes something from somebody if the shelf is
empty before it is filled again (`displacing`). That reading of l is this house's: with `recaptured`
0 it supposes that a buyer came for each empty shelf and bought nothing else, which is the most that
stock can be worth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.interference.matching import matched
from experiments.inference.intervals.student import student, welch
from experiments.records.interval import UNKNOWN, Interval
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class MarketEffect:
    """Everybody in the treatment over nobody, in value of the whole market; see the module.

    Attributes:
        shadow: by shadow prices of demand.
        two_markets: by a market of each arm's demand alone, blown up to everybody.
    """

    shadow: float
    two_markets: float


def market_effect(
    kind_E: Ints,
    item_E: Ints,
    value_E: Floats,
    demand_I: Floats,
    supply_J: Floats,
    treated_I: NDArray[np.bool_],
    *,
    share: float,
) -> MarketEffect:
    """Estimate the effect on a market from the demand of its two arms.

    Args:
        kind_E, item_E, value_E, demand_I, supply_J: as of `matched`, of both arms together; what is
            asked for in two arms is two kinds.
        treated_I: (I,) whether a kind is asked for by the treated.
        share: p, of the shoppers who are treated.

    Raises:
        ConfigError: a share that is not between 0 and 1.
        DataError: as of `matched`.
    """
    _check(share)
    blown_I = demand_I / np.where(treated_I, share, 1 - share)
    together = matched(kind_E, item_E, value_E, demand_I, supply_J)
    sign_I = np.where(treated_I, 1.0, -1.0)
    alone = [
        matched(kind_E, item_E, value_E, np.where(inside_I, blown_I, 0.0), supply_J).worth
        for inside_I in (treated_I, ~treated_I)
    ]
    return MarketEffect(
        float((sign_I * together.demand_price_I * blown_I).sum()), alone[0] - alone[1]
    )


def naive_market_effect(
    served_E: Floats,
    kind_E: Ints,
    value_E: Floats,
    treated_I: NDArray[np.bool_],
    *,
    share: float,
) -> float:
    """What each arm got, blown up to everybody; arguments as of `market_effect` and `Matching`.

    Args:
        served_E: what was served, as it happened: the best service need not be the only one.
        kind_E, value_E, treated_I, share: as above.

    Raises:
        ConfigError: a share that is not between 0 and 1.
    """
    _check(share)
    weight_I = np.where(treated_I, 1 / share, -1 / (1 - share))
    return float((weight_I[kind_E] * value_E * served_E).sum())


def displacing(
    item_N: Ints, at_N: Floats, item_M: Ints, at_M: Floats, empty_M: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which orders took a unit that was missing later: the shelf was empty before it was filled.

    Args:
        item_N: (N,) item of each order.
        at_N: (N,) its time.
        item_M: (M,) item of each time that a shelf was emptied or filled, in any order.
        at_M: (M,) when.
        empty_M: (M,) whether it was emptied; else it was filled.

    Returns:
        (N,) true where the next of these is that the shelf was emptied, at the time of the order
        (by itself) or later; false where nothing follows.

    Raises:
        DataError: times that are not finite.
    """
    if not (np.isfinite(at_N).all() and np.isfinite(at_M).all()):
        raise DataError("times == not finite, must be numbers")
    if not len(item_M):
        return np.zeros(len(item_N), bool)
    order_M = np.lexsort((at_M, item_M))
    moment_X = np.unique(np.concatenate([at_M, at_N]))
    span = len(moment_X)
    key_M = item_M[order_M] * span + np.searchsorted(moment_X, at_M[order_M])
    key_N = item_N * span + np.searchsorted(moment_X, at_N)
    next_N = np.searchsorted(key_M, key_N)
    there_N = next_N < len(key_M)
    place_N = order_M[np.minimum(next_N, len(key_M) - 1)]
    return np.asarray(there_N & (item_M[place_N] == item_N) & empty_M[place_N])


def corrected_value(
    value_N: Floats, displacing_N: NDArray[np.bool_], *, recaptured: float = 0.0
) -> Floats:
    """(N,) what orders are worth less the shadow price of the stock that they took.

    Args:
        value_N: (N,) value of each order.
        displacing_N: (N,) whether it took a unit that was missing later; see `displacing`.
        recaptured: part of what an empty shelf loses that is bought elsewhere in the shop.

    Raises:
        ConfigError: a part below 0 or above 1.
    """
    if not 0 <= recaptured <= 1:
        raise ConfigError(f"recaptured == {recaptured}, must be from 0 to 1")
    return np.asarray(np.where(displacing_N, recaptured, 1.0) * value_N)


def corrected_difference(
    worth_U: Floats, treated_U: NDArray[np.bool_], *, confidence: float = 0.95
) -> Interval:
    """Mean of the treated less that of the others, with Welch's interval.

    Args:
        worth_U: (U,) sum of the corrected values of each shopper, 0 for those without an order.
            Prices of stock are taken as given: the interval knows nothing of their own error.
        treated_U: (U,) whether the shopper is treated.
        confidence: level of the interval.

    Returns:
        unknown where an arm has fewer than two shoppers.

    Raises:
        ConfigError: a confidence that is none.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence == {confidence}, must be > 0 and < 1")
    arms = worth_U[~treated_U], worth_U[treated_U]
    if min(map(len, arms)) < 2:
        return UNKNOWN
    one, two = (float(arm.std(ddof=1)) / len(arm) ** 0.5 for arm in arms)
    estimate = float(arms[1].mean() - arms[0].mean())
    if one == two == 0:
        return student(estimate, 0.0, 1.0, confidence=confidence)[0]
    freedom = welch((one, two), (len(arms[0]) - 1, len(arms[1]) - 1))
    return student(estimate, float(np.hypot(one, two)), freedom, confidence=confidence)[0]


def _check(share: float) -> None:
    if not 0 < share < 1:
        raise ConfigError(f"share == {share}, must be > 0 and < 1")
