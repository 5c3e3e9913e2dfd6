"""A new channel as a new action set: another generator of candidates before the old ranker.

A generator set g is the channels that are asked for a request x. It finds the candidates C_g = {a :
the sources of a hold a channel of g}; the ranker, which stays the old one, orders them, and with
some exploration puts item a at a place with the chance rho(a | x, C_g). An item that the set does
not find has none: rho = 0. What is asked is the value of a set t,

    V(t) = mean over x of sum over places and a of rho(a | x, C_t) q(x, place, a),

and what is logged are pages of sets g, each used with the chance mu(g | x): the arms of a test, or
one set alone. Of the new set only rho is known, by asking its channels and the old ranker.

Weights on pairs (generator set, item). Both are the judged chance over the logged one:

    pair   w = [g = t] rho(a | x, C_t) / (mu(g | x) rho(a | x, C_g))        propensity of the pair
    item   w = rho(a | x, C_t) / sum over h of mu(h | x) rho(a | x, C_h)    propensity of the item

and both go into IPS, SNIPS and DR (see `estimators`). Proof for IPS, at one place of one request:

    pair   E[w r] = sum over g, a of mu(g) rho(a | C_g) w q(a)
                  = sum over a with mu(t) > 0 of rho(a | C_t) q(a)
    item   E[w r] = sum over a of (sum over g of mu(g) rho(a | C_g)) w q(a)
                  = sum over a with a propensity > 0 of rho(a | C_t) q(a).

Pair weights need that the log used the judged set itself, so of a new channel they tell nothing.
Item weights need one assumption more: an outcome depends on request, place and item, and NOT on
which set made the page (nor on the page's other items, nor on how long it took). Then the item's
weight is the mean of the pair's given the item, so its variance is never the larger one (Rao and
Blackwell). They are the balanced weights of several loggers (Agarwal, Basu, Schnabel and Joachims,
KDD 2017).

What is identified. The mass of items that a logged set finds and can show at the place. NOT
identified: items that only the new channels find. IPS counts nothing there, DR what its model says,
with the bias sum over these of rho (model - q); `bounds` says between what the value lies whatever
they bring.

Support burden: the judged mass whose item has a weight above `WEAK_WEIGHT`, or no support. Between
several generator sets the choice is by

    V_DR - price burden                                                           (`choose`)

which is pessimism: where price >= |model - q| for every item without support, V_DR - price burden
is on average at most V, so that no set wins by what nobody has seen. With price = the most that a
slot brings, and a model between 0 and that, this always holds.

That the changed set is a changed action set is from Wang, Shi, Shabbeer and London, "Off-Policy
Evaluation of Candidate Generators in Two-Stage Recommender Systems" (RecSys 2025), value minus
burden from "CASP: Support-Aware Offline Policy Selection for Two-Stage Recommender Systems" (2026,
arXiv 2604.23022). Of both only abstracts were read here: the weights, the burden and the proof are
ours.

Axis suffixes: N items at places, G generator sets.
"""

import numpy as np
from numpy.typing import NDArray

from simulator.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

_SUMS = 1e-6  # by which shares may miss 1


def found_by(sources_N: Ints, generators_G: Ints) -> NDArray[np.bool_]:
    """(N, G) whether each generator set holds a channel that found the item.

    Args:
        sources_N: bitmask of all channels that found the item, as in the log's `sources`.
        generators_G: bitmask of the channels of each set.
    """
    return np.asarray((sources_N[:, None] & generators_G[None, :]) != 0)


def explored(
    found_NG: NDArray[np.bool_], greedy_NG: NDArray[np.bool_], ranked_NG: Ints, *, rate: float
) -> Floats:
    """(N, G) chance of the item at its place by each set, under a funnel's exploration.

    A share `rate` of queries is shown in a random order of the ranked candidates, so each of them
    is equally likely at each place; the others are shown best first.

    Args:
        found_NG: whether the set finds the item, and the item reaches the ranker.
        greedy_NG: whether the item is at this place when the set's candidates are ranked.
        ranked_NG: how many candidates of the set are ranked.
        rate: `funnel.exploration`, 0 to 1.

    Raises:
        DataError: another rate.
    """
    if not 0 <= rate <= 1:
        raise DataError(f"rate == {rate}, must be >= 0 and <= 1")
    random_NG = rate / np.maximum(ranked_NG, 1)
    return np.where(found_NG, (1 - rate) * greedy_NG + random_NG, 0.0)


def pair_propensity(share_NG: Floats, chance_NG: Floats, generator_N: Ints) -> Floats:
    """(N,) probability by the log of the pair of this generator set and this item.

    Args:
        share_NG: chance that the log uses each set for the request; sums to 1.
        chance_NG: chance of the item at its place by each set.
        generator_N: which set: of the logged page, or the judged one.

    Raises:
        DataError: shares that do not sum to 1, or a chance that is none.
    """
    _check(share_NG, chance_NG)
    row_N = np.arange(len(generator_N))
    return np.asarray(share_NG[row_N, generator_N] * chance_NG[row_N, generator_N])


def item_propensity(share_NG: Floats, chance_NG: Floats) -> Floats:
    """(N,) probability by the log of this item at its place, whichever set made the page.

    Args:
        share_NG: chance that the log uses each set for the request; sums to 1.
        chance_NG: chance of the item at its place by each set.

    Raises:
        DataError: shares that do not sum to 1, or a chance that is none.
    """
    _check(share_NG, chance_NG)
    return np.asarray((share_NG * chance_NG).sum(axis=1))


def _check(share_NG: Floats, chance_NG: Floats) -> None:
    for name, value_NG in (("share_NG", share_NG), ("chance_NG", chance_NG)):
        wrong_NG = ~((value_NG >= 0) & (value_NG <= 1))
        if wrong_NG.any():
            raise DataError(f"{name} == {value_NG[wrong_NG][0]}, must be >= 0 and <= 1")
    sums_N = share_NG.sum(axis=1)
    off_N = np.abs(sums_N - 1) > _SUMS
    if off_N.any():
        raise DataError(f"share_NG of a row sum to {sums_N[off_N][0]:.6g}, must sum to 1")
