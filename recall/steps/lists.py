"""What is wrong with lists of texts that a step gave to requests."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError
from simulator.protocols import Requests

Flags = NDArray[np.bool_]


def check_lists(
    call: str,
    text: tuple[str, Any],
    scores: tuple[str, Any],
    texts: tuple[str, ...],
    requests: Requests,
    most: int,
) -> None:
    """Check lists of texts, best first: their shape, and that no text is wrong or there twice.

    Args:
        call: what gave them, for errors.
        text, scores: name and array of the places of texts, and of their scores.
        texts: what the places point into; they begin with those of the requests.
        most: columns allowed.

    Raises:
        ContractError: with place, value found and value wanted.
    """
    rows = len(requests)
    for (place, array), dtype in ((text, np.dtype(np.int32)), (scores, np.dtype(np.float32))):
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            said = getattr(array, "dtype", type(array).__name__)
            raise ContractError(f"{place}.dtype == {said}, must be {dtype}")
        if array.ndim != 2 or len(array) != rows or array.shape[1] > most:
            raise ContractError(f"{place}.shape == {array.shape}, must be ({rows}, at most {most})")
    if text[1].shape != scores[1].shape:
        raise ContractError(f"{scores[0]}.shape == {scores[1].shape}, must be {text[1].shape}")
    if texts is not requests.texts and texts[: len(requests.texts)] != requests.texts:
        raise ContractError(f"{call}.texts == others, must begin with the texts of the requests")
    for wrong_BK, wanted in _of_texts(text[1], requests, len(texts)):
        refuse(text, wrong_BK, wanted)
    held_BK = text[1] >= 0
    rising_BK = np.zeros_like(held_BK)
    rising_BK[:, 1:] = held_BK[:, 1:] & (scores[1][:, 1:] > scores[1][:, :-1])
    refuse(scores, held_BK & ~np.isfinite(scores[1]), "be finite")
    refuse(scores, rising_BK, "not rise along a row")
    refuse(scores, ~held_BK & (scores[1] != 0), "be 0 on padding")


def refuse(array: tuple[str, Any], wrong_BK: Flags, wanted: str) -> None:
    """Refuse an array for the first value that is wrong.

    Raises:
        ContractError: one is.
    """
    if wrong_BK.any():
        row, column = np.argwhere(wrong_BK)[0]
        value = array[1][row, column]
        raise ContractError(f"{array[0]}[{row}, {column}] == {value}, must {wanted}")


def _of_texts(text_BK: Ints, requests: Requests, known: int) -> Iterator[tuple[Flags, str]]:
    """Where places of texts are wrong, and what is wanted there."""
    held_BK = text_BK >= 0
    gap_BK = np.zeros_like(held_BK)
    gap_BK[:, 1:] = held_BK[:, 1:] & ~held_BK[:, :-1]
    order_BK = np.argsort(text_BK, axis=1, kind="stable")
    sorted_BK = np.take_along_axis(text_BK, order_BK, axis=1)
    again_BK = np.zeros_like(held_BK)
    twice_BK = (sorted_BK[:, 1:] == sorted_BK[:, :-1]) & (sorted_BK[:, 1:] >= 0)
    np.put_along_axis(again_BK, order_BK[:, 1:], twice_BK, axis=1)
    outside_BK = (text_BK < -1) | (text_BK >= known)
    yield outside_BK, f"be -1 or below {known}, the number of texts"
    yield gap_BK, "not stand behind padding"
    yield again_BK, "be given once"
    yield held_BK & (text_BK == requests.text_B[:, None]), "not be the text asked"
