"""A soft prefix: vectors that stand before the tokens of a prompt, in the place of embeddings.

Something beyond words is told to a language model so: what was asked before, or a bag of other
texts, each made one vector of the model's width (after prefix tuning, Li and Liang, ACL 2021, whose
vectors are free parameters; here whoever asks makes them). A prompt holds a padding token in the
place of each vector. Gradients flow to whatever made the vectors.

Axis suffixes: B prompts, M vectors, D model width, T positions, A tokens.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError


@dataclass(frozen=True)
class Prefix:
    """The vectors of B prompts.

    Attributes:
        vectors_BMD: float32; what is behind the vectors of a prompt is not read.
        count_B: vectors of each prompt, 0 to M.

    Raises:
        ContractError: parts of other shapes or kinds, or a count that is none.
    """

    vectors_BMD: Tensor
    count_B: NDArray[np.integer]

    def __post_init__(self) -> None:
        shape = tuple(self.vectors_BMD.shape)
        if len(shape) != 3 or self.vectors_BMD.dtype != torch.float32:
            found = f"{shape} of {self.vectors_BMD.dtype}"
            raise ContractError(f"prefix.vectors_BMD == {found}, must be (B, M, D) of float32")
        if self.count_B.shape != shape[:1]:
            raise ContractError(
                f"prefix.count_B.shape == {self.count_B.shape}, must be {shape[:1]}"
            )
        wrong_B = (self.count_B < 0) | (self.count_B > shape[1])
        if wrong_B.any():
            row = int(wrong_B.argmax())
            found = f"prefix.count_B[{row}] == {self.count_B[row]}"
            raise ContractError(f"{found}, must be 0 to {shape[1]}")

    def __len__(self) -> int:
        return len(self.count_B)

    @property
    def most(self) -> int:
        """M."""
        return int(self.vectors_BMD.shape[1])

    def rows(self, rows: NDArray[Any] | slice) -> "Prefix":
        """Of some of the prompts."""
        at = rows if isinstance(rows, slice) else torch.from_numpy(np.asarray(rows))
        return Prefix(self.vectors_BMD[at], self.count_B[rows])

    def placeholders(self, token: int) -> Ints:
        """(B, M) the token that keeps the place of each vector, -1 where there is none."""
        told_BM = np.arange(self.most) < self.count_B[:, None]
        return np.where(told_BM, token, -1).astype(np.int32)

    def over(self, hidden_BTD: Tensor) -> Tensor:
        """Embedded prompts with the vectors in their places, at the left of each row."""
        self._check_width(hidden_BTD.shape[-1])
        position_T = torch.arange(hidden_BTD.shape[1], device=hidden_BTD.device)
        count_B = torch.from_numpy(self.count_B.astype(np.int64)).to(hidden_BTD.device)
        own_BT1 = (position_T < count_B[:, None])[..., None]
        behind = hidden_BTD.shape[1] - self.most
        wide_BTD = F.pad(self.vectors_BMD.to(hidden_BTD), (0, 0, 0, behind))
        return torch.where(own_BT1, wide_BTD, hidden_BTD)

    def over_packed(self, hidden_AD: Tensor, row_A: Tensor, position_A: Tensor) -> Tensor:
        """The same of prompts whose tokens lie one after another."""
        self._check_width(hidden_AD.shape[-1])
        own_A = position_A < torch.from_numpy(self.count_B.astype(np.int64))[row_A]
        vectors = self.vectors_BMD[row_A[own_A], position_A[own_A]]
        return hidden_AD.index_put((own_A.to(hidden_AD.device),), vectors.to(hidden_AD))

    def bits(self) -> Ints:
        """(B, 1 + M * D) what tells one prefix from another."""
        told_BM1 = (np.arange(self.most) < self.count_B[:, None])[..., None]
        vectors_BMD = np.where(told_BM1, self.vectors_BMD.detach().cpu().numpy(), np.float32(0))
        flat = np.ascontiguousarray(vectors_BMD.reshape(len(self), -1)).view(np.int32)
        return np.hstack([self.count_B.astype(np.int32)[:, None], flat])

    def _check_width(self, width: int) -> None:
        if self.vectors_BMD.shape[2] != width:
            found = f"prefix.vectors_BMD.shape == {tuple(self.vectors_BMD.shape)}"
            raise ContractError(f"{found}, must be (B, M, {width}) as the model is wide")
