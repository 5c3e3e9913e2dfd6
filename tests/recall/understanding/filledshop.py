"""A generated shop that publishes half of its values, and what is true of its missing cells."""

from dataclasses import dataclass

import numpy as np

from recall.texts.words import item_texts
from recall.understanding.filled import Filled
from recall.understanding.named import Names
from recall.understanding.understanding import Understanding
from simulator.catalogue.catalog import Catalog, Supply
from simulator.catalogue.settings import CatalogSpec, StructuredSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.log.history import History
from simulator.randomness import Draws

ITEMS, CATEGORIES = 1_500, 15


def made_supply(seed: int = 3, items: int = ITEMS) -> Supply:
    spec = CatalogSpec(items=items, categories=CATEGORIES, structured=StructuredSpec())
    return generate_supply(spec, Draws(seed))


def taught(step: Understanding, catalog: Catalog) -> Understanding:
    step.fit(catalog, History.empty(), rng=np.random.default_rng(0))
    return step


@dataclass(frozen=True)
class Guessed:
    """Guesses of missing cells beside the truth.

    Attributes:
        value_G: guessed; sure_G: how surely.
        true_G: the true value of the cell, -1 where the item has none.
        named_G: whether the item's texts have the true value's own name.
        told_G: whether they have any of its words, synonyms, too.
    """

    item_G: np.ndarray
    value_G: np.ndarray
    sure_G: np.ndarray
    true_G: np.ndarray
    named_G: np.ndarray
    told_G: np.ndarray

    @property
    def right_G(self) -> np.ndarray:
        return self.value_G == self.true_G


def guessed(supply: Supply, filled: Filled) -> Guessed:
    structured = supply.catalog.structured
    assert structured is not None
    assert filled.catalog.structured is not None
    values_IV = filled.catalog.structured.values_IV
    own_IV = np.full(values_IV.shape, -1)
    own_IV[:, : structured.values_IV.shape[1]] = structured.values_IV
    item_G, column_G = np.nonzero((values_IV >= 0) & (own_IV < 0))
    value_G = values_IV[item_G, column_G]
    attribute_G = structured.attribute_W[value_G]
    true_IA = np.full((len(values_IV), len(structured.attributes)), -1)
    item_T, column_T = np.nonzero(supply.truth.values_IV >= 0)
    value_T = supply.truth.values_IV[item_T, column_T]
    true_IA[item_T, structured.attribute_W[value_T]] = value_T
    true_G = true_IA[item_G, attribute_G]
    return Guessed(
        *(item_G, value_G, filled.confidence_IV[item_G, column_G], true_G),
        has_words(supply, item_G, true_G, synonyms=False),
        has_words(supply, item_G, true_G, synonyms=True),
    )


def has_words(
    supply: Supply, item_G: np.ndarray, value_G: np.ndarray, *, synonyms: bool
) -> np.ndarray:
    """Whether an item's texts have all words of a name of a value; False for value -1."""
    ways = [
        (word, code)
        for code, words in enumerate(supply.value_words)
        for word in (words if synonyms else words[:1])
    ]
    item_E, way_E = Names([word for word, _ in ways]).found(
        item_texts(supply.catalog, description=True)
    )
    code_E = np.array([code for _, code in ways])[way_E]
    size = len(supply.value_words)
    found = np.isin(item_G * size + value_G, item_E * size + code_E)
    return np.asarray(found & (value_G >= 0))
