"""The policy with its optimiser: one step of learning from a rollout batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cqsid.alignment.objective.advantages import tied_B
from cqsid.alignment.objective.losses import Tokens
from cqsid.alignment.objective.objective import Loss, loss
from cqsid.alignment.policy import Scores, log_probabilities
from cqsid.alignment.rollout import Batch, Roller, Rollout
from cqsid.alignment.sampling import NotFinite
from cqsid.alignment.settings import AlignmentSpec
from cqsid.generator.model import model_of
from cqsid.generator.transformer import Weights
from cqsid.training.checkpoint import Optimizer


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
        optimizer: of the policy's parameters.
    """

    def __init__(
        self, spec: AlignmentSpec, roller: Roller[Any], weights: Weights, device: torch.device
    ) -> None:
        self.spec, self.roller, self.device = spec, roller, device
        self._model: Any = model_of(weights).to(device)
        self._reference = Weights.of(model_of(weights).to(device))
        self._start = weights.tensors()
        self.optimizer = Optimizer(
            self._model,
            learning_rate=spec.learning_rate,
            weight_decay=spec.weight_decay,
            clip=spec.clip,
        )

    @property
    def weights(self) -> Weights:
        """The policy as it is now, on the CPU."""
        return Weights.of(self._model).detached()

    def step(self, batch: Batch[Any], number: int, rng: np.random.Generator) -> Update:
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
                raise self.optimizer.too_fast("logits", number + 1) from error
            reference = self._scores(self._reference, batch, rollout)
            old = self._scores(weights, batch, rollout) if self.spec.updates > 1 else None
        for _ in range(self.spec.updates):
            with self._precision():
                scores = self._scores(Weights.of(self._model), batch, rollout)
            found = self._loss(rollout, scores, old or scores, reference)
            warm = min((number + 1) / max(self.spec.warmup, 1), 1.0)
            if self._at_rest(rollout):
                gradient = 0.0
                break
            gradient = self.optimizer.step(found.total, number + 1, warm)
        return Update(rollout, scores, reference, found, gradient)

    def _at_rest(self, rollout: Rollout) -> bool:
        """Whether nothing may move: no reward tells two ids apart, and the policy never moved.

        The divergence from oneself is 0, and so is its gradient. What is computed of it is
        rounding noise, which AdamW, whose steps do not depend on the size of a gradient, would
        turn into whole steps.
        """
        spec = self.roller.spec
        valid_BG = torch.from_numpy(rollout.group.valid_BG)
        tied = tied_B(torch.from_numpy(rollout.total_BG), valid_BG, spec.tie).all()
        pushed = rollout.advantage_BGL.any() if spec.objective == "policy" else not tied
        if pushed or spec.sft_weight:
            return False
        return all(
            torch.equal(mine, held)
            for mine, held in zip(
                self.weights.tensors().values(), self._start.values(), strict=True
            )
        )

    def _scores(self, weights: Weights, batch: Batch[Any], rollout: Rollout) -> Scores:
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

    def _precision(self) -> torch.autocast:
        device = self.device.type
        return torch.autocast(device, torch.bfloat16, enabled=device == "cuda")
