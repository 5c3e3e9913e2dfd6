"""The network behind the learned ranker, as it serves: NumPy weights and one compiled pass.

Each candidate's logits are summed in a fixed order of its own features, lane by lane, so they are
the same bits in any batch, on any number of threads. A BLAS product would not promise that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_LANES = 32  # candidates that pass together; enough for the widest vector registers


@njit(cache=True, nogil=True)
def _layer(
    out_HL: Any, in_FL: Any, weights_HF: Any, bias_H: Any, rectify: Any
) -> None:  # pragma: no cover
    n_in = weights_HF.shape[1]
    whole = n_in - n_in % 4
    for h in range(weights_HF.shape[0]):
        out_L, weights_F = out_HL[h], weights_HF[h]
        out_L[:] = bias_H[h]
        for f in range(0, whole, 4):  # four inputs for each load and store of the sums
            w0, w1, w2, w3 = weights_F[f], weights_F[f + 1], weights_F[f + 2], weights_F[f + 3]
            x0, x1, x2, x3 = in_FL[f], in_FL[f + 1], in_FL[f + 2], in_FL[f + 3]
            for lane in range(_LANES):
                four = w0 * x0[lane] + w1 * x1[lane] + w2 * x2[lane] + w3 * x3[lane]
                out_L[lane] += four
        for f in range(whole, n_in):
            for lane in range(_LANES):
                out_L[lane] += weights_F[f] * in_FL[f, lane]
        if rectify:
            for lane in range(_LANES):
                out_L[lane] = max(out_L[lane], np.float32(0.0))


@njit(cache=True, nogil=True)
def _forward(features_PF: Any, first: Any, second: Any, heads: Any) -> Any:  # pragma: no cover
    n_pairs, n_features = features_PF.shape
    in_FL = np.zeros((n_features, _LANES), np.float32)
    first_HL = np.empty((first[0].shape[0], _LANES), np.float32)
    second_HL = np.empty((second[0].shape[0], _LANES), np.float32)
    out_2L = np.empty((2, _LANES), np.float32)
    logits_P2 = np.empty((n_pairs, 2), np.float32)
    for start in range(0, n_pairs, _LANES):
        lanes = min(_LANES, n_pairs - start)
        for lane in range(lanes):
            for f in range(n_features):
                in_FL[f, lane] = features_PF[start + lane, f]
        _layer(first_HL, in_FL, first[0], first[1], True)
        _layer(second_HL, first_HL, second[0], second[1], True)
        _layer(out_2L, second_HL, heads[0], heads[1], False)
        for lane in range(lanes):
            logits_P2[start + lane, 0] = out_2L[0, lane]
            logits_P2[start + lane, 1] = out_2L[1, lane]
    return logits_P2


@njit(cache=True, nogil=True)
def _log_sigmoid(logits: Any) -> Any:  # pragma: no cover
    out = np.empty(logits.size, np.float32)
    for i, x in enumerate(logits.ravel()):
        wide = np.float64(x)
        out[i] = min(wide, 0.0) - np.log1p(np.exp(-abs(wide)))
    return out.reshape(logits.shape)


Layer = tuple[Floats, Floats]  # (H, F) weights and (H,) bias


@dataclass(frozen=True)
class Network:
    """Two hidden layers and two logits, standardisation of the inputs folded into the first.

    Attributes:
        first, second: the hidden layers, rectified.
        heads: (2, H) weights and (2,) bias of the click logit at the top position and of the
            purchase logit given a click.
    """

    first: Layer
    second: Layer
    heads: Layer

    def logits(self, features_PF: Floats) -> Floats:
        """(P, 2) click and purchase logits of P pairs."""
        return np.asarray(_forward(features_PF, self.first, self.second, self.heads))

    def log_probabilities(self, features_PF: Floats) -> Floats:
        """(P, 2) log of click probability at the top, and of purchase given a click."""
        return np.asarray(_log_sigmoid(self.logits(features_PF)))
