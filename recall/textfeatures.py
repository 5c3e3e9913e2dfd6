"""Words and character n-grams of a text as hashed feature numbers.

The n-grams let a misspelled or inflected word keep most of its meaning (Bojanowski et al.,
"Enriching word vectors with subword information", TACL 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from recall.ragged import Ragged
from recall.tokens import Vocabulary

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
        vocabulary, words = Vocabulary.learn(texts)
        return TextFeatures(words, Ragged.of([_hashed(w, buckets) for w in vocabulary.number]))

    def bags(self) -> Ragged:
        """The features of each text."""
        return self.words.expand(self.features)


def _hashed(word: str, buckets: int) -> list[int]:
    marked = f"<{word}>"
    grams = [marked[at : at + _GRAM] for at in range(len(marked) - _GRAM + 1)]
    return [crc32(feature.encode()) % buckets for feature in (f"={word}", *grams)]
