"""The encoder and decoder around a quantizer: one hidden layer each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recall.device import one_thread

Doubles = NDArray[np.float64]
_ROWS: Final = 256  # of every product in serving


class Autoencoder(nn.Module):
    """D dimensions to a latent vector and back, with a hidden layer of ReLUs on either side."""

    def __init__(self, dims: int, hidden: int, latent: int, generator: torch.Generator) -> None:
        super().__init__()
        self.encoder = _perceptron((dims, hidden, latent), generator)
        self.decoder = _perceptron((latent, hidden, dims), generator)

    def forward(self, vector_ND: Tensor) -> Tensor:
        """(N, D) vectors, through the latent space and back, without a quantizer."""
        restored_ND: Tensor = self.decoder(self.encoder(vector_ND))
        return restored_ND


def _perceptron(widths: tuple[int, int, int], generator: torch.Generator) -> nn.Sequential:
    """A hidden layer that keeps the variance of its input (He et al., 2015)."""
    into, out = nn.Linear(widths[0], widths[1]), nn.Linear(widths[1], widths[2])
    with torch.no_grad():
        into.weight.normal_(0.0, (2.0 / widths[0]) ** 0.5, generator=generator)
        out.weight.normal_(0.0, widths[1] ** -0.5, generator=generator)
        into.bias.zero_()
        out.bias.zero_()
    return nn.Sequential(into, nn.ReLU(), out)


@dataclass(frozen=True)
class Perceptron:
    """Trained layers as arrays of float64: serving and pickling need no module."""

    into_HD: Doubles
    into_H: Doubles
    out_DH: Doubles
    out_D: Doubles

    @staticmethod
    def of(layers: nn.Module) -> "Perceptron":
        """A copy of a trained encoder or decoder."""
        return Perceptron(*(p.detach().cpu().double().numpy().copy() for p in layers.parameters()))

    def __call__(self, vector_ND: NDArray[Any]) -> Doubles:
        """(N, E) the layers' output for N vectors, each a function of its vector alone."""
        into_HD, into_H, out_DH, out_D = (
            torch.from_numpy(array)
            for array in (self.into_HD, self.into_H, self.out_DH, self.out_D)
        )

        def block(rows_ND: Tensor) -> Tensor:
            return F.linear(F.relu(F.linear(rows_ND, into_HD, into_H)), out_DH, out_D)

        return cast("Doubles", in_blocks(block, vector_ND.astype(np.float64)))


def in_blocks(function: Callable[[Tensor], Tensor], rows_ND: Doubles) -> NDArray[Any]:
    """Apply a function of rows to blocks of one height, the last one filled up with zeros.

    A matrix product may sum in another order when it has other shapes or threads; here it has
    always the same, so that a row's result does not depend on the other rows.
    """
    found = []
    with one_thread(), torch.no_grad():
        for start in range(0, max(len(rows_ND), 1), _ROWS):
            part = torch.from_numpy(rows_ND[start : start + _ROWS])
            block = F.pad(part, (0, 0, 0, _ROWS - len(part)))
            found.append(function(block)[: len(part)])
    return torch.cat(found).numpy()
