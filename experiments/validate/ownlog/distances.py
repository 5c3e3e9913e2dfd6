"""How far apart two distributions are, where values hang together by shopper, or by item too.

The distance is that of Kolmogorov and Smirnov: the greatest difference of the two distribution
functions, 0 (alike) to 1. For hours of the day it is Kuiper's, which does not depend on where the
day begins: the greatest difference above plus that below (Proc. Kon. Ned. Akad. Wet. A 63, 1960,
38-47).

Its law is told by a bootstrap of whole shoppers, each log by itself: every shopper has an
exponential weight, and the difference of the weighted distribution functions minus that of the
unweighted ones is a draw of the error of the whole difference (the exchangeable bootstrap of
empirical processes: van der Vaart and Wellner, Weak Convergence and Empirical Processes, 1996,
section 3.6). What money says hangs together by item as well: which items become bestsellers is luck
that all shoppers of a shop share, and two lives of one shop sell other items more. So there items
have weights, too, and the errors of both add up; what is the order's own is counted twice, which is
conservative. The p-value of "no difference" is the share of draws with a distance as great as the
one found. As a distance of a sum is at most the sum of the distances, the true one is no further
from the one found than the quantile of the draws: that is the interval, and it is conservative.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments.records.interval import UNKNOWN, Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 999


@dataclass(frozen=True)
class Sample:
    """N values of shoppers, numbered from 0; and of items, where they hang together by these."""

    value_N: Floats
    shopper_N: Ints
    item_N: Ints | None = None

    @classmethod
    def known(cls, value_N: Floats, shopper_N: Ints, item_N: Ints | None = None) -> "Sample":
        """The values that there are."""
        there_N = np.isfinite(value_N)
        items_N = None if item_N is None else item_N[there_N]
        return cls(value_N[there_N], shopper_N[there_N], items_N)

    @property
    def shoppers(self) -> int:
        """Those who have a value."""
        return self._clusters[0][0]

    @cached_property
    def _clusters(self) -> list[tuple[int, Ints]]:
        """Of shoppers, and of items if any: how many have a value, and of which each value is."""
        ways = [each for each in (self.shopper_N, self.item_N) if each is not None]
        found = (np.unique(each, return_inverse=True) for each in ways)
        return [(len(numbers), at_N.astype(np.int64)) for numbers, at_N in found]

    def weighted(self, rng: np.random.Generator) -> Floats:
        """(N,) weights of mean 1, whose errors are those of shoppers, and of items if any."""
        errors = [rng.exponential(size=size)[at_N] - 1 for size, at_N in self._clusters]
        return np.asarray(1 + np.sum(errors, axis=0))


@dataclass(frozen=True)
class Apart:
    """How far two samples are apart.

    Attributes:
        distance: with an interval; unknown where a sample has values of fewer than two shoppers.
        p_value: of no difference.
    """

    distance: Interval
    p_value: float | None


def apart(
    own: Sample,
    simulated: Sample,
    *,
    circular: bool = False,
    confidence: float,
    rng: np.random.Generator,
) -> Apart:
    """The distance of two samples.

    Args:
        own, simulated: values of either log.
        circular: whether the values lie on a circle.
        confidence: level of the interval.
        rng: draws the weights.
    """
    if min(own.shoppers, simulated.shoppers) < 2:
        return Apart(UNKNOWN, None)
    values = np.concatenate([own.value_N, simulated.value_N])
    order = np.argsort(values, kind="stable")
    last = np.flatnonzero(np.diff(values[order], append=np.inf) > 0)  # of equal values, the last
    split = len(own.value_N)

    def steps(weights: tuple[Floats, Floats]) -> Floats:
        """The difference of the distribution functions where the values are."""
        part = np.empty(len(values))
        part[:split] = _shares(weights[0])
        part[split:] = -_shares(weights[1])
        return np.asarray(np.cumsum(part[order])[last])

    found = steps((np.ones(split), np.ones(len(values) - split)))
    size = _distance(found, circular)
    drawn = np.empty(DRAWS)
    for at in range(DRAWS):
        weights = own.weighted(rng), simulated.weighted(rng)
        drawn[at] = _distance(steps(weights) - found, circular)
    reach = float(np.quantile(drawn, confidence))
    p_value = (1 + int((drawn >= size).sum())) / (1 + DRAWS)
    most = 2.0 if circular else 1.0
    return Apart(Interval(size, max(0.0, size - reach), min(most, size + reach)), p_value)


def _shares(weight_N: Floats) -> Floats:
    return np.asarray(weight_N / weight_N.sum())


def _distance(steps: Floats, circular: bool) -> float:
    if circular:
        return float(max(steps.max(), 0.0) - min(steps.min(), 0.0))
    return float(np.abs(steps).max())


def share_of_top(
    item_L: Ints, shopper_L: Ints, top: float, weight_U: Floats | None = None
) -> float:
    """Share of purchases that the most bought items hold, of the items that were bought at all.

    Args:
        item_L, shopper_L: of each purchase, numbered from 0.
        top: share of the items.
        weight_U: of the shoppers.
    """
    weight_L = None if weight_U is None else weight_U[shopper_L]
    count_I = np.sort(np.bincount(item_L, weight_L))[::-1].astype(float)
    held = max(1, round(top * int((count_I > 0).sum())))
    return float(count_I[:held].sum() / count_I.sum())


def _share_of_weighted(count_I: Floats, weight_I: Floats, top: float) -> float:
    """The same where items count as so many each; of the last item, the part that fits in."""
    order = np.argsort(-count_I, kind="stable")
    reached_I = np.cumsum(weight_I[order])
    part_I = np.clip((top * reached_I[-1] - reached_I) / weight_I[order] + 1, 0, 1)
    sold_I = (weight_I * count_I)[order]
    return float((part_I * sold_I).sum() / sold_I.sum())


def concentration_apart(
    own: tuple[Ints, Ints],
    simulated: tuple[Ints, Ints],
    top: float,
    *,
    confidence: float,
    rng: np.random.Generator,
) -> tuple[Interval, float | None, tuple[float, float]]:
    """How much more of the purchases the top items hold in the simulated log than in the own one.

    How concentrated purchases look hangs on how many there are. So of the log with more of them, as
    many shoppers are drawn as have about as many purchases as the other log; the difference is the
    mean over such draws. Its error is that of the drawing, and of bootstraps of either log's
    shoppers and of its items: how much of a bestseller an item becomes is luck, too.

    Args:
        own, simulated: item and shopper of each purchase.
        top: share of the items.
        confidence: level of the interval.
        rng: draws shoppers and weights.

    Returns:
        the difference, its p-value by the normal law, and the shares of either log.
    """
    if min(len(np.unique(each[1])) for each in (own, simulated)) < 2:
        return UNKNOWN, None, (float("nan"), float("nan"))
    fewest = min(len(own[0]), len(simulated[0]))
    drawn = np.array(
        [
            [_top_of(_as_many(each, fewest, rng), top, rng) for each in (own, simulated)]
            for _ in range(_CONCENTRATIONS)
        ]
    )
    shares, errors = drawn[:, :, 0].mean(axis=0), drawn[:, :, 1] - drawn[:, :, 0]
    size = float(shares[1] - shares[0])
    # What a bootstrap adds to its own draw has the spread of a sample; its bias is no spread.
    spread = float(np.sqrt((errors.std(axis=0) ** 2).sum()))
    half = float(-special.ndtri((1 - confidence) / 2)) * spread
    p_value = float(2 * special.ndtr(-abs(size) / spread)) if spread > 0 else None
    return Interval(size, size - half, size + half), p_value, (float(shares[0]), float(shares[1]))


_CONCENTRATIONS = 200


def _as_many(
    purchases: tuple[Ints, Ints], fewest: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Purchases of shoppers drawn at random, about so many; all where there are no more."""
    item_L, shopper_L = purchases
    if len(item_L) <= fewest:
        return purchases
    luck_U = rng.permutation(int(shopper_L.max()) + 1)
    order = np.argsort(luck_U[shopper_L], kind="stable")[:fewest]
    return item_L[order], shopper_L[order]


def _top_of(
    purchases: tuple[Ints, Ints], top: float, rng: np.random.Generator
) -> tuple[float, float]:
    """The share of the top, and with the errors of a bootstrap of the shoppers and of the items."""
    item_L = np.unique(purchases[0], return_inverse=True)[1].astype(np.int64)
    shopper_L = np.unique(purchases[1], return_inverse=True)[1].astype(np.int64)
    weight_U = rng.exponential(size=int(shopper_L.max()) + 1)
    share, of_shoppers = (
        share_of_top(item_L, shopper_L, top, weight) for weight in (None, weight_U)
    )
    count_I = np.bincount(item_L).astype(np.float64)
    weight_I = rng.exponential(size=len(count_I))
    of_items, all_items = (
        _share_of_weighted(count_I, weight, top) for weight in (weight_I, np.ones(len(count_I)))
    )
    return share, of_shoppers + of_items - all_items
