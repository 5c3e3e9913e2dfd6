"""The tokenizer of CQ-SID: a residual-quantised autoencoder guided by categories and queries.

After "Efficient Generative Retrieval for E-commerce Search with Semantic Cluster IDs and
Expert-Guided RL" (arXiv 2605.14434):

    L = ||x - x_hat||^2 + beta sum_l ||z_l - sg(z_hat_l)||^2 + gamma L_BiNCE

z_l is what level l is given, z_hat_l the code it chose; losses are means over the batch. The
first code of an item is its category, and deeper codes are the nearest ones. What the paper
leaves open is decided here as follows.

- Sizes: one hidden layer of 256 on either side of a latent of 64 dimensions.
- Squares are sums over dimensions, as printed. If the paper's are means, its gamma weighs as
  many times more as there are dimensions: at 0.001 the contrast is weak here, at 0.03 plain.
- The row of a category follows (by moving average) only the items known to be in it. An item of
  unknown category takes the nearest row; spare rows beyond the categories compete for it, and
  only such items move them. The row of a category that nobody was known to be in is the mean of
  all items: its later items may use it, but it is never the nearest.
- The contrast is taken before quantisation, between encoded query and item latent; "after" takes
  the sum of the item's codes, straight through. A query is never quantised, nor reconstructed.
- In every batch each item draws one of its queries by how often they met. An item without
  queries takes no part in the contrast. Any other pair of the batch that was logged as well is
  not taken as a negative, which covers pairs of the same query.

Relatives, of which only summaries were at hand:

- `category="soft"` is CAT-ID2 (arXiv 2511.01461): a class constraint, a cluster scale constraint
  and a dispersion loss. Known are their purposes, and that shares of codes are softmax(-squared
  distance). Inferred are the forms: a supervised contrast of the first codes, since categories
  here have one level; the divergence of the batch's mean share from even, summed over levels;
  the log mean exp cosine of reconstructions; and one weight, `supervision`, for all three.
- `collaborative` is LETTER's alignment (Wang et al., 2024) of the quantised latent with a
  collaborative vector by InfoNCE. Inferred: vectors from the sessions' co-clicks rather than
  from a sequential recommender, cosines rather than inner products, items without sessions
  masked. `diversity` is its regulariser of codebooks. Inferred: cosines, plain k-means instead
  of k-means of even clusters, redrawn each pass; and as the codes move by averages, its gradient
  moves them by a step as long as the averages' own. Rows of categories stay where they are.
- `balance` is not of these papers: Sinkhorn prices of the codes of deeper levels, computed once
  after training and stored, so that codes stay a plain argmin of distance plus price. Off by
  default: restarted codes are used evenly enough (perplexity above 0.8 of the codebook on
  generated catalogues), and prices that even out the rest worsen the reconstruction.
"""

from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds
from torch import Tensor

from cqsid.tokenizer.quantize.autoencoder import Doubles, Perceptron, in_blocks
from cqsid.tokenizer.quantize.codebook import squared_distances
from cqsid.tokenizer.quantize.grid import check_finite
from cqsid.tokenizer.quantize.lloyd import sinkhorn_prices
from cqsid.tokenizer.quantize.rqvae_training import Learnable, LoggedPairs, Training
from cqsid.tokenizer.quantize.rqvaespec import RqvaeSpec
from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, DataError

_PRICED_ITEMS = 20_000  # sample that prices are computed on, bounds memory
_PRICE_TEMPERATURE = 0.05  # of the mean distance to the codes
_PRICE_ITERATIONS = 50


