"""What a training goes on from: the optimiser's state, and checkpoints of one file each."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from simulator.atomic import replacing
from simulator.errors import ConfigError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A file that continues one training and no other.

    Attributes:
        path: where it is.
        fingerprint: of all that the training's result depends on. A file with another one is
            ignored, and overwritten by the next save.
    """

    path: Path
    fingerprint: str

    def save(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write the file. Whoever is killed meanwhile leaves the one before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        metadata = {"fingerprint": self.fingerprint, "facts": json.dumps(facts)}
        metadata["digest"] = _digest(whole, metadata["facts"])
        with replacing(self.path) as path:
            save_file(whole, path, metadata)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors on the CPU and facts; None where there is no such file, or one of no use."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as stored:
                metadata = stored.metadata()
                if metadata["fingerprint"] != self.fingerprint:
                    _log.warning("%s belongs to another training: starting anew", self.path)
                    return None
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
                if metadata["digest"] != _digest(tensors, metadata["facts"]):
                    _log.warning("%s has changed since it was written: starting anew", self.path)
                    return None
                return tensors, json.loads(metadata["facts"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            _log.warning("%s is unreadable (%s): starting anew", self.path, error)
            return None


def fingerprint(texts: Iterable[str], arrays: Iterable[NDArray[Any]]) -> str:
    """A digest of settings and data: types, shapes and values."""
    digest = blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _digest(tensors: Mapping[str, Tensor], facts: str) -> str:
    """A digest of a checkpoint's content."""
    names = sorted(tensors)
    kinds = (f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}" for name in names)
    flat = (tensors[name].detach().cpu().reshape(-1).view(torch.uint8) for name in names)
    return fingerprint([facts, *kinds], (each.numpy() for each in flat))


_STATE: Final = ("step", "exp_avg", "exp_avg_sq")


class Optimizer:
    """Changes a model in place.

    Args:
        model: a `Qwen2ForCausalLM`, on the device of the training.
        learning_rate, weight_decay: of AdamW.
        clip: greatest norm of the gradient.

    Attributes:
        parameters: of the model, by name.
    """

    def __init__(
        self, model: Any, *, learning_rate: float, weight_decay: float, clip: float
    ) -> None:
        self.parameters: dict[str, Tensor] = dict(model.named_parameters())
        self._rate, self._clip, every = learning_rate, clip, self.parameters.values()
        self._adam = torch.optim.AdamW(
            every, lr=learning_rate, weight_decay=weight_decay, fused=True
        )

    def step(self, loss: Tensor, number: int, share: float) -> float:
        """Go down the gradient of a loss; the norm of the gradient before clipping.

        Args:
            loss: a scalar.
            number: of the step, from 1.
            share: of the learning rate.

        Raises:
            ConfigError: the loss is not finite.
        """
        if not torch.isfinite(loss):
            raise self.too_fast(f"loss == {loss.item()}", number)
        for group in self._adam.param_groups:
            group["lr"] = self._rate * share
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self._clip)
        self._adam.step()
        return float(norm)

    def too_fast(self, place: str, number: int) -> ConfigError:
        """The error of a step after which something is no longer finite."""
        return ConfigError(
            f"{place} at step {number} with learning_rate == {self._rate}, "
            "must be finite: the rate is too high"
        )

    def copy(self) -> dict[str, Tensor]:
        """The parameters as they are now."""
        return {name: each.detach().clone() for name, each in self.parameters.items()}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Set the parameters."""
        for name, parameter in self.parameters.items():
            parameter.copy_(tensors[name])

    def state(self) -> dict[str, Tensor]:
        """Parameters and AdamW's averages, for a checkpoint."""
        tensors = {f"model.{name}": each.detach() for name, each in self.parameters.items()}
        for name, parameter in self.parameters.items():
            own = self._adam.state.get(parameter, {})
            tensors |= {f"{kind}.{name}": value for kind, value in own.items()}
        return tensors

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a checkpoint's state."""
        self.restore({name: tensors[f"model.{name}"] for name in self.parameters})
        for name, parameter in self.parameters.items():
            self._adam.state[parameter] = {
                kind: tensors[f"{kind}.{name}"].to(parameter.device)
                for kind in _STATE
                if f"{kind}.{name}" in tensors
            }


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, without the prefix."""
    return {n.removeprefix(prefix): each for n, each in tensors.items() if n.startswith(prefix)}
