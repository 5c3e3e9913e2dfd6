"""Words of texts in any script: where a script has no spaces, character n-grams stand for words.

Chinese and Japanese are cut into overlapping pairs of characters, Thai, Lao, Burmese and Khmer into
threes (with their vowel signs), as search engines do that have no dictionary (Lucene's CJK bigrams;
McNamee and Mayfield, Information Retrieval 7, 2004).
"""

import re
import unicodedata
from collections.abc import Iterator

_PAIRS = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
)
_PAIRS += "\uf900-\ufaff\U00020000-\U0003134f"
_THREES = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0edf\u1000-\u109f\u1780-\u17dd"
_RUNS = re.compile(
    f"(?P<pairs>[{_PAIRS}]+)|(?P<threes>[{_THREES}]+)|(?P<spaced>[^{_PAIRS}{_THREES}]+)"
)
_UNSPACED = re.compile(f"[{_PAIRS}{_THREES}]")
_KANA = re.compile("[\u3041-\u30fa\u31f0-\u31ff]")
_NAMES = (
    ("Japanese", _KANA),
    ("Chinese", re.compile("[\u3400-\u9fff]")),
    ("Thai", re.compile("[\u0e01-\u0e4e]")),
    ("Lao, Burmese or Khmer", _UNSPACED),
)
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_WIDE = re.compile("[\uff01-\uffee]+")


def _marks() -> str:
    """Ranges of the signs that belong to the letter before them: accents, vowels, tones."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x1E95B):
        if unicodedata.category(chr(code)).startswith("M"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


class _Words:
    """The pattern of a word beyond ASCII, made when first needed: it takes milliseconds."""

    def __init__(self) -> None:
        self._pattern: re.Pattern[str] | None = None

    def __call__(self, text: str) -> list[str]:
        if self._pattern is None:
            self._pattern = re.compile(rf"[^\W_](?:[^\W_]|[{_marks()}])*")
        return self._pattern.findall(text)


_words = _Words()


def words_in(text: str) -> list[str]:
    """Runs of letters and digits, in order, as they are; n-grams where a script has no spaces.

    Vowel signs and accents belong to the letter before them; wide letters are as narrow ones.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text)
    wide = _WIDE.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    found = _words(unicodedata.normalize("NFC", wide))
    return [part for word in found for part in parts_of(word)]


def parts_of(word: str) -> Iterator[str]:
    """A word, or its n-grams as far as its script has no spaces."""
    if not is_unspaced(word):
        yield word
        return
    for run in _RUNS.finditer(word):
        if run["spaced"]:
            yield run[0]
        else:
            yield from _grams(run[0], 2 if run["pairs"] else 3)


def is_unspaced(text: str) -> bool:
    """Whether any of a text is in a script without spaces between words."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def needs_care(text: str) -> bool:
    """Whether a text has letters that are no words by themselves: n-grams, or signs on letters."""
    marked = not text.isascii() and any(unicodedata.category(sign)[0] == "M" for sign in text)
    return marked or is_unspaced(text)


def script_of(text: str) -> str:
    """What a text without spaces is written in, by its letters; "" for any other."""
    if not is_unspaced(text):
        return ""
    return next(name for name, letters in _NAMES if letters.search(text))


def _grams(run: str, size: int) -> Iterator[str]:
    letters: list[str] = []
    for letter in run:
        if letters and unicodedata.category(letter).startswith("M"):
            letters[-1] += letter
        else:
            letters.append(letter)
    for at in range(max(len(letters) - size, 0) + 1):
        yield "".join(letters[at : at + size])
