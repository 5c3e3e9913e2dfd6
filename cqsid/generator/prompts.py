"""The prompts of the generator: for an item, a query, a shopper's query, a query and an item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.settings import PromptSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.vocabulary import AGES, GENDERS, Vocabulary
from recall.arrays import Ragged
from simulator.catalogue.catalog import Ints
from simulator.errors import DataError

if TYPE_CHECKING:
    from cqsid.generator.prefix import Prefix  # loads torch


@dataclass(frozen=True)
class Prompts:
    """B prompts of up to T tokens, each ending with the answer mark.

    Attributes:
        tokens_BT: int32, padded on the right.
        length_B: tokens of each prompt.
        prefix: vectors that are read in the place of the first tokens of a prompt; None: none.
    """

    tokens_BT: Ints
    length_B: NDArray[np.int64]
    prefix: "Prefix | None" = None

    def __len__(self) -> int:
        return len(self.tokens_BT)

    def rows(self, rows: NDArray[np.integer] | slice) -> "Prompts":
        """Some of the prompts, at the same width."""
        prefix = self.prefix.rows(rows) if self.prefix is not None else None
        return Prompts(self.tokens_BT[rows], self.length_B[rows], prefix)

    def trimmed(self) -> "Prompts":
        """Without the columns that are padding in every row: for training, where width is work."""
        width = int(self.length_B.max(initial=0))
        return Prompts(self.tokens_BT[:, :width], self.length_B, self.prefix)

    def check(self, tokens: int) -> None:
        """Refuse prompts that a model of so many tokens cannot read.

        Raises:
            DataError: a prompt is empty, longer than its row or has an unknown token.
        """
        width = self.tokens_BT.shape[1]
        wrong_B = (self.length_B < 1) | (self.length_B > width)
        if wrong_B.any():
            row = int(wrong_B.argmax())
            found = f"prompts.length_B[{row}] == {self.length_B[row]}"
            raise DataError(f"{found}, must be 1 to {width} tokens")
        wrong_BT = (self.tokens_BT < 0) | (self.tokens_BT >= tokens)
        if wrong_BT.any():
            row, place = (int(at[0]) for at in np.nonzero(wrong_BT))
            found = f"prompts.tokens_BT[{row}, {place}] == {self.tokens_BT[row, place]}"
            raise DataError(f"{found}, must be 0 to {tokens - 1}")


_NONE = -1  # a hole in a row before the holes are closed


class PromptBuilder:
    """Makes prompts of the tokens of a vocabulary.

    All prompts of a kind are as wide as the longest one may be, whatever else is in the batch:
    what a model computes for a row can depend on its width in the last bit.

    Raises:
        DataError: the subword units are not those of the vocabulary.
    """

    def __init__(
        self, vocabulary: Vocabulary, subwords: Subwords, spec: PromptSpec | None = None
    ) -> None:
        if len(subwords) != vocabulary.subwords:
            raise DataError(f"subwords == {len(subwords)}, must be {vocabulary.subwords}")
        self.vocabulary, self.subwords, self.spec = vocabulary, subwords, spec or PromptSpec()

    def title_tokens(self, texts: Sequence[str]) -> Ragged:
        """The subwords of item texts, as far as a prompt tells them."""
        return self.subwords.encode(texts, self.spec.title_subwords)

    def query_tokens(self, texts: Sequence[str]) -> Ragged:
        """The subwords of query texts, as far as a prompt tells them."""
        return self.subwords.encode(texts, self.spec.query_subwords)

    def items(self, titles: Ragged) -> Prompts:
        """Prompts that ask for the id of an item."""
        title_BW = rectangle(titles, self.spec.title_subwords)
        return self._joined(len(titles), self.vocabulary.item, title_BW, self.vocabulary.answer)

    def queries(self, texts: Ragged) -> Prompts:
        """Prompts that ask for ids that a query leads to."""
        return self._joined(len(texts), *self._asked(texts))

    def pairs(self, texts: Ragged, items: Ragged) -> Prompts:
        """Prompts that ask how the items suit the queries, one item for each query."""
        text_BW = rectangle(texts, self.spec.query_subwords)
        item_BW = rectangle(items, self.spec.title_subwords)
        marks = self.vocabulary
        return self._joined(len(texts), marks.query, text_BW, marks.item, item_BW, marks.answer)

    def shoppers(
        self,
        texts: Ragged,
        gender_B: NDArray[np.integer],
        age_B: NDArray[np.integer],
        clicked_BH: Ints,
        codes_IL: Ints,
    ) -> Prompts:
        """Prompts that ask for ids that a query of this shopper leads to.

        Args:
            texts: B query texts as subwords.
            gender_B, age_B: as in `Requests`.
            clicked_BH: items clicked lately, newest first, -1 where there is none; the newest
                that have an id are told.
            codes_IL: `SemanticIds.codes_IL` of all items.

        Raises:
            DataError: a gender or age band that has no token, or ids of other levels.
        """
        _check_range("gender_B", gender_B, GENDERS)
        _check_range("age_B", age_B, AGES)
        return self._joined(
            len(texts),
            self.vocabulary.shopper,
            self.vocabulary.gender + gender_B.astype(np.int32)[:, None],
            self.vocabulary.age + age_B.astype(np.int32)[:, None],
            self._clicks(clicked_BH, codes_IL),
            *self._asked(texts),
        )

    def _asked(self, texts: Ragged) -> tuple[int, Ints, int]:
        text_BW = rectangle(texts, self.spec.query_subwords)
        return self.vocabulary.query, text_BW, self.vocabulary.answer

    def _clicks(self, clicked_BH: Ints, codes_IL: Ints) -> Ints:
        """(B, clicks * L) tokens of the clicked items' ids, oldest first, with holes."""
        levels = len(self.vocabulary.sizes)
        if codes_IL.shape[1] != levels:
            raise DataError(f"codes_IL.shape == {codes_IL.shape}, must be (items, {levels})")
        clicked_BC = _newest(
            (clicked_BH >= 0) & _has_id(clicked_BH, codes_IL), clicked_BH, self.spec.clicks
        )
        tokens_BCL = np.full((*clicked_BC.shape, levels), _NONE, np.int32)
        told_BC = clicked_BC >= 0
        tokens_BCL[told_BC] = self.vocabulary.tokens(codes_IL[clicked_BC[told_BC]])
        rows, clicks = told_BC.shape
        return tokens_BCL[:, ::-1].reshape(rows, clicks * levels)

    def _joined(self, rows: int, *parts: Ints | int) -> Prompts:
        """Parts side by side, a number standing for a column of it, with the holes closed."""
        columns = [
            np.full((rows, 1), part, np.int32) if isinstance(part, int) else part for part in parts
        ]
        wide_BT = np.concatenate(columns, axis=1)
        tokens_BT, length_B = packed(wide_BT, self.vocabulary.pad)
        return Prompts(tokens_BT, length_B)


