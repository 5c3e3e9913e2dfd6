"""Subword units of texts: byte-pair encoding (Sennrich et al., ACL 2016) by `tokenizers`.

Units of our own are pieces of lowercase words, a word being a run of letters, digits and the
marks that belong to letters. Spaces and punctuation leave no trace, so that "notebook" and
"note book" may read the same; a character that training did not see is dropped.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from recall.arrays import Ragged
from simulator.errors import ConfigError, DataError

_WORD = r"[\p{L}\p{M}\p{N}]+"
_CHUNK = 4096  # texts given to the library at once, bounds memory
_CHARACTERS = 0.5  # largest share of the units that may be single characters
_LONGEST_UNIT = 24  # characters


class Subwords:
    """Turns texts into numbers of subword units.

    Args:
        definition: a tokenizer in the JSON of the library `tokenizers`.
        place: where it came from, for errors.

    Raises:
        DataError: the definition is no such JSON.
    """

    def __init__(self, definition: str, place: str = "subwords") -> None:
        self._definition = definition
        try:
            self._tokenizer = _library().Tokenizer.from_str(definition)
        except Exception as error:  # the library raises bare `Exception`
            raise DataError(f"{place} == unreadable ({error}), must be a tokenizer") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A shopper who types "<|endoftext|>" has typed a text, not the mark.
        self._tokenizer.encode_special_tokens = True

    @staticmethod
    def train(texts: Iterable[str], size: int = 4096, *, least: int = 2) -> "Subwords":
        """Units that spell these texts: the commonest characters and the commonest merges.

        Args:
            texts: item texts and logged queries; a text that is given twice counts twice.
            size: units at most; fewer where the texts do not offer as many.
            least: how often a pair of units must occur to become a unit.

        Raises:
            ConfigError: fewer than 2 units asked for.
        """
        if size < 2:
            raise ConfigError(f"subwords.size == {size}, must be >= 2 (units)")
        library, tokenizer = _library(), _blank()
        times = Counter(_valid(text) for text in texts)
        alphabet = _alphabet(times, int(size * _CHARACTERS))
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=least,
            show_progress=False,
            # Ours, because of equally frequent characters the library keeps any.
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            max_token_length=_LONGEST_UNIT,
        )
        tokenizer.train_from_iterator(times.elements(), trainer)
        return Subwords(tokenizer.to_str())

    @staticmethod
    def load(path: Path) -> "Subwords":
        """Read what `save` wrote, or a checkpoint's tokenizer.json.

        Raises:
            DataError: no such file, or no tokenizer in it.
        """
        try:
            definition = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} == unreadable ({error}), must be a tokenizer") from error
        return Subwords(definition, str(path))

    def save(self, path: Path) -> None:
        """Write the units as the JSON of the library `tokenizers`."""
        path.write_text(self._definition, encoding="utf-8")

    @cached_property
    def _size(self) -> int:
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def __len__(self) -> int:
        """One more than the highest number of a unit."""
        return self._size

    def encode(self, texts: Sequence[str], longest: int) -> Ragged:
        """The units of each text, its first `longest` ones; none where nothing is known."""
        lists: list[list[int]] = []
        for start in range(0, len(texts), _CHUNK):
            found = self._encode(list(texts[start : start + _CHUNK]))
            lists += [one.ids[:longest] for one in found]
        return Ragged.of(lists)

    def _encode(self, texts: list[str]) -> list[Any]:
        try:
            found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        except TypeError:  # a text that is no valid unicode
            texts = [_valid(text) for text in texts]
            found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return cast("list[Any]", found)

    def __getstate__(self) -> str:
        return self._definition

    def __setstate__(self, definition: str) -> None:
        self.__init__(definition)  # type: ignore[misc]


def _valid(text: str) -> str:
    """The text without lone surrogates, which the library refuses."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _library() -> Any:
    """`tokenizers`, told to start no threads of its own, which a later fork would complain of."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import tokenizers

    return tokenizers


def _blank() -> Any:
    """A tokenizer that knows how to cut texts into words, and no unit yet."""
    library = _library()
    tokenizer = library.Tokenizer(library.models.BPE())
    normalizers, cut = library.normalizers, library.pre_tokenizers.Split
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = cut(library.Regex(_WORD), behavior="removed", invert=True)
    return tokenizer


def _alphabet(times: Counter[str], most: int) -> list[str]:
    """The commonest characters of words; of equally common ones those of lower code points."""
    tokenizer, count = _blank(), Counter[str]()
    for text, repeats in times.items():
        normal = tokenizer.normalizer.normalize_str(text)
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
            for character in word:
                count[character] += repeats
    return sorted(count, key=lambda one: (-count[one], one))[: max(most, 1)]
