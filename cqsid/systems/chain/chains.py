"""Chains: what a judge writes of a pair, three verdicts and a grade, as rows of four codes.

After TaoSR1 (arXiv 2508.12365), whose chains are texts and are not public; a code for each verdict
is ours. The order decides what a judge has said before its grade: all verdicts ("think_first"), or
none ("answer_first", the published post-CoT, where the grade is known after one code).

Axis suffixes: J pairs, L codes of a chain (4), S all chains (144).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.trie import Trie
from cqsid.systems.chain.settings import Order
from cqsid.tokenizer.ids import SemanticIds, pack
from simulator.annotations.pairs import (
    BEST_GRADE,
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    ValuesVerdict,
    grade_of,
)
from simulator.catalogue.catalog import Ints

VERDICTS: Final = ("category", "brand", "values")
GRADE: Final = "grade"
SIZES: Final = {
    "category": len(CategoryVerdict),
    "brand": len(BrandVerdict),
    "values": len(ValuesVerdict),
    GRADE: BEST_GRADE + 1,
}
"""Codes of what a chain tells."""


@dataclass(frozen=True)
class Chains:
    """All chains in one order of their codes; every combination may be written.

    Attributes:
        order: whether the grade comes first or last.
        verdicts: whether there are any; a chain is a grade alone without.
    """

    order: Order
    verdicts: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the L codes tells."""
        if not self.verdicts:
            return (GRADE,)
        return (GRADE, *VERDICTS) if self.order == "answer_first" else (*VERDICTS, GRADE)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes of each level."""
        return tuple(SIZES[name] for name in self.names)

    @property
    def grade_level(self) -> int:
        """Which code is the grade."""
        return self.names.index(GRADE)

    @cached_property
    def ids(self) -> SemanticIds:
        """All S chains, numbered in lexicographic order."""
        codes_LS = np.indices(self.sizes).reshape(len(self.sizes), -1)
        return SemanticIds(np.ascontiguousarray(codes_LS.T.astype(np.int32)), self.sizes)

    @cached_property
    def trie(self) -> Trie:
        """Every chain may be written."""
        return Trie.of(self.ids.sids_SL, self.sizes)

    def codes(self, annotations: Annotations) -> Ints:
        """(J, L) what annotators said of pairs; every verdict must be there."""
        columns = [getattr(annotations, f"{name}_J") for name in self.names]
        return np.stack(columns, axis=1).astype(np.int32)

    def numbers(self, codes_JL: Ints) -> Ints:
        """(J,) the chains' numbers, 0 to 143."""
        return pack(codes_JL, self.sizes).astype(np.int32)

    def agrees(self, codes: Ints) -> NDArray[np.bool_]:
        """Whether the grade is the one that the verdicts give; codes in the last axis."""
        told = {name: codes[..., at].astype(np.int8) for at, name in enumerate(self.names)}
        given = grade_of(*(told[name] for name in VERDICTS))
        return np.asarray(told[GRADE] == given)
