"""An aligned generator on disk: its parameters alone.

All else that serves (texts, ids, prompts, the sizes of the model) is the supervised system's, from
which the alignment started, so that a grid of policies does not store it again and again.
"""

from dataclasses import fields, replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cqsid.transformer import Layer, Weights
from simulator.errors import DataError

_TABLES = ("embedding_VD", "head_VD", "norm")


def save_weights(path: Path, weights: Weights) -> None:
    """Write the parameters of a generator; a tied table once."""
    parameters = _parameters(weights)
    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in parameters.items()}, path
    )


def load_weights(path: Path, base: Weights) -> Weights:
    """Read what `save_weights` wrote.

    Args:
        path: the file.
        base: weights of the system that the alignment started from; only their shapes are read.

    Raises:
        DataError: no such file, one that is not whole, or parameters of another model.
    """
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path} == unreadable ({error}), must be weights") from error
    wanted = {name: tuple(tensor.shape) for name, tensor in _parameters(base).items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    if shapes != wanted:
        odd = sorted(name for name in shapes | wanted if shapes.get(name) != wanted.get(name))[0]
        raise DataError(
            f"{path}: {odd} == {shapes.get(odd, 'missing')}, "
            f"must be {wanted.get(odd, 'left out')} as in the system that was aligned"
        )
    embedding_VD = found["embedding_VD"]
    return replace(
        base,
        embedding_VD=embedding_VD,
        head_VD=found.get("head_VD", embedding_VD),
        norm=found["norm"],
        layers=tuple(
            Layer(**{each.name: found[f"layers.{number}.{each.name}"] for each in fields(Layer)})
            for number in range(len(base.layers))
        ),
    )


def _parameters(weights: Weights) -> dict[str, Tensor]:
    """Every tensor once, by name."""
    tied = weights.head_VD is weights.embedding_VD
    tables = {name: getattr(weights, name) for name in _TABLES if not (tied and name == "head_VD")}
    return tables | {
        f"layers.{number}.{each.name}": getattr(layer, each.name)
        for number, layer in enumerate(weights.layers)
        for each in fields(Layer)
    }