def packed(wide_BT: Ints, fill: int) -> tuple[Ints, NDArray[np.int64]]:
    """The rows with their holes closed, filled on the right, and what was in each."""
    told_BT = wide_BT >= 0
    length_B = told_BT.sum(axis=1)
    packed_BT = np.full(wide_BT.shape, fill, np.int32)
    packed_BT[np.arange(wide_BT.shape[1]) < length_B[:, None]] = wide_BT[told_BT]
    return packed_BT, length_B


def rectangle(lists: Ragged, width: int) -> Ints:
    """(B, width) the first values of each list, holes after its end."""
    inside_BW = np.arange(width) < lists.lengths[:, None]
    rectangle_BW = np.full(inside_BW.shape, _NONE, np.int32)
    place_BW = lists.pointer[:-1, None] + np.arange(width)
    rectangle_BW[inside_BW] = lists.values[place_BW[inside_BW]]
    return rectangle_BW


def _has_id(items_BH: Ints, codes_IL: Ints) -> NDArray[np.bool_]:
    if not len(codes_IL):
        return np.zeros(items_BH.shape, np.bool_)
    first_BH = codes_IL[items_BH, 0]
    return cast("NDArray[np.bool_]", first_BH >= 0)


def _newest(told_BH: NDArray[np.bool_], items_BH: Ints, most: int) -> Ints:
    """(B, most) the first told items of each row, -1 where there are no more."""
    packed_BH, _ = packed(np.where(told_BH, items_BH, _NONE), _NONE)
    short = max(most - packed_BH.shape[1], 0)
    return np.pad(packed_BH, ((0, 0), (0, short)), constant_values=_NONE)[:, :most]


def _check_range(name: str, values_B: NDArray[np.integer], below: int) -> None:
    if len(values_B) and not 0 <= values_B.min() <= values_B.max() < below:
        found = (int(values_B.min()), int(values_B.max()))
        raise DataError(f"{name} from {found[0]} to {found[1]}, must be 0 to {below - 1}")
