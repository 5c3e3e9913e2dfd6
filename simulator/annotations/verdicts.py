"""What is true of pairs of a text and an item: the verdicts of annotators who make no mistakes."""

import numpy as np
from numpy.typing import NDArray

from simulator.annotations.pairs import (
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    Codes,
    ValuesVerdict,
    grade_of,
)
from simulator.catalogue.catalog import Ints, ItemTruth
from simulator.shoppers.intents import Intents

Indices = NDArray[np.int64]


class Verdicts:
    """Tells pairs. A text that may stand for several needs is graded for the one it serves best.

    Args:
        intents: what texts stand for, in all spellings.
        truth: of the items.
    """

    def __init__(self, intents: Intents, truth: ItemTruth) -> None:
        self._intents, self._truth = intents, truth
        text_P, self._intent_P = _needs_of_texts(intents)
        self._start_T = np.searchsorted(text_P, np.arange(len(intents.texts) + 1))

    def of(self, text_J: Ints, item_J: Ints) -> Annotations:
        """The pairs with their true verdicts and grades.

        A text that stands for no need is of another category than any item.
        """
        count_J = self._start_T[text_J + 1] - self._start_T[text_J]
        pair_R = np.repeat(np.arange(len(text_J)), np.maximum(count_J, 1))
        step_R = np.arange(len(pair_R)) - np.searchsorted(pair_R, pair_R)
        none_R = count_J[pair_R] == 0
        at_R = np.where(none_R, 0, self._start_T[text_J[pair_R]] + step_R)
        intent_R = self._intent_P[at_R] if len(self._intent_P) else np.zeros(len(at_R), np.int64)
        category_R, brand_R, values_R = self._verdicts(intent_R, item_J[pair_R])
        category_R = np.where(none_R, CategoryVerdict.OTHER, category_R).astype(np.int8)
        grade_R = grade_of(category_R, brand_R, values_R)
        order_R = np.lexsort((np.arange(len(pair_R)), -grade_R.astype(np.int64), pair_R))
        best_J = order_R[np.searchsorted(pair_R[order_R], np.arange(len(text_J)))]
        return Annotations(
            texts=self._intents.texts,
            text_J=text_J.astype(np.int32),
            item_J=item_J.astype(np.int32),
            grade_J=grade_R[best_J],
            category_J=category_R[best_J],
            brand_J=brand_R[best_J],
            values_J=values_R[best_J],
        )

    def _verdicts(self, intent_R: Indices, item_R: Ints) -> tuple[Codes, Codes, Codes]:
        """Of needs and items: category, brand and values."""
        intents, truth = self._intents, self._truth
        wanted_R, own_R = intents.category_Q[intent_R], truth.category_I[item_R]
        department_R = np.where(wanted_R >= 0, truth.department_C[wanted_R], -1)
        near_R = truth.department_C[own_R] == department_R
        category_R = np.where(near_R, CategoryVerdict.NEAR, CategoryVerdict.OTHER)
        category_R = np.where(wanted_R == own_R, CategoryVerdict.SAME, category_R)
        brand_R = intents.brand_Q[intent_R]
        same_R = truth.brand_I[item_R] == brand_R
        told_R = np.where(same_R, BrandVerdict.SAME, BrandVerdict.OTHER)
        told_R = np.where(brand_R < 0, BrandVerdict.NOT_ASKED, told_R)
        values_RW = intents.values_QW[intent_R]
        held_RW = (values_RW[:, :, None] == truth.values_IV[item_R][:, None, :]).any(axis=2)
        asked_R = (values_RW >= 0).sum(axis=1)
        met_R = (held_RW & (values_RW >= 0)).sum(axis=1)
        values_R = np.where(met_R > 0, ValuesVerdict.SOME, ValuesVerdict.NONE)
        values_R = np.where(met_R == asked_R, ValuesVerdict.ALL, values_R)
        values_R = np.where(asked_R == 0, ValuesVerdict.NOT_ASKED, values_R)
        return category_R.astype(np.int8), told_R.astype(np.int8), values_R.astype(np.int8)


def _needs_of_texts(intents: Intents) -> tuple[Indices, Indices]:
    """Pairs of a text, as it may be typed, and a need that it may stand for; by text, by need."""
    need_P, wording_P = np.nonzero(intents.text_QX >= 0)
    text_P = intents.text_QX[need_P, wording_P].astype(np.int64)
    spellings = intents.spellings
    if len(spellings.text_E):
        count_P = spellings.count_T[text_P]
        of_S = np.repeat(np.arange(len(text_P)), count_P)
        step_S = np.arange(len(of_S)) - np.repeat(np.cumsum(count_P) - count_P, count_P)
        typed_S = spellings.text_E[spellings.start_T[text_P[of_S]] + step_S]
        text_P = np.concatenate([text_P, typed_S])
        need_P = np.concatenate([need_P, need_P[of_S]])
    needs = len(intents.category_Q)
    pair_P = np.unique(text_P * needs + need_P)
    return pair_P // needs, pair_P % needs
