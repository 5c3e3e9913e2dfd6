"""Words as hashed features, also of words that nobody has seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from recall.arrays import Ragged
from recall.texts.words import WordNumbers

_GRAM = 3


@dataclass(frozen=True)
class TextFeatures:
    """Texts as words, and words as features.

    Attributes:
        words: word numbers of each text, in order.
        features: feature numbers of each word, all below the number of buckets.
    """

    words: Ragged
    features: Ragged

    @staticmethod
    def of(texts: Sequence[str], buckets: int) -> "TextFeatures":
        """Features of some texts; the same word has the same features in every call."""
        vocabulary, words = WordNumbers.learn(texts)
        return TextFeatures(words, Ragged.of([_hashed(w, buckets) for w in vocabulary.number]))

    def bags(self) -> Ragged:
        """The features of each text."""
        return self.words.expand(self.features)


@lru_cache(maxsize=65_536)
def _hashed(word: str, buckets: int) -> tuple[int, ...]:
    marked = f"<{word}>"
    grams = [marked[at : at + _GRAM] for at in range(len(marked) - _GRAM + 1)]
    return tuple(crc32(feature.encode()) % buckets for feature in (f"={word}", *grams))
