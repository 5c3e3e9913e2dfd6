"""Counts of pairs as sparse matrices."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix


def counts(
    row_F: NDArray[np.integer],
    column_F: NDArray[np.integer],
    weight_F: NDArray[np.float64],
    shape: tuple[int, int],
) -> csr_matrix:
    """Sum of the weights of each (row, column) pair, columns sorted."""
    return csr_matrix(coo_matrix((weight_F, (row_F, column_F)), shape=shape))


def normalised_rows(matrix: csr_matrix) -> csr_matrix:
    """The matrix with rows that sum to 1; empty rows stay empty."""
    total = np.asarray(matrix.sum(axis=1)).ravel()
    scaled = matrix.copy()
    scaled.data = matrix.data / np.repeat(total, np.diff(matrix.indptr))
    return scaled


def strongest(matrix: csr_matrix, depth: int) -> csr_matrix:
    """Each row's `depth` largest entries; of equal ones, those with the lower column."""
    sizes = np.diff(matrix.indptr)
    row_E = np.repeat(np.arange(matrix.shape[0]), sizes)
    order_E = np.lexsort((matrix.indices, -matrix.data, row_E))
    rank_E = np.arange(len(order_E)) - np.repeat(matrix.indptr[:-1], sizes)
    kept = np.sort(order_E[rank_E < depth])
    pointer = np.concatenate([[0], np.cumsum(np.minimum(sizes, depth))])
    return csr_matrix((matrix.data[kept], matrix.indices[kept], pointer), shape=matrix.shape)
