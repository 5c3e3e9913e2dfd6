"""What shoppers want and the words they use for it.

An intent is one kind of need (a category, wanted attribute values, perhaps a brand). It can be
worded in several ways; the distance between those words and the words of titles is the
vocabulary gap, the reason why recall channels differ.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.shoppers.words.spellings import ALIKE, Spellings

Floats = NDArray[np.float64]


class Wording(IntEnum):
    """How a query words an intent."""

    SPECIFIC = 0  # category and wanted values in the catalogue's own words; a judged query's text
    SYNONYM = 1  # the same, with words that titles seldom use
    GENERIC = 2  # the category alone
    MISSPELLED = 3  # SPECIFIC with a typing error
    BRAND = 4  # the brand alone, or brand and category
    KNOWLEDGE = 5  # a long-tail description of the use, sharing few words with any title
    AMBIGUOUS = 6  # wanted values that name no category
    CONDITIONS = 7  # several conditions in a sentence: category, values, a price


@dataclass(frozen=True)
class Judgments:
    """Human grades, 0 (irrelevant) to 3 (best), of J judged query-item pairs.

    Sorted by (query, item). `query_J` indexes `queries`.
    """

    queries: tuple[str, ...]
    query_J: Ints
    item_J: Ints
    grade_J: NDArray[np.int8]

    def grades(self, query_B: Ints, items_BK: Ints, n_items: int) -> NDArray[np.float32]:
        """(B, K) grade of each pair; NaN where nobody judged it or query_B is -1."""
        keys_J = self.query_J.astype(np.int64) * n_items + self.item_J
        wanted_BK = query_B.astype(np.int64)[:, None] * n_items + items_BK
        at_BK = np.minimum(np.searchsorted(keys_J, wanted_BK), max(len(keys_J) - 1, 0))
        if not len(keys_J):
            return np.full(items_BK.shape, np.nan, np.float32)
        known_BK = (keys_J[at_BK] == wanted_BK) & (query_B >= 0)[:, None] & (items_BK >= 0)
        return np.where(known_BK, self.grade_J[at_BK].astype(np.float32), np.float32(np.nan))


@dataclass(frozen=True)
class Asked:
    """A distinct texts as they were asked, and how often each was."""

    texts: tuple[str, ...]
    count_A: Floats


NOTHING_ASKED = Asked((), np.empty(0))


@dataclass(frozen=True)
class Intents:
    """Q intents. Latent: only the simulator may hold one; `texts` alone is public.

    Attributes:
        texts: every distinct query text, T of them.
        category_Q: wanted category, -1 where nothing in the shop would serve.
        department_Q: its department, used to pick intents by a shopper's affinities.
        values_QW: wanted attribute value codes, -1 padded.
        brand_Q: wanted brand, -1 for any.
        weight_Q: share of visits with this intent, sums to 1, follows a power law.
        text_QX: (Q, len(Wording)) index into texts, -1 where an intent has no such wording: the
            text that is common for it.
        wording_X: (len(Wording),) relative frequency of each wording in first queries.
        reword_XX: (len(Wording), len(Wording)) of each wording after one that did not serve.
        judged_Q: index into judgments.queries, -1 where no human judged this intent's query.
        asked_Q: number of the text in the shop's own list of queries, -1 where it is of none.
        judgments: human grades, which are the truth for the judged pairs.
        spellings: in which other texts shoppers write the common ones.
    """

    texts: tuple[str, ...]
    category_Q: Ints
    department_Q: Ints
    values_QW: Ints
    brand_Q: Ints
    weight_Q: Floats
    text_QX: Ints
    wording_X: Floats
    reword_XX: Floats
    judged_Q: Ints
    asked_Q: Ints
    judgments: Judgments
    spellings: Spellings = ALIKE

    def first_wordings(self, intent_B: NDArray[np.integer]) -> Floats:
        """(B, len(Wording)) how often needs are first put into words in each way; not normalised.

        A judged query is its own first wording, because the grades are about that very text; and so
        is a query of the shop's own.
        """
        weight_BX = self.wording_X * (self.text_QX[intent_B] >= 0)
        given_B = self._given(intent_B)
        weight_BX = np.where(given_B[:, None], np.eye(len(Wording))[Wording.SPECIFIC], weight_BX)
        weight_BX[:, Wording.SPECIFIC] += weight_BX.sum(axis=1) == 0
        return np.asarray(weight_BX, np.float64)

    def _given(self, intent_B: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether the text of needs was given, and not made from what is wanted."""
        return np.asarray((self.judged_Q[intent_B] >= 0) | (self.asked_Q[intent_B] >= 0))

    def typed(
        self,
        intent_B: NDArray[np.integer],
        wording_B: NDArray[np.integer],
        uniform_B: Floats,
    ) -> Ints:
        """(B,) the text that is typed for needs in a wording each, by a uniform draw each.

        A query that was judged, or is of the shop's own, is typed as it is.
        """
        common_B = self.text_QX[intent_B, wording_B]
        given_B = self._given(intent_B) & (wording_B == Wording.SPECIFIC)
        return np.where(given_B, common_B, self.spellings.written(common_B, uniform_B))

    def wordings(self, intent_B: NDArray[np.integer], text_B: Ints) -> NDArray[np.int64]:
        """(B,) in which wording texts as typed say needs, -1 where in none."""
        says_BX = self.spellings.stand_for(text_B[:, None], self.text_QX[intent_B])
        return np.where(says_BX.any(axis=1), np.argmax(says_BX, axis=1), -1)
