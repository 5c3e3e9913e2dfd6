"""Words of a text, and the numbering of the words of a catalogue."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recall.ragged import Ragged

_WORD = re.compile(r"[^\W_]+")


def singular(word: str) -> str:
    """Undo a plain English plural (the S-stemmer of Harman, JASIS 42(1), 1991).

    Short words and words with a digit stay as they are.
    """
    if len(word) < 4 or word[-1] != "s" or not word.isalpha():
        return word
    if word.endswith("ies"):
        return word if word[-4] in "ae" else word[:-3] + "y"
    if word.endswith("es"):
        return word if word[-3] in "aeo" else word[:-1]
    return word if word[-2] in "us" else word[:-1]


def words(text: str, *, plurals: bool = True) -> list[str]:
    """Lowercase runs of letters and digits, in order; plurals undone where asked for."""
    found = _WORD.findall(text.lower())
    return [singular(word) for word in found] if plurals else found


@dataclass(frozen=True)
class Vocabulary:
    """The words of some texts, numbered by first appearance."""

    number: dict[str, int]
    plurals: bool = True

    @staticmethod
    def learn(texts: Iterable[str], *, plurals: bool = True) -> tuple["Vocabulary", Ragged]:
        """The vocabulary of these texts, and the texts as word numbers."""
        number: dict[str, int] = {}
        lists = [
            [number.setdefault(word, len(number)) for word in words(text, plurals=plurals)]
            for text in texts
        ]
        return Vocabulary(number, plurals), Ragged.of(lists)

    def __len__(self) -> int:
        return len(self.number)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """The known words of each text, in order; unknown words are left out."""
        number = self.number
        return Ragged.of(
            [
                [number[word] for word in words(text, plurals=self.plurals) if word in number]
                for text in texts
            ]
        )
