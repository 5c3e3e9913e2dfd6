"""The forward pass of a Qwen2 model over prompts, with any mask and explicit positions.

It reads the parameters of a `transformers` Qwen2 model and computes what that model computes; the
library's own forward serves the tests as the oracle. Ours lets beams or samples lie side by side
behind one prompt under a tree mask. Differentiable, if the parameters are.

Axis suffixes: B rows, T positions, S positions attended to, D model width, V tokens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cqsid.generator.prefix import Prefix
from cqsid.kernels.rotary import turned_heads


@dataclass(frozen=True)
class Layer:
    """Parameters of one block; query, key and value in one matrix, gate and up in another."""

    norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor
    out: Tensor
    ffn_norm: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True)
class Weights:
    """Parameters of a Qwen2 model.

    Attributes:
        embedding_VD: one row for each token.
        head_VD: output rows; the same tensor where the model ties them.
        heads, kv_heads: attention heads, and those of keys and values (each serves a group).
        head_size: width of a head.
        rope_theta: base of the rotary frequencies.
        epsilon: of the root mean square norms.
    """

    embedding_VD: Tensor
    head_VD: Tensor
    norm: Tensor
    layers: tuple[Layer, ...]
    heads: int
    kv_heads: int
    head_size: int
    rope_theta: float
    epsilon: float

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter once, by name; tied tables as the embedding alone."""
        tables = {"embedding_VD": self.embedding_VD, "head_VD": self.head_VD, "norm": self.norm}
        if self.head_VD is self.embedding_VD:
            del tables["head_VD"]
        return tables | {
            f"layers.{number}.{name}": tensor
            for number, layer in enumerate(self.layers)
            for name, tensor in vars(layer).items()
        }

    def holding(self, tensors: Mapping[str, Tensor]) -> "Weights":
        """The same model with other parameters, named as by `tensors`."""
        layers = (
            {name: tensors[f"layers.{number}.{name}"] for name in vars(layer)}
            for number, layer in enumerate(self.layers)
        )
        return replace(
            self,
            embedding_VD=tensors["embedding_VD"],
            head_VD=tensors.get("head_VD", tensors["embedding_VD"]),
            norm=tensors["norm"],
            layers=tuple(Layer(**parts) for parts in layers),
        )

    def detached(self) -> "Weights":
        """Copies of the parameters on the CPU, apart from the model and from its gradients."""
        return self.holding({n: each.detach().cpu().clone() for n, each in self.tensors().items()})

    @staticmethod
    def of(model: Any) -> "Weights":
        """The parameters of a `Qwen2ForCausalLM`; gradients flow back to the model."""
        config, core = model.config, model.model
        layers = []
        for block in core.layers:
            attention, mlp = block.self_attn, block.mlp
            parts = (attention.q_proj, attention.k_proj, attention.v_proj)
            layers.append(
                Layer(
                    norm=block.input_layernorm.weight,
                    qkv=torch.cat([part.weight for part in parts]),
                    qkv_bias=torch.cat([part.bias for part in parts]),
                    out=attention.o_proj.weight,
                    ffn_norm=block.post_attention_layernorm.weight,
                    gate_up=torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]),
                    down=mlp.down_proj.weight,
                )
            )
        heads = config.num_attention_heads
        return Weights(
            embedding_VD=core.embed_tokens.weight,
            head_VD=model.lm_head.weight,
            norm=core.norm.weight,
            layers=tuple(layers),
            heads=heads,
            kv_heads=config.num_key_value_heads,
            head_size=getattr(config, "head_dim", None) or config.hidden_size // heads,
            rope_theta=config.rope_parameters["rope_theta"],
            epsilon=config.rms_norm_eps,
        )


Past = list[tuple[Tensor, Tensor]]  # keys and values of each layer, (B, kv heads, S, head size)


