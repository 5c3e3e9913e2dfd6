"""Which pairs a shop has annotated, and what its annotators say of them.

Half of the pairs were shown, a quarter was found by some channel and not shown, and a quarter is of
a text that was asked and any item. All texts are of the log. A fifth of the texts is never bought:
these are kept for measurement. Every choice is keyed by text and item, so a larger purchase of the
same log holds the shown and found pairs of a smaller one.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.annotations.pairs import (
    BEST_GRADE,
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    Codes,
    ValuesVerdict,
)
from simulator.annotations.settings import AnnotationsSpec
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Ints
from simulator.randomness import Draws
from simulator.shoppers.intents import Judgments

MEASURED = 0.2
"""Share of the texts that no annotator is paid for."""

Keys = NDArray[np.int64]


@dataclass(frozen=True)
class Traffic:
    """What a log tells of the pairs that may be bought.

    Attributes:
        asked_R: text of every request.
        shown_X2: (X, 2) text and item of what was shown.
        found_F2: (F, 2) text and item of what some channel found.
        items: in the catalogue.
    """

    asked_R: Ints
    shown_X2: Ints
    found_F2: Ints
    items: int


def buy(traffic: Traffic, verdicts: Verdicts, spec: AnnotationsSpec, draws: Draws) -> Annotations:
    """The pairs that annotators have graded, with their mistakes."""
    texts = ~_kept(traffic, draws)
    text_J, item_J = _drawn(traffic, texts, spec.pairs, draws)
    return mistaken(verdicts.of(text_J, item_J), spec.noise, draws)


def measure(traffic: Traffic, verdicts: Verdicts, pairs: int, draws: Draws) -> Annotations:
    """Pairs of the texts that are never bought, without a mistake."""
    text_J, item_J = _drawn(traffic, _kept(traffic, draws), pairs, draws.child("measured"))
    return verdicts.of(text_J, item_J)


def judged(judgments: Judgments, pairs: int, draws: Draws) -> tuple[Annotations, Annotations]:
    """Human grades of a file: at most so many to learn from, and those of other queries to measure.

    Grades have no verdicts. A fifth of the queries is kept for measurement.
    """
    query = np.arange(len(judgments.queries))
    kept_J = (draws.uniform("annotation.query", query) < MEASURED)[judgments.query_J]
    whole = Annotations.unexplained(
        judgments.queries, judgments.query_J, judgments.item_J, judgments.grade_J
    )
    luck_J = draws.uniform("annotation.pick", judgments.query_J, slot=judgments.item_J)
    order_J = np.argsort(np.where(kept_J, np.inf, luck_J), kind="stable")
    bought = np.sort(order_J[: min(pairs, int((~kept_J).sum()))])
    return whole.rows(bought), whole.rows(kept_J)


def mistaken(told: Annotations, noise: float, draws: Draws) -> Annotations:
    """The same with neighbours in the place of some verdicts and grades, each by itself."""

    def flipped(name: str, low: int, high: int) -> Codes:
        code_J: Codes = getattr(told, f"{name}_J")
        luck_J = draws.uniform(f"annotation.{name}", told.text_J, slot=told.item_J)
        down_J = (luck_J < noise / 2) & (code_J > low) | (code_J == high)
        step_J = np.where(down_J, -1, 1)
        hit_J = (luck_J < noise) & (code_J >= low) & (high > low)
        return np.where(hit_J, code_J + step_J, code_J).astype(np.int8)

    return replace(
        told,
        grade_J=flipped("grade", 0, BEST_GRADE),
        category_J=flipped("category", CategoryVerdict.SAME, CategoryVerdict.OTHER),
        brand_J=flipped("brand", BrandVerdict.SAME, BrandVerdict.OTHER),
        values_J=flipped("values", ValuesVerdict.ALL, ValuesVerdict.NONE),
    )


def _kept(traffic: Traffic, draws: Draws) -> NDArray[np.bool_]:
    """(T,) which of the texts, up to the last that was asked, are kept for measurement."""
    count = int(traffic.asked_R.max(initial=-1)) + 1
    return np.asarray(draws.uniform("annotation.text", np.arange(count)) < MEASURED)


def _drawn(
    traffic: Traffic, text_T: NDArray[np.bool_], pairs: int, draws: Draws
) -> tuple[Ints, Ints]:
    """Texts and items of distinct pairs, of these texts alone."""
    shown = _distinct(traffic.shown_X2, text_T, traffic.items)
    found = np.setdiff1d(_distinct(traffic.found_F2, text_T, traffic.items), shown)
    chosen = [
        _chosen(shown, pairs // 2, traffic.items, draws),
        _chosen(found, pairs // 4, traffic.items, draws),
    ]
    rest = pairs - sum(map(len, chosen))
    known = np.concatenate([shown, found])
    chosen.append(_anything(traffic, text_T, known, rest, draws))
    key_J = np.sort(np.concatenate(chosen))
    text_J, item_J = np.divmod(key_J, traffic.items)
    return text_J.astype(np.int32), item_J.astype(np.int32)


def _distinct(pairs_X2: Ints, text_T: NDArray[np.bool_], items: int) -> Keys:
    own_X2 = pairs_X2[text_T[pairs_X2[:, 0]]].astype(np.int64)
    return np.unique(own_X2[:, 0] * items + own_X2[:, 1])


def _chosen(keys: Keys, count: int, items: int, draws: Draws) -> Keys:
    """So many of the pairs, or all where there are fewer."""
    text_K, item_K = np.divmod(keys, items)
    luck_K = draws.uniform("annotation.pick", text_K, slot=item_K)
    return np.asarray(keys[np.argsort(luck_K, kind="stable")[:count]])


def _anything(
    traffic: Traffic, text_T: NDArray[np.bool_], known: Keys, count: int, draws: Draws
) -> Keys:
    """Pairs of a text, as often as it is asked, and any item, that are not known yet."""
    asked_R = traffic.asked_R[text_T[traffic.asked_R]] if len(text_T) else traffic.asked_R
    if not len(asked_R) or count <= 0:
        return np.zeros(0, np.int64)
    number = np.arange(4 * count)
    at = (draws.uniform("annotation.row", number) * len(asked_R)).astype(np.int64)
    item = (draws.uniform("annotation.item", number) * traffic.items).astype(np.int64)
    key = asked_R[at].astype(np.int64) * traffic.items + item
    _, first = np.unique(key, return_index=True)
    key = key[np.sort(first)]
    return np.asarray(key[~np.isin(key, known)][:count])