class Rqvae:
    """Codes of items from a trained encoder and codebooks.

    Args:
        spec: settings.
        sizes: codes of each level. More first codes than categories are spare.

    Raises:
        ConfigError: no level, or a level without codes.
    """

    def __init__(self, spec: RqvaeSpec, sizes: tuple[int, ...]) -> None:
        if not sizes or min(sizes) < 1:
            raise ConfigError(f"sizes == {sizes}, must be one or more levels of >= 1 codes")
        self.sizes = sizes
        self._spec = spec

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> None:
        """Train on the known items.

        Raises:
            ConfigError: fewer first codes than categories where these are the first codes.
            DataError: no known item, or a vector that is not finite.
        """
        hard = self._spec.category == "hard"
        self._categories = signals.categories if hard else 0
        if self.sizes[0] < self._categories:
            raise ConfigError(
                f"sizes[0] == {self.sizes[0]}, must be >= {signals.categories} (categories)"
            )
        rows_N = np.flatnonzero(signals.known_I)
        if not len(rows_N):
            raise DataError("signals.known_I == 0 items, must be >= 1 to learn from")
        training = Training(self._spec, self.sizes, self._learnable(signals, rows_N), rng)
        training.run()
        self._take(training)
        if self._spec.balance and len(self.sizes) > 1:
            some_N = rows_N[np.sort(rng.permutation(len(rows_N))[:_PRICED_ITEMS])]
            self._set_prices(signals, some_N)

    def _learnable(self, signals: Signals, rows_N: NDArray[np.int64]) -> Learnable:
        row_I = np.full(len(signals), -1)
        row_I[rows_N] = np.arange(len(rows_N))
        kept_P = signals.known_I[signals.pair_item_P]
        pairs = LoggedPairs(
            row_I[signals.pair_item_P[kept_P]],
            signals.pair_query_P[kept_P],
            signals.pair_weight_P[kept_P],
            sizes=(len(rows_N), len(signals.query_QD)),
        )
        item_ND = _finite(signals.item_ID, rows_N, "signals.item_ID")
        query_QD = np.zeros((0, item_ND.shape[1]), np.float32)
        if len(signals.query_QD):
            rows_Q = np.arange(len(signals.query_QD))
            query_QD = _finite(signals.query_QD, rows_Q, "signals.query_QD")
        return Learnable(
            item_ND=item_ND,
            category_N=self._guide(signals, rows_N),
            class_N=signals.category_I[rows_N].astype(np.int64),
            categories=self._categories,
            query_QD=query_QD,
            pairs=pairs,
            partner_NE=self._partners(signals, rows_N),
        )

    def _partners(self, signals: Signals, rows_N: NDArray[np.int64]) -> Floats:
        if not self._spec.collaborative:
            return np.zeros((len(rows_N), self._spec.latent), np.float32)
        kept_F = signals.known_I[signals.session_item_F]
        session_F, item_F = signals.session_F[kept_F], signals.session_item_F[kept_F]
        return collaborative_vectors(session_F, item_F, len(signals), self._spec.latent)[rows_N]

    def _guide(self, signals: Signals, items_N: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N,) category of items as far as it is a first code, else -1."""
        category_N = signals.category_I[items_N].astype(np.int64)
        return np.where(category_N < self._categories, category_N, -1)

    def _take(self, training: Training) -> None:
        """Keep the weights as arrays."""
        self._encoder = Perceptron.of(training.model.encoder)
        self._decoder = Perceptron.of(training.model.decoder)
        self._code_LKE = [book.code_KD.cpu().double().numpy() for book in training.books]
        self._price_LK = [book.price_K.cpu().double().numpy() for book in training.books]

    def _set_prices(self, signals: Signals, items_N: NDArray[np.int64]) -> None:
        """Prices level by level, each given the codes that the prices before it lead to."""
        residual_NE = self.vectors(signals, items_N.astype(np.int32)).astype(np.float64)
        guide_N = self._guide(signals, items_N)
        for level, code_KE in enumerate(self._code_LKE):
            if level:
                own_N1 = (residual_NE**2).sum(axis=1, keepdims=True)
                distance_NK = own_N1 + in_blocks(
                    partial(squared_distances, code_KD=torch.from_numpy(code_KE)), residual_NE
                )
                distance_NK = distance_NK.astype(np.float32)
                self._price_LK[level] = sinkhorn_prices(
                    distance_NK,
                    temperature=max(_PRICE_TEMPERATURE * float(distance_NK.mean()), 1e-9),
                    iterations=_PRICE_ITERATIONS,
                ).astype(np.float64)
            residual_NE = residual_NE - code_KE[self._nearest(residual_NE, level, guide_N)]

    def _nearest(
        self, residual_NE: Doubles, level: int, guide_N: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        code_KE = torch.from_numpy(self._code_LKE[level])
        price_K = torch.from_numpy(self._price_LK[level])

        def block(rows_NE: Tensor) -> Tensor:
            return (squared_distances(rows_NE, code_KE) + price_K).argmin(dim=1)

        code_N = in_blocks(block, residual_NE)
        return np.where(guide_N >= 0, guide_N, code_N) if level == 0 else code_N

    def codes(self, signals: Signals, items_N: Ints) -> Ints:
        """(N, L) codes of items, known or new.

        Raises:
            DataError: a vector of theirs is not finite.
        """
        residual_NE = self.vectors(signals, items_N).astype(np.float64)
        guide_N = self._guide(signals, items_N)
        codes_NL = np.empty((len(items_N), len(self.sizes)), np.int32)
        for level, code_KE in enumerate(self._code_LKE):
            codes_NL[:, level] = self._nearest(residual_NE, level, guide_N)
            residual_NE = residual_NE - code_KE[codes_NL[:, level]]
        return codes_NL

    def vectors(self, signals: Signals, items_N: Ints) -> Floats:
        """(N, E) latents of items.

        Raises:
            DataError: a vector of theirs is not finite.
        """
        return self.encode(_finite(signals.item_ID, items_N, "signals.item_ID"))

    def encode(self, vector_ND: Floats) -> Floats:
        """(N, E) latents of text vectors, of items or of queries."""
        return self._encoder(vector_ND).astype(np.float32)

    def reconstruct(self, codes_NL: Ints) -> Floats:
        """(N, D) text vectors that the decoder makes of codes."""
        chosen = [code_KE[codes_NL[:, level]] for level, code_KE in enumerate(self._code_LKE)]
        return self._decoder(np.sum(chosen, axis=0)).astype(np.float32)


def _finite(vector_ID: Floats, rows_N: NDArray[np.integer], place: str) -> Floats:
    vector_ND: Floats = vector_ID[rows_N]
    check_finite(vector_ND, place, rows_N)
    return vector_ND


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
