"""Slips of the fingers on a keyboard."""

from functools import lru_cache

_SHORTEST = 4  # letters of a word in which a typing error may happen

# Keys in their rows, each row a little to the right of the one above.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHIFT = (0.0, 0.25, 0.75)  # of a row, in keys


def misspell(text: str, place: float, slip: float) -> str:
    """One slip of the fingers: two letters swapped, one left out or one typed twice.

    Args:
        text: what was meant.
        place: where in the text, in [0, 1); never the first letter of a word.
        slip: which slip, in [0, 1).

    Returns:
        The text with the slip, or "" where no word is long enough for one.
    """
    spots = _spots(text)
    if not spots:
        return ""
    at = spots[int(place * len(spots))]
    if slip < 0.4 and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if slip < 0.75:
        return text[:at] + text[at + 1 :]
    return text[: at + 1] + text[at:]


def slipped(text: str, place: float, slip: float, key: float) -> str:
    """A slip as of `misspell`, or a key beside the one that was meant.

    Of the errors in typed queries about a quarter are swaps, a quarter are neighbours, the rest
    are letters left out or typed twice (uncalibrated).

    Args:
        text, place: as of `misspell`.
        slip: which slip, in [0, 1); a neighbour below `NEIGHBOURS`.
        key: which of the neighbours, in [0, 1).
    """
    if slip >= NEIGHBOURS:
        return misspell(text, place, (slip - NEIGHBOURS) / (1 - NEIGHBOURS))
    spots = [at for at in _spots(text) if neighbours(text[at])]
    if not spots:
        return misspell(text, place, slip / NEIGHBOURS)
    at = spots[int(place * len(spots))]
    near = neighbours(text[at])
    return text[:at] + near[int(key * len(near))] + text[at + 1 :]


NEIGHBOURS = 0.25  # share of slips that hit the key beside


@lru_cache(maxsize=64)
def neighbours(letter: str) -> str:
    """The keys that touch a letter's; "" for what is not on the keyboard of `_ROWS`."""
    places = {
        key: (row, at + _SHIFT[row])
        for row, keys in enumerate(_ROWS)
        for at, key in enumerate(keys)
    }
    if letter not in places:
        return ""
    row, at = places[letter]
    return "".join(
        key
        for key, (other, place) in places.items()
        if key != letter and abs(other - row) <= 1 and abs(place - at) <= 1.0
    )


def _spots(text: str) -> list[int]:
    """Where a finger may slip: inside of words that are long enough."""
    return [
        at
        for at in range(1, len(text) - 1)
        if text[at - 1 : at + 2].isalpha() and _word_length(text, at) >= _SHORTEST
    ]


def _word_length(text: str, at: int) -> int:
    return text.find(" ", at) % (len(text) + 1) - text.rfind(" ", 0, at) - 1
