"""Ids as texts and as tokens, written for a trainer and read from what a model generated.

Axis suffixes: N ids, L levels.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.vocabulary import Vocabulary
from recall.ragged import Ragged
from simulator.catalog import Ints

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
"""Names of the levels in a text."""

_NUMBER: Final = "(0|[1-9][0-9]{0,8})"


def id_texts(codes_NL: Ints) -> list[str]:
    """Ids as texts such as "<a_12><b_5><c_7>"; "" for a row with a negative code."""
    letters = LETTERS[: codes_NL.shape[1]]
    return [
        "".join(f"<{letter}_{code}>" for letter, code in zip(letters, codes_L, strict=True))
        if min(codes_L) >= 0
        else ""
        for codes_L in codes_NL.tolist()
    ]


def id_tokens(codes_NL: Ints, vocabulary: Vocabulary) -> list[list[int]]:
    """The tokens of each id; none for a row with a negative code."""
    there_N = np.all(codes_NL >= 0, axis=1).tolist()
    tokens = vocabulary.tokens(codes_NL).tolist()
    return [row if there else [] for row, there in zip(tokens, there_N, strict=True)]


def codes_of_texts(texts: Sequence[str], sizes: tuple[int, ...]) -> Ints:
    """(N, L) int32 the codes of such texts; a row of -1 for a text that is not one id.

    Blanks around an id and between its codes are allowed, as some tokenizers put them there.
    """
    tokens = (rf"<{letter}_{_NUMBER}>" for letter in LETTERS[: len(sizes)])
    one_id = re.compile(r"\s*" + r"\s*".join(tokens) + r"\s*")
    found = [one_id.fullmatch(text) for text in texts]
    rows = [[int(code) for code in each.groups()] if each else [-1] * len(sizes) for each in found]
    return _legal(np.array(rows, np.int64).reshape(len(texts), len(sizes)), sizes)


def codes_of_tokens(tokens: Sequence[Sequence[int]], vocabulary: Vocabulary) -> Ints:
    """(N, L) int32 the codes of completions; a row of -1 for one that is not L codes in order.

    `vocabulary.pad` may follow an id: TRL hands over the mark that ended a completion, and the
    generator's vocabulary has no other that could be one.
    """
    sizes, pad = vocabulary.sizes, vocabulary.pad
    lists = Ragged.of([_before_pads(list(each), pad) for each in tokens])
    whole_N = lists.lengths == len(sizes)
    codes_NL = np.full((len(lists), len(sizes)), -1, np.int64)
    kept = lists.take(np.flatnonzero(whole_N)).values.reshape(-1, len(sizes))
    codes_NL[whole_N] = kept - vocabulary.offset_L
    return _legal(codes_NL, sizes)


def _before_pads(tokens: list[int], pad: int) -> list[int]:
    while tokens and tokens[-1] == pad:
        tokens.pop()
    return tokens


def _legal(codes_NL: NDArray[np.int64], sizes: tuple[int, ...]) -> Ints:
    inside_N = np.all((codes_NL >= 0) & (codes_NL < np.array(sizes)), axis=1)
    return np.where(inside_N[:, None], codes_NL, -1).astype(np.int32)
