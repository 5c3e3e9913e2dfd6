"""What an augmentation is: it makes pairs of a text and an item to learn from."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recall.steps.tools import Tools
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ContractError
from simulator.log.history import History


@dataclass(frozen=True)
class Synthetic:
    """P pairs that were made.

    Attributes:
        texts: what `text_P` points into.
        text_P, item_P: int32, the pairs, each once.
        weight_P: float32, above 0: how much a pair counts beside the others of its kind.
    """

    texts: tuple[str, ...]
    text_P: Ints
    item_P: Ints
    weight_P: NDArray[np.float32]

    def drawn(self, count: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Texts and items of so many pairs, drawn by weight with repeats; none of no pairs."""
        if not len(self.text_P):
            return self.text_P, self.item_P
        chance_P = self.weight_P.astype(np.float64)
        rows = rng.choice(len(chance_P), count, p=chance_P / chance_P.sum())
        return self.text_P[rows], self.item_P[rows]


@runtime_checkable
class Augmentation(Protocol):
    """Makes pairs. Texts are those of the log or made of the catalogue; see `Rewriter`."""

    name: str

    def pairs(
        self, catalog: Catalog, history: History, tools: Tools, *, rng: np.random.Generator
    ) -> Synthetic:
        """The pairs that the public catalogue, a past log and fitted parts lead to."""


def validate_synthetic(found: object, items: int) -> None:
    """Check what an augmentation returned.

    Args:
        items: of the catalogue.

    Raises:
        ContractError: with place, value found and value wanted.
    """
    if not isinstance(found, Synthetic):
        raise ContractError(f"pairs() == {type(found).__name__}, must be Synthetic")
    for place, dtype in (("text_P", np.int32), ("item_P", np.int32), ("weight_P", np.float32)):
        array = getattr(found, place)
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
            said = f"{getattr(array, 'dtype', type(array).__name__)} of {np.ndim(array)} axes"
            raise ContractError(f"{place} == {said}, must be {np.dtype(dtype)} of one")
        if len(array) != len(found.text_P):
            raise ContractError(f"{place} == {len(array)} pairs, must be {len(found.text_P)}")
    for place, most in (("text_P", len(found.texts)), ("item_P", items)):
        wrong = np.flatnonzero((getattr(found, place) < 0) | (getattr(found, place) >= most))
        if len(wrong):
            value = getattr(found, place)[wrong[0]]
            raise ContractError(f"{place}[{wrong[0]}] == {value}, must be 0 to {most - 1}")
    if not (np.isfinite(found.weight_P) & (found.weight_P > 0)).all():
        raise ContractError("weight_P == nan, inf or not above 0, must be finite and above 0")
    pair_P = found.text_P.astype(np.int64) * items + found.item_P
    if len(np.unique(pair_P)) < len(pair_P):
        raise ContractError("pairs() == a pair twice, must be each once, with its weight")
