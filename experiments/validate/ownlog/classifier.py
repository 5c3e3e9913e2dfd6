"""Can the two logs be told apart? A classifier two-sample test.

Gradient-boosted trees learn to tell from which log an order is (Lopez-Paz and Oquab, ICLR 2017).
They are asked about orders of shoppers whom they did not learn from. Of those, the area under the
curve is the chance that an order of the simulated log looks more simulated than one of the user's
own: 0.5 if nothing tells them apart. Prices count as parts of their log's median, so that neither
currency nor price level tells.

Two lives of one shop can be told apart, too: which items become bestsellers is luck that all
shoppers of a life share, and trees know a life by the prices of its bestsellers. So the area is
held against those of other lives of the simulated shop, each set against the one that is judged.

Its interval is DeLong's with whole shoppers instead of single orders (Obuchowski, Biometrics 53,
1997, 567-578): each order is placed among those of the other log in its fold, and the placements of
one shopper hang together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from experiments.inference.intervals.student import student
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import Check, TellingFeature, Verdict
from experiments.validate.ownlog.sales import Baskets
from simulator.protocols import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ALIKE = 0.6
"""An area up to which logs are told apart so seldom that it is no failure."""
FOLDS = 5
_MOST = 20_000  # orders of each log
_FEWEST = 20  # shoppers of each log
_TREES: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}
_ROUNDS = 60


@dataclass(frozen=True)
class Labelled:
    """N orders of both logs.

    Attributes:
        value_NF: features; NaN where there is none.
        names: of the features.
        simulated_N: from which log an order is.
        shopper_N: whose it is; those of the two logs are others.
    """

    value_NF: Floats
    names: tuple[str, ...]
    simulated_N: Flags
    shopper_N: Ints


def labelled(own: Baskets, simulated: Baskets, *, rng: np.random.Generator) -> Labelled:
    """The orders of both logs, a sample of whole shoppers where they are many."""
    parts = []
    for number, each in enumerate((own, simulated)):
        kept = _sample(each.shopper_O, rng)
        columns = _features(each)
        value_NF = np.stack([column[kept] for column in columns.values()], axis=1)
        parts.append((value_NF, np.full(len(kept), number == 1), 2 * each.shopper_O[kept] + number))
    value_NF, simulated_N, shopper_N = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Labelled(value_NF, tuple(_features(own)), simulated_N, shopper_N)


def _features(orders: Baskets) -> dict[str, Floats]:
    hour_O = (orders.at_O % DAY) / DAY * 2 * np.pi
    return {
        "value": _coarse(orders.value_O),
        "dearest_item": _coarse(orders.dearest_O),
        "items": orders.items_O,
        "units_per_item": orders.units_O / orders.items_O,
        "hour_morning_or_evening": np.sin(hour_O),
        "hour_night_or_noon": np.cos(hour_O),
        "days_since_the_order_before": orders.since_O,
        "orders_before": orders.before_O,
    }


def _coarse(money_O: Floats) -> Floats:
    """The log of an amount over its median, to a tenth.

    Few prices are charged again and again. Two medians that differ by a little move them all, and
    trees would know each log by its prices as by its fingerprints.
    """
    return np.asarray(np.round(np.log(money_O / np.median(money_O)), 1))


def _sample(shopper_O: Ints, rng: np.random.Generator) -> NDArray[np.intp]:
    """Orders of shoppers drawn at random, about as many as are looked at."""
    luck_U = rng.permutation(int(shopper_O.max()) + 1)
    return np.sort(np.argsort(luck_U[shopper_O], kind="stable")[:_MOST])


def told_apart(
    orders: Labelled,
    lives: Sequence[Labelled] = (),
    *,
    confidence: float,
    rng: np.random.Generator,
) -> tuple[Check, tuple[TellingFeature, ...]]:
    """The area under the curve, and what each feature tells.

    Args:
        orders: of both logs.
        lives: of other lives of the simulated shop and of the one in `orders`.
        confidence: level of the intervals.
        rng: draws the folds, and shuffles features.
    """
    check = Check(
        rung="own_log",
        period="history",
        fact="told_apart_by_a_classifier",
        unit="area",
        found=UNKNOWN,
        low=None,
        high=ALIKE,
        source="own log",
        verdict=Verdict.UNTOLD,
        n=len(orders.simulated_N),
    )
    shoppers = [len(np.unique(orders.shopper_N[orders.simulated_N == of])) for of in (False, True)]
    if min(shoppers) < _FEWEST:
        note = f"needs {_FEWEST} shoppers with orders in each log; there are {min(shoppers)}"
        return replace(check, note=note), ()
    apart = Apart.of([_between_lives(each, rng) for each in lives], confidence)
    fold_N = _folds(orders, rng)
    score_N, lost_FK = np.zeros(len(fold_N)), np.zeros((len(orders.names), FOLDS))
    for fold, (out_N, model) in enumerate(_held_out(orders, fold_N)):
        asked_NF = orders.value_NF[out_N]
        score_N[out_N] = _scores(model, asked_NF)
        base = _mean_area(score_N[out_N], orders.simulated_N[out_N])
        for at in range(len(orders.names)):
            shuffled_NF = asked_NF.copy()
            shuffled_NF[:, at] = rng.permutation(shuffled_NF[:, at])
            lost_FK[at, fold] = base - _mean_area(
                _scores(model, shuffled_NF), orders.simulated_N[out_N]
            )
    found = area(score_N, orders.simulated_N, orders.shopper_N, fold_N, confidence)
    order = np.argsort(-lost_FK.mean(axis=1), kind="stable")
    alone = [_alone(orders, at, confidence) for at in range(len(orders.names))]
    telling = tuple(
        TellingFeature(orders.names[at], float(lost_FK[at].mean()), alone[at]) for at in order
    )
    most = ", ".join(each.feature for each in telling[:2])
    note = f"0.5: they cannot be told apart; told most by {most}"
    if apart.areas:
        each = ", ".join(f"{size:.2f}" for size in apart.areas)
        note = f"{note}; other lives of the simulated shop: {each}"
    verdict = apart.verdict(found)
    return replace(check, found=found, high=apart.most, verdict=verdict, note=note), telling


@dataclass(frozen=True)
class Apart:
    """How far lives of one shop are apart, and so how far a log may be.

    Attributes:
        areas: of lives; none: nothing but shoppers is luck.
        chance: an area up to which it is as of another life.
    """

    areas: tuple[float, ...] = ()
    chance: float = 0.5

    @classmethod
    def of(cls, areas: Sequence[float], confidence: float) -> "Apart":
        """Chance goes to the end of the interval in which one more life is expected."""
        if len(areas) < 2:
            return cls()
        middle, spread = float(np.mean(areas)), float(np.std(areas, ddof=1))
        further = spread * (1 + 1 / len(areas)) ** 0.5
        another, _ = student(middle, further, len(areas) - 1, confidence=confidence)
        return cls(tuple(areas), max(0.5, another.high or middle))

    @property
    def most(self) -> float:
        """An area that is no failure."""
        return max(ALIKE, self.chance)

    def verdict(self, found: Interval) -> Verdict:
        """Pass: no more than chance. Fail: certainly more than is no failure. Else a warning."""
        if found.ends is None or found.estimate is None:
            return Verdict.UNTOLD
        low, high = found.ends
        if self.areas and found.estimate <= self.chance:
            return Verdict.PASS
        if low <= self.chance:
            return Verdict.PASS if high <= self.most else Verdict.UNTOLD
        return Verdict.FAIL if low > self.most else Verdict.WARN


def _between_lives(orders: Labelled, rng: np.random.Generator) -> float:
    """The area of a classifier between two lives."""
    sizes = [
        _mean_area(_scores(model, orders.value_NF[out_N]), orders.simulated_N[out_N])
        for out_N, model in _held_out(orders, _folds(orders, rng))
    ]
    return float(np.mean(sizes))


def _held_out(orders: Labelled, fold_N: Ints) -> Iterator[tuple[Flags, lightgbm.Booster]]:
    """Of each fold, its orders and a model that has not seen them."""
    for fold in range(FOLDS):
        out_N = fold_N == fold
        yield out_N, _trained(orders, ~out_N)


def _folds(orders: Labelled, rng: np.random.Generator) -> Ints:
    """(N,) the fold of each order: whole shoppers, each log spread evenly over the folds."""
    fold_N = np.zeros(len(orders.shopper_N), np.int64)
    for of in (False, True):
        rows = orders.simulated_N == of
        shoppers, at_N = np.unique(orders.shopper_N[rows], return_inverse=True)
        fold_N[rows] = (rng.permutation(len(shoppers)) % FOLDS)[at_N]
    return fold_N


def _trained(orders: Labelled, rows_N: Flags) -> lightgbm.Booster:
    """Trees that have seen these orders; both logs weigh the same."""
    label_N = orders.simulated_N[rows_N]
    share = float(label_N.mean())
    weight_N = np.where(label_N, 0.5 / share, 0.5 / (1 - share))
    data = lightgbm.Dataset(orders.value_NF[rows_N], label_N.astype(float), weight=weight_N)
    return lightgbm.train(_TREES, data, num_boost_round=_ROUNDS)


def _scores(model: lightgbm.Booster, value_NF: Floats) -> Floats:
    return np.asarray(model.predict(value_NF), np.float64)


def _alone(orders: Labelled, at: int, confidence: float) -> Interval:
    """The area of one feature alone; where it has no value, it is the least."""
    score_N = np.nan_to_num(orders.value_NF[:, at], nan=-np.inf)
    one_N = np.zeros(len(score_N), np.int64)
    return area(score_N, orders.simulated_N, orders.shopper_N, one_N, confidence)


def _mean_area(score_N: Floats, simulated_N: Flags) -> float:
    return float(_placements(score_N, simulated_N)[simulated_N].mean())


def _placements(score_N: Floats, simulated_N: Flags) -> Floats:
    """(N,) of each order the share of the other log's that it stands rightly to; ties are half."""
    rank_N, sizes = rankdata(score_N), (int((~simulated_N).sum()), int(simulated_N.sum()))
    found_N = np.empty(len(score_N))
    for of, other in ((True, sizes[0]), (False, sizes[1])):
        rows = simulated_N == of
        below_N = rank_N[rows] - rankdata(score_N[rows])  # of the other log, ties half
        found_N[rows] = below_N / other if of else 1 - below_N / other
    return found_N


