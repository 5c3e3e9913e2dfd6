"""What intents want: a category, some of a target item's attribute values, perhaps its brand."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from simulator.catalogue.catalog import Ints, ItemTruth, Supply, left_packed
from simulator.catalogue.sampling import Indices, power_law
from simulator.randomness import Draws, Floats
from simulator.scripts import parts_of
from simulator.shoppers.intents import Judgments
from simulator.shoppers.settings import QuerySpec

MAX_VALUES = 4  # wanted at once
JUDGED_TARGETS = 8  # intents behind one judged query, at most
_MEAN_VALUES = 2.4  # wanted by the rarest intents; frequent ones want fewer, and brands less
_TAIL = 31_000  # rank at which an intent counts as rare: the source of the power law ends there
_RELEVANT = 2  # grade from which an item is a good target of a judged query


@dataclass(frozen=True)
class Wanted:
    """Q wishes before they are worded; `item_Q` is the item each was derived from, -1 for none.

    The other columns are those of `Intents`.
    """

    item_Q: Indices
    category_Q: Ints
    department_Q: Ints
    values_QW: Ints
    brand_Q: Ints
    weight_Q: Floats
    judged_Q: Ints
    asked_Q: Ints

    def joined(self, other: "Wanted") -> "Wanted":
        """These wishes followed by others."""
        names = self.__dataclass_fields__
        return Wanted(**{n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names})

    def shared(self, other: "Wanted", share: float) -> "Wanted":
        """These wishes followed by others, to whom a share of the visits goes."""
        mine, theirs = (1 - share) * self.weight_Q, share * other.weight_Q
        return replace(self, weight_Q=mine).joined(replace(other, weight_Q=theirs))


def drawn_wishes(supply: Supply, spec: QuerySpec, draws: Draws) -> Wanted:
    """Wishes of targets sampled by demand; the first one is the most frequent."""
    intents = spec.intents
    number_Q = np.arange(intents)
    cumulative_I = np.cumsum(supply.truth.demand_I)
    point_Q = draws.uniform("intent.target", slot=number_Q) * cumulative_I[-1]
    item_Q = np.minimum(np.searchsorted(cumulative_I, point_Q), len(cumulative_I) - 1)
    rarity_Q = np.minimum(np.log1p(number_Q) / np.log(_TAIL), 1.0)
    mean_Q = _MEAN_VALUES * rarity_Q
    count_Q = poisson.ppf(draws.uniform("intent.values", slot=number_Q), mean_Q)
    brand_wanted_Q = draws.uniform("intent.brand", slot=number_Q) < spec.brand_share * rarity_Q
    none_QV = np.zeros((intents, supply.truth.values_IV.shape[1]))
    return _wishes(
        supply.truth,
        item_Q,
        choose_values(supply.truth, item_Q, count_Q, none_QV, draws.child("intent")),
        np.where(brand_wanted_Q, supply.truth.brand_I[item_Q], -1),
        power_law(intents, spec.frequency_exponent, spec.frequency_shift),
        np.full(intents, -1, np.int32),
    )


def judged_wishes(supply: Supply, judgments: Judgments, spec: QuerySpec, draws: Draws) -> Wanted:
    """Wishes behind the judged queries, each derived from one relevant item.

    A query's traffic is shared among up to eight of its best items by 2**grade - 1. A query
    without a relevant item becomes one wish that nothing in the shop serves, of a random
    department. Values and brands that the query names are wanted for certain.
    """
    query_Q, item_Q, gain_Q = _judged_targets(judgments, draws)
    queries = len(judgments.queries)
    rank_J = np.argsort(np.argsort(draws.uniform("judged.rank", slot=np.arange(queries))))
    traffic_J = power_law(queries, spec.frequency_exponent, spec.frequency_shift)[rank_J]
    total_J = np.bincount(query_Q, weights=gain_Q, minlength=queries)
    truth = supply.truth
    named_QV, brand_named_Q = _named(supply, judgments, query_Q, item_Q)
    count_Q = draws.bits("judged.values", slot=np.arange(len(query_Q))) % np.uint64(3)
    count_Q = np.maximum(count_Q.astype(np.int64), named_QV.sum(axis=1))
    values_QW = choose_values(
        truth, item_Q, count_Q, 1e3 * named_QV.astype(np.float64), draws.child("judged")
    )
    return _wishes(
        truth,
        item_Q,
        values_QW,
        np.where(brand_named_Q, truth.brand_I[item_Q], -1),
        traffic_J[query_Q] * gain_Q / total_J[query_Q],
        query_Q.astype(np.int32),
    )


def choose_values(
    truth: ItemTruth, item_Q: Indices, count_Q: NDArray[np.number], bonus_QV: Floats, draws: Draws
) -> Ints:
    """(Q, MAX_VALUES) some of each target's values in the target's order, -1 padded.

    Values that many items have are wanted more often, by the root of their frequency.
    """
    values_QV = np.where((item_Q >= 0)[:, None], truth.values_IV[item_Q], -1)
    known = truth.values_IV[truth.values_IV >= 0]
    frequency = np.bincount(known, minlength=int(truth.values_IV.max(initial=0)) + 1)
    cell_QV = np.arange(values_QV.size).reshape(values_QV.shape)
    score_QV = 0.5 * np.log(np.maximum(frequency[values_QV], 1)) + bonus_QV
    score_QV = score_QV + draws.gumbel("values", slot=cell_QV)
    score_QV = np.where(values_QV >= 0, score_QV, -np.inf)
    rank_QV = np.argsort(np.argsort(-score_QV, axis=1, kind="stable"), axis=1, kind="stable")
    kept_QV = rank_QV < np.minimum(count_Q, MAX_VALUES)[:, None]
    chosen_QV = np.where(kept_QV, values_QV, -1)
    packed_QV = left_packed(chosen_QV)[:, :MAX_VALUES]
    missing = MAX_VALUES - packed_QV.shape[1]
    return np.pad(packed_QV, ((0, 0), (0, missing)), constant_values=-1).astype(np.int32)


def _wishes(
    truth: ItemTruth,
    item_Q: Indices,
    values_QW: Ints,
    brand_Q: NDArray[np.integer],
    weight_Q: Floats,
    judged_Q: Ints,
) -> Wanted:
    """Complete the columns; an intent without a target gets a department by its number."""
    served_Q = item_Q >= 0
    category_Q = np.where(served_Q, truth.category_I[item_Q], -1)
    spread_Q = np.arange(len(item_Q)) % (int(truth.department_C.max()) + 1)
    department_Q = np.where(served_Q, truth.department_C[category_Q], spread_Q)
    return Wanted(
        item_Q=item_Q.astype(np.int64),
        category_Q=category_Q.astype(np.int32),
        department_Q=department_Q.astype(np.int32),
        values_QW=values_QW,
        brand_Q=np.where(served_Q, brand_Q, -1).astype(np.int32),
        weight_Q=weight_Q,
        judged_Q=judged_Q,
        asked_Q=np.full(len(item_Q), -1, np.int32),
    )


def _judged_targets(judgments: Judgments, draws: Draws) -> tuple[Indices, Indices, Floats]:
    """Query, item and gain of each target; queries without a relevant item have item -1."""
    queries = len(judgments.queries)
    query_J, grade_J = judgments.query_J.astype(np.int64), judgments.grade_J.astype(np.int64)
    best_by_query = np.zeros(queries, np.int64)
    np.maximum.at(best_by_query, query_J, grade_J)
    floor_J = np.minimum(best_by_query, _RELEVANT)[query_J]
    rows = np.flatnonzero((grade_J >= floor_J) & (grade_J > 0))
    luck = draws.uniform("judged.target", shopper=query_J[rows], slot=judgments.item_J[rows])
    rows = rows[np.lexsort((luck, -grade_J[rows], query_J[rows]))]
    count = np.bincount(query_J[rows], minlength=queries)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    rows = rows[place < JUDGED_TARGETS]
    unserved = np.flatnonzero(count == 0)
    query_Q = np.concatenate([query_J[rows], unserved])
    item_Q = np.concatenate([judgments.item_J[rows].astype(np.int64), np.full(len(unserved), -1)])
    gain_Q = np.concatenate([2.0 ** grade_J[rows] - 1.0, np.ones(len(unserved))])
    order = np.argsort(query_Q, kind="stable")
    return query_Q[order], item_Q[order], gain_Q[order]


def _padded(text: str) -> str:
    """Words with a space around each; n-grams where a script has no spaces between words."""
    return f" {' '.join(part for word in text.split() for part in parts_of(word))} "


def _named(
    supply: Supply, judgments: Judgments, query_Q: Indices, item_Q: Indices
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the target's (Q, V) values, and whether its brand, the query names."""
    padded = [_padded(query.casefold()) for query in judgments.queries]
    text_Q = [padded[query] for query in query_Q.tolist()]
    words = [*(tuple(f" {word} " for word in group) for group in supply.value_words), ()]
    values_QV = np.where((item_Q >= 0)[:, None], supply.truth.values_IV[item_Q], -1)
    named_QV = [
        [any(word in text for word in words[code]) for code in codes]
        for text, codes in zip(text_Q, values_QV.tolist(), strict=True)
    ]
    brands = [*(_padded(brand.casefold()) for brand in supply.catalog.brands), "\n"]
    brand_Q = np.where(item_Q >= 0, supply.truth.brand_I[item_Q], -1)
    brand_named_Q = [brands[b] in text for text, b in zip(text_Q, brand_Q.tolist(), strict=True)]
    return np.array(named_QV, bool).reshape(values_QV.shape), np.array(brand_named_Q, bool)
