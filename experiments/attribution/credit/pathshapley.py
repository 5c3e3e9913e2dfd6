"""Shapley values over observed sets of channels, as attribution libraries compute them.

This is not the contribution of a channel: it plays no funnel without it. The game of a set S of
channels that some converting path touched takes as the worth of a coalition T within S the
conversion rate of the paths that touched exactly T, 0 where none of them converted. Its Shapley
values, which sum to the rate of S, times the number of paths of S, share out the conversions of S;
money is shared in proportion. (Zhao, Mahboobi and Bagheri 2018, arXiv:1804.05327, "simplified"
form; the same quantity as MAM.run_shapley of the library marketing-attribution-models, which keeps
only four channels of longer paths.)
"""

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from simulator.errors import DataError

Floats = NDArray[np.float64]

MOST = 16
"""Most channels of one set; the work doubles with each."""


@dataclass(frozen=True)
class SetTable:
    """Paths by the set of channels that they touched.

    Attributes:
        sets_J: (J,) bitmasks, each once, none empty.
        paths_J: (J,) paths that touched exactly these, > 0.
        conversions_J: (J,) those of them that converted.
        money_J: (J,) what is to be shared out: conversions, or what they brought.
    """

    sets_J: NDArray[np.int64]
    paths_J: Floats
    conversions_J: Floats
    money_J: Floats


def path_shapley(table: SetTable, channels: int) -> Floats:
    """(C,) what each channel is given of the converting sets' money, which it adds up to.

    Raises:
        DataError: an empty set, one listed twice, one beyond the channels or of more than `MOST`.
    """
    _check(table, channels)
    rate_J = table.conversions_J / table.paths_J
    rates = dict(zip(table.sets_J.tolist(), rate_J.tolist(), strict=True))
    credit_C = np.zeros(channels)
    for mask, rate, money in zip(table.sets_J.tolist(), rate_J, table.money_J, strict=True):
        if rate > 0:
            members = [c for c in range(channels) if mask >> c & 1]
            credit_C[members] += _shapley(members, rates) / rate * money
    return credit_C


def _shapley(members: list[int], rates: dict[int, float]) -> Floats:
    """(n,) Shapley values of the members, of the game whose worths are the rates of sets."""
    n = len(members)
    inner_M = np.arange(1 << n)  # coalitions, as bitmasks over the members
    has_Mn = inner_M[:, None] >> np.arange(n) & 1
    masks_M = has_Mn @ (np.int64(1) << np.array(members, np.int64))
    worth_M = np.array([rates.get(mask, 0.0) for mask in masks_M.tolist()])
    size_M = has_Mn.sum(axis=1)
    join = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    values = [
        join[size_M[without]] @ (worth_M[without | 1 << i] - worth_M[without])
        for i in range(n)
        for without in [inner_M[has_Mn[:, i] == 0]]
    ]
    return np.array(values)


def _check(table: SetTable, channels: int) -> None:
    sets = table.sets_J
    if len(np.unique(sets)) < len(sets) or (sets <= 0).any() or (sets >> channels).any():
        raise DataError(f"sets_J == {sets}, must be different sets of {channels} channels")
    largest = int(np.bitwise_count(sets).max(initial=0))
    if largest > MOST:
        raise DataError(f"sets_J: channels of a set == {largest}, must be <= {MOST}")
