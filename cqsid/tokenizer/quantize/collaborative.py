"""Item vectors from what sessions clicked together."""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from cqsid.tokenizer.signals import Floats
from simulator.catalogue.catalog import Ints


def collaborative_vectors(
    session_F: NDArray[np.int64], item_F: Ints, n_items: int, dims: int
) -> Floats:
    """Spectral vectors of items from co-occurrence in sessions.

    A truncated singular value decomposition of the positive pointwise mutual information matrix,
    `U sqrt(S)`, about what skip-gram factorises (Levy and Goldberg, 2014). An item counts once
    in a session.

    Args:
        session_F, item_F: session number and item of each event.
        n_items: I.
        dims: length of a vector; filled up with zeros where the matrix has a lower rank.

    Returns:
        (I, dims) vectors of unit length; zeros for an item that shared no session.
    """
    vectors_ID = np.zeros((n_items, dims), np.float32)
    together_II = _co_occurrences(session_F, item_F, n_items)
    rows = np.flatnonzero(np.diff(together_II.indptr))
    rank = min(dims, len(rows) - 1)
    positive_RR = _positive_information(together_II[rows][:, rows])
    if rank < 1 or not positive_RR.sum():
        return vectors_ID
    start_R = 1.0 + np.arange(len(rows)) / len(rows)  # fixed, so that runs agree
    left_RD, strength_D, _ = svds(
        positive_RR, k=rank, v0=start_R, tol=1e-6, rng=np.random.default_rng(0)
    )
    found_RD = left_RD[:, ::-1] * np.sqrt(np.maximum(strength_D[::-1], 0.0))
    norm_R1 = np.linalg.norm(found_RD, axis=1, keepdims=True)
    vectors_ID[rows, :rank] = np.where(norm_R1 > 1e-9, found_RD / np.maximum(norm_R1, 1e-9), 0.0)
    return vectors_ID


def _co_occurrences(session_F: NDArray[np.int64], item_F: Ints, n_items: int) -> sparse.csr_array:
    """(I, I) in how many sessions two different items met."""
    _, row_F = np.unique(session_F, return_inverse=True)
    shape = (int(row_F.max(initial=-1)) + 1, n_items)
    events = sparse.csr_array((np.ones(len(row_F)), (row_F, item_F)), shape=shape)
    events.data[:] = 1.0  # the constructor summed repeats
    together_II = (events.T @ events).tocsr()
    together_II.setdiag(0.0)
    together_II.eliminate_zeros()
    return cast("sparse.csr_array", together_II)


def _positive_information(together_RR: sparse.csr_array) -> sparse.csr_array:
    """max(0, log(n_ij n / (n_i n_j))) where two items met."""
    met = together_RR.tocoo()
    total_R = np.asarray(together_RR.sum(axis=1)).ravel()
    expected = total_R[met.row] * total_R[met.col] / total_R.sum()
    value = np.maximum(np.log(met.data / expected), 0.0)
    return sparse.csr_array((value, (met.row, met.col)), shape=together_RR.shape)
