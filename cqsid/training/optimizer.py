"""AdamW over a model's parameters, and what a checkpoint keeps of both."""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from simulator.errors import ConfigError

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
