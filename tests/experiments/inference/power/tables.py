"""Unit tables that no log is needed for."""

import numpy as np

from experiments.inference.metrics import METRICS
from experiments.inference.power.crossproducts import Layout
from experiments.inference.power.unittable import UnitTable


def table_of(name, columns, counted):
    """The unit table of units given by column, one row each."""
    layout = Layout.of(METRICS[name], history=len(columns) > len(METRICS[name].columns))
    values_UK = np.column_stack([np.ones(len(columns[0])), *columns]).astype(float)
    values_GK, count_G = np.unique(values_UK, axis=0, return_counts=True)
    return UnitTable(layout, values_GK, count_G, counted)


def shoppers(count, seed, *, history=True):
    """Orders of shoppers who differ, and those of the same shoppers before."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.5, 1.0, count)
    columns = [rng.poisson(rate), *([rng.poisson(rate)] if history else [])]
    return table_of("orders", columns, "count")
