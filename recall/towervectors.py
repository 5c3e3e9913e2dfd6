"""Serving two towers: vectors of texts from trained weights, the same bits in any batch.

Vectors are rounded to multiples of 1/2048. A product of two components is then a multiple of
2**-22, and by Cauchy-Schwarz every partial sum of a dot product stays near or below 1, so float32
holds each of them exactly: the score of a pair has one value, whatever the order of summation,
the shape of the batch or the number of threads.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from recall.ragged import Ragged

Floats = NDArray[np.float32]
Tower = tuple[NDArray[np.float64], ...]
"""Weights of a tower: into, its bias, out."""

_GRID = 2048.0  # steps per unit of a component
_CHUNK = 1024  # texts embedded at once, bounds memory
Real = TypeVar("Real", np.float32, np.float64)


def tower_weights(tower: nn.Module) -> Tower:
    """The weights of a trained tower as arrays: serving and pickling need no module."""
    return tuple(part.detach().numpy().astype(np.float64) for part in tower.parameters())


def embed(table_VD: Floats, tower: Tower, bags: Ragged) -> Floats:
    """(T, D) vectors of bags of features, of about unit length, on the grid; zeros for empty ones.

    Args:
        table_VD: vector of each feature.
        tower: weights of the residual layer that the mean vector passes.
        bags: features of each text.
    """
    vectors_TD = np.zeros((len(bags), table_VD.shape[1]), np.float32)
    for start in range(0, len(bags), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(bags)))
        vectors_TD[rows] = _project(_means(table_VD, bags.take(rows)), tower)
    return vectors_TD


def on_grid(vectors_ND: NDArray[Real]) -> NDArray[Real]:
    """Vectors of about unit length rounded to the grid."""
    rounded_ND: NDArray[Real] = np.rint(vectors_ND * _GRID) / _GRID
    return rounded_ND


def _means(table_VD: Floats, bags: Ragged) -> NDArray[np.float64]:
    """(T, D) mean table row of each bag, zeros for an empty one."""
    means_TD = np.zeros((len(bags), table_VD.shape[1]))
    full = np.flatnonzero(bags.lengths)
    if len(full):
        rows = table_VD[bags.values].astype(np.float64)
        means_TD[full] = np.add.reduceat(rows, bags.pointer[:-1][full], axis=0)
        means_TD[full] /= bags.lengths[full, None]
    return means_TD


def _project(mean_TD: NDArray[np.float64], tower: Tower) -> Floats:
    """A tower's forward pass, on the grid.

    In float64, so that the order of summation is too small to reach the grid's rounding.
    """
    into_HD, bias_H, out_DH = tower
    vector_TD = mean_TD + np.maximum(mean_TD @ into_HD.T + bias_H, 0.0) @ out_DH.T
    vector_TD[~mean_TD.any(axis=1)] = 0.0
    norm_T1 = np.maximum(np.linalg.norm(vector_TD, axis=1, keepdims=True), 1e-12)
    return on_grid(vector_TD / norm_T1).astype(np.float32)
