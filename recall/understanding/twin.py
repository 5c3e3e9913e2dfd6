"""What the null twin of a catalogue step learns from."""

from dataclasses import replace

import numpy as np

from recall.understanding.filled import structured_of
from simulator.catalogue.catalog import Catalog


def shuffled(catalog: Catalog, rng: np.random.Generator) -> Catalog:
    """The same items with the values of others, and the categories of yet others.

    Were both of one other item, its values would still tell its category.
    """
    values, categories = rng.permutation(len(catalog)), rng.permutation(len(catalog))
    structured = structured_of(catalog)
    mixed = replace(structured, values_IV=structured.values_IV[values])
    return replace(catalog, structured=mixed, category_I=catalog.category_I[categories])