def forward(
    weights: Weights,
    hidden_BTD: Tensor,
    position_BT: Tensor,
    mask_BTS: Tensor,
    past: Past | None = None,
    wanted_BN: Tensor | None = None,
    linear: Callable[..., Tensor] = F.linear,
) -> tuple[Tensor, Past]:
    """Run the blocks over T positions of each row.

    Args:
        weights: the model's parameters.
        hidden_BTD: embedded tokens.
        position_BT: position of each token in its own sequence.
        mask_BTS: bool, whether a token attends to each of the past and the T positions; every
            row must attend to something.
        past: keys and values of earlier positions.
        wanted_BN: int64, which of the T positions are read afterwards; the last block skips the
            work for the others. None: all.
        linear: multiplies rows with a matrix, as `torch.nn.functional.linear` does.

    Returns:
        (B, T or N, D) output after the last norm, and keys and values of all S positions.
    """
    cos_BTH, sin_BTH = _rotary(weights, position_BT, hidden_BTD.dtype)
    mask_B1TS, kept = mask_BTS[:, None], []
    for number, layer in enumerate(weights.layers):
        normed_BTD = _rms_norm(hidden_BTD, layer.norm, weights.epsilon)
        packed_BTQ = linear(normed_BTD, layer.qkv, layer.qkv_bias)
        heads = (weights.heads, weights.kv_heads)
        query, key, value = turned_heads(packed_BTQ, cos_BTH, sin_BTH, heads)
        if past is not None:
            key = torch.cat([past[number][0], key], dim=2)
            value = torch.cat([past[number][1], value], dim=2)
        kept.append((key, value))
        if wanted_BN is not None and number == len(weights.layers) - 1:
            hidden_BTD = _picked(hidden_BTD, wanted_BN)
            query, mask_B1TS = _picked(query, wanted_BN), _picked(mask_B1TS, wanted_BN)
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask_B1TS, enable_gqa=weights.heads != weights.kv_heads
        )
        mixed_BTD = mixed.transpose(1, 2).flatten(2)
        hidden_BTD = hidden_BTD + linear(mixed_BTD, layer.out)
        normed_BTD = _rms_norm(hidden_BTD, layer.ffn_norm, weights.epsilon)
        gate, up = linear(normed_BTD, layer.gate_up).chunk(2, dim=-1)
        hidden_BTD = hidden_BTD + linear(F.silu(gate) * up, layer.down)
    return _rms_norm(hidden_BTD, weights.norm, weights.epsilon), kept


def embed(weights: Weights, tokens_BT: Tensor, prefix: Prefix | None = None) -> Tensor:
    """(B, T, D) rows of the embedding table; a prefix in the place of the first ones."""
    hidden_BTD = F.embedding(tokens_BT, weights.embedding_VD)
    return hidden_BTD if prefix is None else prefix.over(hidden_BTD)


def _picked(rows: Tensor, wanted_BN: Tensor) -> Tensor:
    """Some of the T positions: (B, T, D) to (B, N, D), or (B, heads, T, S) to (B, heads, N, S)."""
    at = wanted_BN[:, None, :, None] if rows.ndim == 4 else wanted_BN[:, :, None]
    shape = (len(wanted_BN), *rows.shape[1:-2], wanted_BN.shape[1], rows.shape[-1])
    return rows.expand(len(wanted_BN), *rows.shape[1:]).gather(-2, at.expand(shape))


def _rms_norm(hidden: Tensor, scale: Tensor, epsilon: float) -> Tensor:
    return F.rms_norm(hidden, scale.shape, scale, epsilon)


def rotary_angle(position: Tensor, head_size: int, theta: float) -> Tensor:
    """(..., half a head) angles of the rotary embedding at some positions (Su et al., 2021)."""
    half = torch.arange(0, head_size, 2, device=position.device) / head_size
    return position[..., None].float() * theta**-half


def _rotary(weights: Weights, position_BT: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(B, T, head size) cosines and sines."""
    angle = rotary_angle(position_BT, weights.head_size, weights.rope_theta)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos().to(dtype), angle.sin().to(dtype)
