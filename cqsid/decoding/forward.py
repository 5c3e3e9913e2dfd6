"""The forward pass that serves: prompts are read once, then branches grow behind them.

All tokens of a batch lie packed one after another, whatever prompt or branch they belong to.
Products see one tall matrix, attention finds each token's own places (see
`cqsid.kernels.attention`), and a row's result has the same bits in any company. Computes what
`cqsid.generator.transformer.forward` does.

Axis suffixes: A tokens, D model width, R prompts, E ancestors, S places, H heads, G key heads and
value heads, J half a head, V id codes, Q packed width of query, key and value.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Layer, Weights, rotary_angle
from cqsid.kernels.attention import Tokens, attend, remember
from cqsid.kernels.matmul import Product, whole
from cqsid.kernels.norms import normed
from simulator.errors import DataError

Rows = NDArray[np.int64]
_LEARNT: Final = 32 * 2**20 - 2**14  # bytes, just below the greatest block glibc learns from


class Block:
    """One layer's matrices, laid out for serving."""

    def __init__(self, layer: Layer) -> None:
        gate, up = layer.gate_up.chunk(2)
        self.norm, self.ffn_norm = _copy(layer.norm), _copy(layer.ffn_norm)
        self.qkv = Product(layer.qkv, layer.qkv_bias)
        self.out, self.down = Product(layer.out), Product(layer.down)
        self.gate, self.up = Product(gate), Product(up)


@dataclass
class Grown:
    """What has been computed behind R prompts.

    Attributes:
        pools_SGH: for each layer the keys and values of all places so far.
        start_R, stop_R: places of each prompt.
        turn_PJ: cosines and sines of each position.
        places: how many places are filled.
    """

    pools_SGH: list[Tensor]
    start_R: Tensor
    stop_R: Tensor
    turn_PJ: tuple[Tensor, Tensor]
    places: int = 0


