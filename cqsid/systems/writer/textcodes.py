"""Texts as rows of codes of one length, and the tree of those that may be written.

A code is a subword; what is behind the end of a text is filled with a code of its own. Then a text
is what an id is: sampling, beam search, probabilities, advantages and losses serve as they are.

Axis suffixes: T texts, L codes of a text, S distinct rows of codes, V tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import rectangle
from cqsid.generator.subwords import Subwords
from cqsid.generator.vocabulary import AGES, Vocabulary
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, DataError


@dataclass(frozen=True)
class TextVocabulary(Vocabulary):
    """Tokens of a writer: every code of a text is one of the same range, its subwords and the end.

    Attributes:
        subwords, sizes: as of `Vocabulary`; each level has as many codes as there are subwords,
            and one that says that the text is over, which is the padding token.
        tasks: names of what it can be asked for, each with a mark of its own behind all others.

    Raises:
        ConfigError: a level of another size, or a task twice.
    """

    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [size for size in self.sizes if size != self.subwords + 1]
        if wrong or not self.sizes:
            found = wrong[0] if wrong else "no level"
            raise ConfigError(f"sizes == {found}, must be {self.subwords + 1} at every level")
        if len(set(self.tasks)) < len(self.tasks):
            raise ConfigError(f"tasks == {self.tasks}, must be different")

    @staticmethod
    def of(subwords: int, longest: int, tasks: Sequence[str]) -> "TextVocabulary":
        """Tokens of texts of at most `longest` subwords."""
        return TextVocabulary(subwords, (subwords + 1,) * longest, tuple(tasks))

    def __len__(self) -> int:
        return self.age + AGES + len(self.tasks)

    @property
    def first_code(self) -> int:
        """Subwords are codes, so 0."""
        return 0

    @property
    def end(self) -> int:
        """The code behind the end of a text."""
        return self.pad

    @cached_property
    def offset_L(self) -> NDArray[np.int64]:
        """(L,) zeros: all levels have one range."""
        return np.zeros(len(self.sizes), np.int64)

    def task(self, name: str) -> int:
        """The mark that opens a prompt of a task.

        Raises:
            ConfigError: no such task.
        """
        if name not in self.tasks:
            raise ConfigError(f"task == {name!r}, must be one of {', '.join(self.tasks)}")
        return self.age + AGES + self.tasks.index(name)


def text_codes(
    texts: Sequence[str], subwords: Subwords, longest: int
) -> tuple[Ints, NDArray[np.bool_]]:
    """(T, L) the codes of texts, and (T,) whether they tell the whole text.

    A text without a known subword, or of more than `longest`, is not told as a whole: the former
    is all ends, of the latter its first subwords stand.
    """
    units = subwords.encode(texts, longest + 1)
    cut_TL = rectangle(units, longest)
    codes_TL = np.where(cut_TL >= 0, cut_TL, len(subwords)).astype(np.int32)
    return codes_TL, np.asarray((units.lengths > 0) & (units.lengths <= longest))


@dataclass(frozen=True, eq=False)
class TextTrie:
    """The texts that may be written.

    Texts that differ in capitals, spaces and marks alone have equal codes; the first stands for
    them. Those that cannot be told as a whole are left out.

    Attributes:
        trie: of their codes.
        text_S: which of the given texts each row of the trie is.
        left_out: how many texts cannot be told as a whole.
    """

    trie: Trie
    text_S: Ints
    left_out: int

    def __len__(self) -> int:
        return len(self.text_S)

    @staticmethod
    def of(texts: Sequence[str], subwords: Subwords, longest: int) -> "TextTrie":
        """Index some texts.

        Raises:
            DataError: none of them can be told as a whole.
        """
        codes_TL, whole_T = text_codes(texts, subwords, longest)
        kept = np.flatnonzero(whole_T)
        if not len(kept):
            raise DataError(
                f"texts == {len(texts)} without one of 1 to {longest} known subwords, must have one"
            )
        codes_SL, first_S = np.unique(codes_TL[kept], axis=0, return_index=True)
        sizes = (len(subwords) + 1,) * longest
        trie = Trie.of(np.ascontiguousarray(codes_SL, np.int32), sizes)
        return TextTrie(trie, kept[first_S].astype(np.int32), len(texts) - len(kept))
