"""A catalogue with a part of what it publishes hidden, to see what a step makes of that."""

from dataclasses import replace

import numpy as np

from recall.understanding.filled import values_of
from simulator.catalogue.catalog import Catalog, left_packed

HIDDEN = 0.2
"""Share of the published values, and of the published categories, that is hidden."""


def hidden(catalog: Catalog, rng: np.random.Generator) -> Catalog:
    """The same items; each published value and category is hidden with a chance of `HIDDEN`."""
    values_IV = values_of(catalog).values_IV
    structured = catalog.structured
    if structured is not None:
        kept_IV = np.where(rng.random(values_IV.shape) < HIDDEN, -1, values_IV)
        structured = replace(structured, values_IV=left_packed(kept_IV.astype(np.int32)))
    category_I = np.where(rng.random(len(catalog)) < HIDDEN, -1, catalog.category_I)
    return replace(catalog, structured=structured, category_I=category_I.astype(np.int32))
