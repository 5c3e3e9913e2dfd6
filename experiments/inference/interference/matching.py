"""A market served as well as it can be: a linear program, and what its scarce parts are worth.

    V(d, s) = max sum_e v[e] x[e]   over x >= 0
              sum of x over the pairs of a kind of demand i   <= d[i]      price a[i]
              sum of x over the pairs of an item j            <= s[j]      price l[j]

The prices are the duals: what one more unit of a constraint would add, a[i] = dV / dd[i] and
l[j] = dV / ds[j]. V is concave, and a[i] + l[j] >= v[e], with equality where a pair is served: what
one more asker is worth is the value of what they get less what it takes from others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from simulator.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Matching:
    """The best service of a market.

    Attributes:
        served_E: (E,) units of each pair that are served. Where several services are best it is one
            of them, which one is not told.
        demand_price_I: (I,) what one more unit of each kind of demand adds.
        supply_price_J: (J,) what one more unit of each item adds, its shadow price. Where a
            constraint is met to the unit the price on its two sides differs; it is one between.
        worth: value of all that is served.
    """

    served_E: Floats
    demand_price_I: Floats
    supply_price_J: Floats
    worth: float


def matched(
    kind_E: Ints, item_E: Ints, value_E: Floats, demand_I: Floats, supply_J: Floats
) -> Matching:
    """Serve a market as well as it can be.

    Args:
        kind_E: (E,) kind of demand of each possible pair.
        item_E: (E,) its item.
        value_E: (E,) what a unit of it is worth, such as the price.
        demand_I: (I,) units that are asked for.
        supply_J: (J,) units on the shelf.

    Raises:
        DataError: numbers that are not finite, or negative amounts, or pairs of what is not there.
    """
    for name, amount_N in (("demand_I", demand_I), ("supply_J", supply_J)):
        if not (np.isfinite(amount_N) & (amount_N >= 0)).all():
            raise DataError(f"{name} == {amount_N.min()} at least, must be finite and >= 0")
    if not np.isfinite(value_E).all():
        raise DataError("value_E == not finite, must be numbers")
    for name, place_E, count in (
        ("kind_E", kind_E, len(demand_I)),
        ("item_E", item_E, len(supply_J)),
    ):
        if len(place_E) and not 0 <= place_E.min() <= place_E.max() < count:
            raise DataError(f"{name} == {place_E.min()} to {place_E.max()}, must be < {count}")
    if not len(value_E):
        return Matching(np.zeros(0), np.zeros(len(demand_I)), np.zeros(len(supply_J)), 0.0)
    pairs, ones_E = np.arange(len(value_E)), np.ones(len(value_E))
    rows_E = [
        sparse.csr_array((ones_E, (place_E, pairs)), shape=(count, len(pairs)))
        for place_E, count in ((kind_E, len(demand_I)), (item_E, len(supply_J)))
    ]
    constraints: Any = sparse.vstack(rows_E)  # the stubs know of dense matrices alone
    found = optimize.linprog(
        -value_E,
        A_ub=constraints,
        b_ub=np.concatenate([demand_I, supply_J]),
        method="highs",
    )
    if found.status != 0:
        raise DataError(f"market == {found.message}, must have a best service")
    price_N = -found.ineqlin.marginals
    served_E = np.asarray(found.x, np.float64)
    return Matching(
        served_E,
        np.asarray(price_N[: len(demand_I)]),
        np.asarray(price_N[len(demand_I) :]),
        float(value_E @ served_E),
    )
