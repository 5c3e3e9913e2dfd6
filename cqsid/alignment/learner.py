"""The policy with its optimiser: one step of learning from a rollout batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cqsid.alignment.objective.objective import Loss, Tokens, loss
from cqsid.alignment.policy import Scores, log_probabilities
from cqsid.alignment.rollout import Batch, Roller, Rollout
from cqsid.alignment.sampling import NotFinite
from cqsid.alignment.settings import AlignmentSpec
from cqsid.generator.model import model_of
from cqsid.generator.transformer import Weights
from simulator.errors import ConfigError

_OPTIMIZER_STATE = ("step", "exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Update:
    """What one rollout batch did.

    Attributes:
        rollout: its groups.
        scores: probabilities of its codes under the policy, before the last optimiser step.
        reference: the same under the supervised model.
        loss: of the last optimiser step.
        gradient: its norm before clipping.
    """

    rollout: Rollout
    scores: Scores
    reference: Scores
    loss: Loss
    gradient: float


class Learner:
    """A policy that learns from rollouts.

    Args:
        spec: rates and numbers of steps.
        roller: makes rollouts by the algorithm.
        weights: of the supervised model: where the policy starts, and what it is held to.
        device: where to compute; on an accelerator products are in bfloat16.

    Attributes:
        parameters: of the policy, by name.
    """

    def __init__(
        self, spec: AlignmentSpec, roller: Roller, weights: Weights, device: torch.device
    ) -> None:
        self.spec, self.roller, self.device = spec, roller, device
        self._model: Any = model_of(weights).to(device)
        self._reference = Weights.of(model_of(weights).to(device))
        self.parameters: dict[str, Tensor] = dict(self._model.named_parameters())
        self._optimizer = torch.optim.AdamW(
            self.parameters.values(),
            lr=spec.learning_rate,
            weight_decay=spec.weight_decay,
            fused=True,
        )

    @property
    def weights(self) -> Weights:
        """The policy as it is now, on the CPU."""
        return Weights.of(self._model).detached()

    def step(self, batch: Batch, number: int, rng: np.random.Generator) -> Update:
        """Generate for a batch of requests, and learn from what that was worth.

        Args:
            batch: the requests.
            number: steps taken before.
            rng: the luck of samples and experts.

        Raises:
            ConfigError: the loss is no longer finite.
        """
        weights = Weights.of(self._model)
        with torch.no_grad(), self._precision():
            try:
                rollout = self.roller(weights, batch, rng)
            except NotFinite as error:
                raise self._too_fast("logits", number) from error
            reference = self._scores(self._reference, batch, rollout)
            old = self._scores(weights, batch, rollout) if self.spec.updates > 1 else None
        for _ in range(self.spec.updates):
            with self._precision():
                scores = self._scores(Weights.of(self._model), batch, rollout)
            found = self._loss(rollout, scores, old or scores, reference)
            gradient = self._learn(found, number)
        return Update(rollout, scores, reference, found, gradient)

    def _scores(self, weights: Weights, batch: Batch, rollout: Rollout) -> Scores:
        roller = self.roller
        return log_probabilities(
            weights,
            roller.vocabulary,
            batch.prompts,
            rollout.group.samples.codes_BGL,
            softmax=roller.softmax,
            trie=roller.trie if roller.spec.policy == "legal" else None,
        )

    def _loss(self, rollout: Rollout, scores: Scores, old: Scores, reference: Scores) -> Loss:
        group = rollout.group
        columns = (
            *(group.samples.codes_BGL, group.expert_BG, group.valid_BG, group.free_BGL),
            *(group.propensity_BG, rollout.total_BG),
        )
        tokens = Tokens(
            scores.logp_BGL,
            old.logp_BGL.detach(),
            reference.logp_BGL,
            *(torch.from_numpy(column).to(self.device) for column in columns),
        )
        return loss(self.roller.spec, tokens, rollout.advantage_BGL.to(self.device))

    def _learn(self, found: Loss, number: int) -> float:
        """One step of the optimiser; the norm of the gradient before clipping."""
        spec = self.spec
        if not torch.isfinite(found.total):
            raise self._too_fast(f"loss == {found.total.item()}", number)
        for part in self._optimizer.param_groups:
            part["lr"] = spec.learning_rate * min((number + 1) / max(spec.warmup, 1), 1.0)
        self._optimizer.zero_grad()
        found.total.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), spec.clip)
        self._optimizer.step()
        return float(norm)

    def _too_fast(self, place: str, number: int) -> ConfigError:
        return ConfigError(
            f"{place} at step {number + 1} with learning_rate == {self.spec.learning_rate}, "
            "must be finite: the rate is too high"
        )

    def _precision(self) -> torch.autocast:
        device = self.device.type
        return torch.autocast(device, torch.bfloat16, enabled=device == "cuda")

    def copy(self) -> dict[str, Tensor]:
        """The parameters as they are now."""
        return {name: each.detach().clone() for name, each in self.parameters.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Set the parameters."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[name])

    def state(self) -> dict[str, Tensor]:
        """Parameters and optimiser, for a checkpoint."""
        tensors = {f"model.{name}": each.detach() for name, each in self.parameters.items()}
        for name, parameter in self.parameters.items():
            own = self._optimizer.state.get(parameter, {})
            tensors |= {f"{kind}.{name}": value for kind, value in own.items()}
        return tensors

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a checkpoint's state."""
        self.restore({name: tensors[f"model.{name}"] for name in self.parameters})
        for name, parameter in self.parameters.items():
            self._optimizer.state[parameter] = {
                kind: tensors[f"{kind}.{name}"].to(self.device)
                for kind in _OPTIMIZER_STATE
                if f"{kind}.{name}" in tensors
            }
