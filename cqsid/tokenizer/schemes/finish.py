"""The protocol of a finishing rule: from the codes of a quantizer to final ids."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds, pack
from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError


@dataclass(frozen=True)
class BaseCodes:
    """What a quantizer says of N items.

    Attributes:
        items_N: item numbers, distinct, in order of arrival.
        codes_NL: (N, L) their codes; items of equal codes are one cluster.
        sizes: how many codes each level has.
        vectors: gives the (M, D) vectors of M of the items, by item number.

    Raises:
        ContractError: codes of another shape or outside their level.
    """

    items_N: Ints
    codes_NL: Ints
    sizes: tuple[int, ...]
    vectors: Callable[[Ints], Floats]

    def __post_init__(self) -> None:
        wanted, found = (len(self.items_N), len(self.sizes)), self.codes_NL.shape
        if found != wanted:
            raise ContractError(f"quantizer.codes().shape == {found}, must be {wanted}")
        wrong_NL = (self.codes_NL < 0) | (self.codes_NL >= np.array(self.sizes))
        if wrong_NL.any():
            row, level = (int(at[0]) for at in np.nonzero(wrong_NL))
            raise ContractError(
                f"quantizer.codes()[{row}, {level}] == {self.codes_NL[row, level]}, "
                f"must be 0 to {self.sizes[level] - 1}"
            )

    def __len__(self) -> int:
        return len(self.items_N)

    @cached_property
    def key_N(self) -> NDArray[np.int64]:
        """(N,) the codes of each item as one number: its cluster."""
        return pack(self.codes_NL, self.sizes)


@runtime_checkable
class Finish(Protocol):
    """Makes ids of base codes. Data after `fit`, see `recall.storage`."""

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """The table with ids for the items of `base`, all known ones."""

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """The table with ids for the items of `base` too, none of which has one yet.

        Items take their places one after the other; earlier ids and the sizes stay.
        """


class Plain:
    """The base codes are the ids, whatever the size of a cluster."""

    def fit(self, base: BaseCodes, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """The table with the codes of the known items."""
        return table(len(signals), base.items_N, base.codes_NL, base.sizes)

    def assign(self, base: BaseCodes, signals: Signals, ids: SemanticIds) -> SemanticIds:
        """The table with the codes of the new items too."""
        return extended(ids, base.items_N, base.codes_NL)


def table(n_items: int, items_N: Ints, codes_NL: Ints, sizes: tuple[int, ...]) -> SemanticIds:
    """The ids of some of `n_items` items; the others have none."""
    codes_IL = np.full((n_items, len(sizes)), -1, np.int32)
    codes_IL[items_N] = codes_NL
    return SemanticIds(codes_IL, sizes)


def extended(ids: SemanticIds, items_N: Ints, codes_NL: Ints) -> SemanticIds:
    """The same table with ids for some more items."""
    codes_IL = ids.codes_IL.copy()
    codes_IL[items_N] = codes_NL
    return SemanticIds(codes_IL, ids.sizes)


def with_room(used: int, room: float) -> int:
    """Size of a level that has `used` codes in use and room for new items, one code at least."""
    return used + max(1, math.ceil(room * used))
