"""The generator's language model: made, saved and loaded again.

A Qwen2 (Yang et al., 2024) of `transformers`, small and from scratch unless a checkpoint is given.
Importing that library takes seconds and a hundred megabytes, so only these functions do.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from cqsid.generator.checkpoints import CONFIG, TOKENIZER, WEIGHTS, architecture, quiet
from cqsid.generator.settings import ModelSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from simulator.errors import ConfigError, DataError

_FAMILY: Final = "qwen2"
_VOCABULARY, _SUBWORDS = "vocabulary.json", "tokenizer.json"
_PLACE: Final = "model.backbone"


def backbone_subwords(spec: ModelSpec) -> Subwords | None:
    """The subword units of the backbone; None where there is no backbone.

    Raises:
        ConfigError: the folder holds no Qwen2 checkpoint with a tokenizer.
    """
    if spec.backbone is None:
        return None
    folder = Path(spec.backbone)
    _require_qwen2(folder, _PLACE)
    try:
        return Subwords.load(folder / TOKENIZER)
    except DataError as error:
        raise ConfigError(f"{_PLACE}: {error}") from error


def build_model(spec: ModelSpec, vocabulary: Vocabulary, *, seed: int) -> Any:
    """A `Qwen2ForCausalLM` over a vocabulary, on the CPU in float32.

    Neither reads nor moves torch's global random state: the same seed gives the same weights.

    Raises:
        ConfigError: the backbone is no Qwen2 checkpoint, or has too few tokens for `vocabulary`.
    """
    if spec.backbone is not None:
        return _grown(_pretrained(Path(spec.backbone), _PLACE), vocabulary, seed)
    return _blank(
        seed,
        vocab_size=len(vocabulary),
        hidden_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv_heads,
        intermediate_size=spec.ffn,
        tie_word_embeddings=spec.tie_embeddings,
    )


def _blank(seed: int, head_size: int | None = None, **shape: Any) -> Any:
    """A model of random weights."""
    with quiet(), torch.random.fork_rng(devices=[]):
        from transformers import Qwen2Config, Qwen2ForCausalLM

        torch.default_generator.manual_seed(seed)
        config = Qwen2Config(attention_dropout=0.0, dtype="float32", **shape)
        if head_size is not None:
            config.head_dim = head_size  # no argument of this class, but read by its models
        model: Any = Qwen2ForCausalLM(config)
        return model.eval()


def model_of(weights: Weights) -> Any:
    """A `Qwen2ForCausalLM` with these parameters: the inverse of `Weights.of`."""
    model = _blank(
        0,
        weights.head_size,
        vocab_size=len(weights.embedding_VD),
        hidden_size=weights.embedding_VD.shape[1],
        num_hidden_layers=len(weights.layers),
        num_attention_heads=weights.heads,
        num_key_value_heads=weights.kv_heads,
        intermediate_size=weights.layers[0].down.shape[1],
        rms_norm_eps=weights.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": weights.rope_theta},
        tie_word_embeddings=weights.head_VD is weights.embedding_VD,
    )
    model.load_state_dict(dict(_named(weights)))
    return model


def _named(weights: Weights) -> Iterator[tuple[str, Tensor]]:
    """The parameters under the names of `transformers`; joined matrices taken apart."""
    sizes = [weights.heads * weights.head_size, *[weights.kv_heads * weights.head_size] * 2]
    yield "model.embed_tokens.weight", weights.embedding_VD
    yield "model.norm.weight", weights.norm
    yield "lm_head.weight", weights.head_VD
    for number, layer in enumerate(weights.layers):
        block = f"model.layers.{number}"
        for part, matrix, bias in zip(
            "qkv", torch.split(layer.qkv, sizes), torch.split(layer.qkv_bias, sizes), strict=True
        ):
            yield f"{block}.self_attn.{part}_proj.weight", matrix
            yield f"{block}.self_attn.{part}_proj.bias", bias
        gate, up = layer.gate_up.chunk(2)
        yield f"{block}.self_attn.o_proj.weight", layer.out
        yield f"{block}.input_layernorm.weight", layer.norm
        yield f"{block}.post_attention_layernorm.weight", layer.ffn_norm
        yield f"{block}.mlp.gate_proj.weight", gate
        yield f"{block}.mlp.up_proj.weight", up
        yield f"{block}.mlp.down_proj.weight", layer.down


@dataclass(frozen=True)
class Generator:
    """A generator as it lies in a folder: the language model, its tokens and its subword units."""

    model: Any
    vocabulary: Vocabulary
    subwords: Subwords


def save_generator(folder: Path, model: Any, vocabulary: Vocabulary, subwords: Subwords) -> None:
    """Write config and weights in the layout of `transformers`, the vocabulary and the units."""
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.save_pretrained(folder)
    (folder / _VOCABULARY).write_text(json.dumps(asdict(vocabulary)), encoding="utf-8")
    subwords.save(folder / _SUBWORDS)


def load_generator(folder: Path, vocabulary: Vocabulary | None = None) -> Generator:
    """Read what `save_generator` wrote.

    Args:
        folder: where it is.
        vocabulary: what the generator must speak; anything where None.

    Raises:
        DataError: a part is missing, cut short or at odds with the others, or the generator
            speaks another vocabulary.
    """
    stored = _stored_vocabulary(folder / _VOCABULARY)
    if vocabulary is not None and stored != vocabulary:
        raise DataError(f"{folder}: vocabulary == {stored}, must be {vocabulary}")
    subwords = Subwords.load(folder / _SUBWORDS)
    if len(subwords) != stored.subwords:
        raise DataError(f"{folder}: subwords == {len(subwords)}, must be {stored.subwords}")
    try:
        model = _pretrained(folder, str(folder))
    except ConfigError as error:
        raise DataError(str(error)) from error
    if len(model.model.embed_tokens.weight) != len(stored):
        found = len(model.model.embed_tokens.weight)
        raise DataError(f"{folder}: tokens of the model == {found}, must be {len(stored)}")
    return Generator(model, stored, subwords)


def _stored_vocabulary(path: Path) -> Vocabulary:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Vocabulary(int(stored["subwords"]), tuple(int(size) for size in stored["sizes"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} == unreadable ({error}), must be a vocabulary") from error


def _require_qwen2(folder: Path, place: str) -> None:
    """Refuse what `cqsid.generator.transformer` would compute wrongly."""
    config = architecture(folder, place)
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    found = {
        "model_type": config.get("model_type"),
        "hidden_act": config.get("hidden_act", "silu"),
        "rope_type": rope.get("rope_type", rope.get("type", "default")),
    }
    wanted = {"model_type": _FAMILY, "hidden_act": "silu", "rope_type": "default"}
    for name, value in found.items():
        if value != wanted[name]:
            raise ConfigError(f"{place}: {CONFIG} {name} == {value!r}, must be {wanted[name]!r}")


def _pretrained(folder: Path, place: str) -> Any:
    _require_qwen2(folder, place)
    with quiet(), torch.random.fork_rng(devices=[]):
        from transformers import Qwen2ForCausalLM

        try:
            loaded: Any = Qwen2ForCausalLM.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
        except Exception as error:  # whatever the library meets in a damaged folder
            raise ConfigError(f"{place} == unreadable ({error}), must be a Qwen2 model") from error
    model, report = loaded
    missing = sorted(report["missing_keys"])
    if missing:
        raise ConfigError(f"{place}: weights lack {missing[:3]}, must have all of {WEIGHTS[0]}")
    return model.eval()


def _grown(model: Any, vocabulary: Vocabulary, seed: int) -> Any:
    """The same model over our vocabulary; rows that are not its subwords' are drawn afresh."""
    rows = len(model.model.embed_tokens.weight)
    if rows < vocabulary.subwords:
        raise ConfigError(f"{_PLACE}: tokens == {rows}, must be >= {vocabulary.subwords}")
    with quiet(), torch.random.fork_rng(devices=[]):
        model.resize_token_embeddings(len(vocabulary), mean_resizing=False)
    generator = torch.Generator().manual_seed(seed)
    embedding, head = model.model.embed_tokens.weight, model.lm_head.weight
    for table_VD in (embedding,) if head is embedding else (embedding, head):
        _draw_like(table_VD, vocabulary.subwords, generator)
    return model


def _draw_like(table_VD: Tensor, known: int, generator: torch.Generator) -> None:
    """Fill the rows from `known` on from a normal of the first rows' mean and spread."""
    with torch.no_grad():
        spread_D, mean_D = torch.std_mean(table_VD[:known], dim=0, correction=0)
        noise_ND = torch.randn(len(table_VD) - known, table_VD.shape[1], generator=generator)
        table_VD[known:] = mean_D + spread_D * noise_ND