class Branches:
    """A model laid out to grow id codes behind prompts; float32, without gradients.

    Raises:
        DataError: a weight is not finite.
    """

    def __init__(self, weights: Weights, first_code: int) -> None:
        """Take the weights as they are now; tokens from `first_code` on are id codes."""
        self._key_heads, self._size = weights.kv_heads, weights.head_size
        self._theta, self._epsilon = weights.rope_theta, weights.epsilon
        self._embedding_VD, self._norm = _copy(weights.embedding_VD), _copy(weights.norm)
        self._blocks = [Block(layer) for layer in weights.layers]
        _check_finite(weights)
        self._code_VD = self._embedding_VD[first_code:]
        first = self._blocks[0]  # its packed rows of a code are the same wherever the code stands
        self._code_VQ = first.qkv(self._normed(self._code_VD, first.norm))

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self._embedding_VD.device

    def read(self, prompts: Prompts, room: int, depth: int) -> tuple[Tensor, Grown]:
        """Run the prompts.

        Args:
            prompts: R prompts, packed here without their padding.
            room: how many codes will be grown behind them at most, all together.
            depth: how many codes a branch will have at most.

        Returns:
            (R, D) output at the last token of each prompt, and what `grow` goes on from.
        """
        _keep_pages()
        length_R = torch.from_numpy(prompts.length_B)
        held_RT = torch.arange(prompts.tokens_BT.shape[1]) < length_R[:, None]
        row_A, position_A = held_RT.nonzero(as_tuple=True)
        tokens_A = torch.from_numpy(prompts.tokens_BT)[row_A, position_A].long().to(self.device)
        stop_R = length_R.cumsum(0)
        grown = self._empty(stop_R - length_R, stop_R, int(length_R.max()) + depth, room)
        hidden_AD = self._embedding_VD[tokens_A]
        if prompts.prefix is not None:
            hidden_AD = prompts.prefix.over_packed(hidden_AD, row_A, position_A)
        where = (row_A.to(self.device), position_A.to(self.device))
        path_AE = torch.empty((len(row_A), 0), dtype=torch.int64, device=self.device)
        hidden_RD = self._run(grown, hidden_AD, None, where, path_AE, prefill=True)
        grown.places = len(row_A)
        return hidden_RD, grown

    def grow(
        self, grown: Grown, row_A: Rows, path_AE: Rows, code_A: Rows, *, keep: bool = True
    ) -> tuple[Tensor, Rows]:
        """Put one code at the end of each of A branches; a prompt's branches are neighbours.

        Args:
            grown: what was computed before; it takes up the new places.
            row_A: prompt of each branch, ascending.
            path_AE: places of its codes so far.
            code_A: the new code, counted from the first level's code 0.
            keep: whether more codes may follow; if not, the next call takes the same places.

        Returns:
            (A, D) output at the new codes, and (A,) their places.
        """
        row, path, code = (
            torch.from_numpy(each).to(self.device) for each in (row_A, path_AE, code_A)
        )
        place = torch.arange(grown.places, grown.places + len(row), device=self.device)
        position = grown.stop_R[row] - grown.start_R[row] + path.shape[1]
        path = torch.cat([path, place[:, None]], dim=1)
        hidden_AD = self._run(grown, self._code_VD[code], code, (row, position), path)
        grown.places += len(row) if keep else 0
        return hidden_AD, place.cpu().numpy()

    def _empty(self, start_R: Tensor, stop_R: Tensor, positions: int, room: int) -> Grown:
        places = (int(stop_R[-1]) + room, 2 * self._key_heads, self._size)
        pools = [torch.empty(places, device=self.device) for _ in self._blocks]
        position_P = torch.arange(positions, device=self.device)
        angle_PJ = rotary_angle(position_P, self._size, self._theta)
        turn_PJ = (angle_PJ.cos(), angle_PJ.sin())
        return Grown(pools, start_R.to(self.device), stop_R.to(self.device), turn_PJ)

    def _run(
        self,
        grown: Grown,
        hidden_AD: Tensor,
        code_A: Tensor | None,
        where: tuple[Tensor, Tensor],
        path_AE: Tensor,
        prefill: bool = False,
    ) -> Tensor:
        """All layers; a prefill goes through the last one with the last token of each prompt."""
        (row_A, position_A), new = where, slice(grown.places, grown.places + len(hidden_AD))
        start_A = grown.start_R[row_A]
        stop_A = start_A + position_A + 1 if prefill else grown.stop_R[row_A]
        every_A = torch.arange(len(hidden_AD), device=self.device)
        hidden_AD = whole(hidden_AD)
        for number, block in enumerate(self._blocks):
            packed_VQ, take_A, pool = self._code_VQ, code_A, grown.pools_SGH[number]
            if number or take_A is None:
                packed_VQ = block.qkv(self._normed(hidden_AD, block.norm))
                take_A = every_A
            tokens = Tokens(packed_VQ, take_A, position_A, grown.turn_PJ)
            remember(tokens, pool[new])
            if prefill and block is self._blocks[-1]:
                last_R = grown.stop_R - 1
                hidden_AD, tokens = whole(hidden_AD[last_R]), tokens.only(last_R)
                start_A, stop_A, path_AE = start_A[last_R], stop_A[last_R], path_AE[last_R]
            mixed_AD = whole(attend(tokens, pool, start_A, stop_A, path_AE))
            hidden_AD = self._feed(block, block.out.plus(mixed_AD, hidden_AD))
        return self._normed(hidden_AD[: len(start_A)], self._norm)

    def _feed(self, block: Block, hidden_AD: Tensor) -> Tensor:
        normed_AD = self._normed(hidden_AD, block.ffn_norm)
        gated = block.up.times(normed_AD, block.gate(normed_AD, silu=True))
        return block.down.plus(gated, hidden_AD)

    def _normed(self, hidden_AD: Tensor, scale_D: Tensor) -> Tensor:
        return normed(hidden_AD, scale_D, self._epsilon)


@cache
def _keep_pages() -> None:
    """Have glibc keep freed blocks of megabytes: fresh pages cost a tenth of a search's time.

    It hands blocks back to the system until one of their size has been freed.
    """
    torch.empty(_LEARNT, dtype=torch.uint8)


def _copy(parameter: Tensor) -> Tensor:
    return parameter.detach().float().clone()


def _check_finite(weights: Weights) -> None:
    for name, tensor in weights.tensors().items():
        # A sum is only finite if all is, and many times cheaper than to ask of each.
        if not bool(torch.isfinite(tensor.sum())) and not bool(torch.isfinite(tensor).all()):
            raise DataError(f"weights.{name} == NaN or infinite in places, must be finite")
