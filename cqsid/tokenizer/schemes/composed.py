"""A scheme made of two parts: a quantizer, then a finishing rule."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import Quantizer
from cqsid.tokenizer.schemes.finish import BaseCodes, Finish
from cqsid.tokenizer.signals import Signals
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError, DataError

QuantizerOf = Callable[[tuple[int, ...]], Quantizer]
_LARGEST_AUTO: Final = 1024  # codes of levels 2 and 3 in the CQ-SID paper


class ComposedScheme:
    """Codes from a quantizer, ids from a finishing rule.

    Args:
        make: builds the quantizer for given level sizes.
        finish: the finishing rule.
        codes: sizes of the quantizer's levels; None: `auto_codes`.
        levels: how many of these levels the quantizer uses; None: all.
    """

    def __init__(
        self,
        make: QuantizerOf,
        finish: Finish,
        codes: tuple[int, ...] | None = None,
        levels: int | None = None,
    ) -> None:
        self._make: QuantizerOf | None = make
        self._finish = finish
        self._codes, self._levels = codes, levels
        self._quantizer: Quantizer | None = None

    @property
    def quantizer(self) -> Quantizer:
        """The fitted quantizer.

        Raises:
            ContractError: not fitted yet.
        """
        if self._quantizer is None:
            raise ContractError("scheme.quantizer == None, must be fitted first")
        return self._quantizer

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """Learn, and give an id to every known item.

        The finishing rule has a random stream of its own, whatever the quantizer draws.

        Raises:
            DataError: no item is known.
            ContractError: the quantizer gives codes outside its sizes, or this is a scheme that
                a run kept.
        """
        if self._make is None:
            raise ContractError("scheme == one that was kept, must be made anew to be fitted")
        known_N = np.flatnonzero(signals.known_I).astype(np.int32)
        if not len(known_N):
            raise DataError("signals.known_I.sum() == 0, must be >= 1 (items to learn from)")
        quantizer_rng, finish_rng = rng.spawn(2)
        sizes = self._codes or auto_codes(signals.categories, len(known_N))
        quantizer = self._make(sizes[: self._levels])
        quantizer.fit(signals, rng=quantizer_rng)
        self._quantizer = quantizer
        return self._finish.fit(self._base(signals, known_N), signals, rng=finish_rng)

    def assign(self, signals: Signals, items_N: Ints, ids: SemanticIds) -> SemanticIds:
        """The table with ids for some more items, in order of arrival.

        Raises:
            DataError: items outside the catalogue, or a table of another catalogue.
            ContractError: not fitted yet.
        """
        ids.check(len(signals))
        wrong_N = items_N[(items_N < 0) | (items_N >= len(signals))]
        if len(wrong_N):
            raise DataError(f"items_N holds {wrong_N[0]}, must be 0 to {len(signals) - 1}")
        _, first_N = np.unique(items_N, return_index=True)
        once_N = items_N[np.sort(first_N)]
        new_N = once_N[ids.codes_IL[once_N, 0] < 0]
        if not len(new_N):
            return ids
        return self._finish.assign(self._base(signals, new_N), signals, ids)

    def __getstate__(self) -> dict[str, object]:
        """What gives ids to new items; what would make another quantizer is code, not data."""
        return self.__dict__ | {"_make": None}

    def _base(self, signals: Signals, items_N: Ints) -> BaseCodes:
        quantizer = self.quantizer
        codes_NL = quantizer.codes(signals, items_N)
        return BaseCodes(
            items_N, codes_NL, quantizer.sizes, lambda items_M: quantizer.vectors(signals, items_M)
        )


def auto_codes(categories: int, known: int) -> tuple[int, int, int]:
    """Level sizes for a catalogue, the same for every scheme, so that capacities compare.

    As many level-1 codes as categories; at levels 2 and 3 the power of two at or above
    sqrt(2 known / level-1 codes), 2 to 1024: about two ids an item. The CQ-SID paper has
    2048 x 1024 x 1024; the scaling is ours.
    """
    first = max(categories, 1)
    wanted = math.sqrt(2 * known / first)
    below = 2 ** max(math.ceil(math.log2(wanted)), 1) if wanted > 1 else 2
    rest = min(below, _LARGEST_AUTO)
    return first, rest, rest