def area(
    score_N: Floats,
    simulated_N: Flags,
    shopper_N: Ints,
    fold_N: Ints,
    confidence: float,
) -> Interval:
    """The area under the curve with its interval over shoppers; pairs are of one fold.

    Args:
        score_N: the greater, the more simulated.
        simulated_N: what is true.
        shopper_N: whose each is; nobody is in both logs.
        fold_N: scores are only compared inside of a fold.
        confidence: level of the interval.
    """
    placed_N = np.empty(len(score_N))
    for fold in np.unique(fold_N):
        rows = fold_N == fold
        if simulated_N[rows].all() or not simulated_N[rows].any():
            return UNKNOWN
        placed_N[rows] = _placements(score_N[rows], simulated_N[rows])
    size = float(placed_N[simulated_N].mean())
    variance, counts = 0.0, []
    for of in (False, True):
        rows = simulated_N == of
        deviation_N = placed_N[rows] - placed_N[rows].mean()
        _, at_N = np.unique(shopper_N[rows], return_inverse=True)
        sum_U = np.bincount(at_N, deviation_N)
        units = len(sum_U)
        counts.append(units)
        if units < 2:
            return Interval(size, None, None)
        variance += units / (units - 1) * float((sum_U**2).sum()) / int(rows.sum()) ** 2
    if variance == 0:
        return Interval(size, size, size)
    found, _ = student(size, variance**0.5, min(counts) - 1, confidence=confidence)
    low, high = found.ends or (size, size)
    return Interval(size, max(0.0, low), min(1.0, high))
