"""What the null twin of a catalogue step learns from."""

from dataclasses import replace

import numpy as np

from recall.understanding.filled import values_of
from simulator.catalogue.catalog import Catalog


def shuffled(catalog: Catalog, rng: np.random.Generator) -> Catalog:
    """The same items with the values of others, and the categories of yet others.

    Were both of one other item, its values would still tell its category.
    """
    values, categories = rng.permutation(len(catalog)), rng.permutation(len(catalog))
    mixed = catalog.structured
    if mixed is not None:
        mixed = replace(mixed, values_IV=values_of(catalog).values_IV[values])
    return replace(catalog, structured=mixed, category_I=catalog.category_I[categories])
