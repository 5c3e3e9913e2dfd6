"""The tokens of the generator: subwords of texts, marks, shopper attributes and id codes."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints

if TYPE_CHECKING:  # readers of token numbers do without it
    from torch import Tensor

GENDERS: Final = 3  # as in `Requests.gender_B`
AGES: Final = 6  # as in `Requests.age_B`
_MARKS: Final = ("pad", "item", "query", "shopper", "answer")


@dataclass(frozen=True)
class Vocabulary:
    """Token numbers: subwords, marks, genders, age bands, then the codes of each id level.

    Subwords come first, so that a checkpoint's own tokens keep their numbers.

    Attributes:
        subwords: how many subword tokens there are.
        sizes: how many codes each id level has.
    """

    subwords: int
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return int(self.offset_L[-1]) + self.sizes[-1]

    @property
    def pad(self) -> int:
        """Fills the right end of a row."""
        return self.subwords

    @property
    def item(self) -> int:
        """Opens an item's title."""
        return self.subwords + _MARKS.index("item")

    @property
    def query(self) -> int:
        """Opens a query's text."""
        return self.subwords + _MARKS.index("query")

    @property
    def shopper(self) -> int:
        """Opens what is known of the shopper."""
        return self.subwords + _MARKS.index("shopper")

    @property
    def answer(self) -> int:
        """Ends a prompt; the codes of an id follow."""
        return self.subwords + _MARKS.index("answer")

    @property
    def gender(self) -> int:
        """The first of the gender tokens."""
        return self.subwords + len(_MARKS)

    @property
    def age(self) -> int:
        """The first of the age band tokens."""
        return self.gender + GENDERS

    @property
    def first_code(self) -> int:
        """The lowest token that stands for a code."""
        return self.age + AGES

    @cached_property
    def offset_L(self) -> NDArray[np.int64]:
        """(L,) token of each level's code 0."""
        before = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        return (self.first_code + before).astype(np.int64)

    def heads(self, head_VD: "Tensor") -> list["Tensor"]:
        """(K, D) for each level: the output rows of its codes."""
        ranges = zip(self.offset_L.tolist(), self.sizes, strict=True)
        return [head_VD[offset : offset + size] for offset, size in ranges]

    def tokens(self, codes_NL: Ints) -> Ints:
        """(N, L) tokens of the codes of ids."""
        return (codes_NL + self.offset_L).astype(np.int32)
