"""Root mean square norms (Zhang and Sennrich, 2019): numba on a CPU, torch elsewhere."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cqsid.kernels.lanes import LANES, compiled, fused, load, multiply, spread, store, total


def normed(hidden_AD: Tensor, scale_D: Tensor, epsilon: float) -> Tensor:
    """(A, D) each row over its root mean square, times the scale; float32, contiguous."""
    if hidden_AD.device.type != "cpu":
        return F.rms_norm(hidden_AD, scale_D.shape, scale_D, epsilon)
    found_AD = torch.empty_like(hidden_AD)
    _norm(hidden_AD.numpy(), scale_D.numpy(), np.float32(epsilon), found_AD.numpy())
    return found_AD


@compiled
def _norm(hidden_AD: Any, scale_D: Any, epsilon: Any, found_AD: Any) -> None:  # pragma: no cover
    size = len(scale_D)
    for a in range(len(hidden_AD)):
        row, found, squares = hidden_AD[a], found_AD[a], spread(np.float32(0.0))
        for d in range(0, size, LANES):
            part = load(row, d, size - d)
            squares = fused(part, part, squares)
        mean = total(squares) / np.float32(size)
        share = spread(np.float32(1.0) / np.sqrt(mean + epsilon))
        for d in range(0, size, LANES):
            value = multiply(multiply(load(row, d, size - d), share), load(scale_D, d, size - d))
            store(found, d, size - d, value)
