"""The loop of one supervised stage: steps, validations, checkpoints, and the end."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor

from cqsid.decoding.decoder import Softmax
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.training.checkpoint import Checkpoint
from cqsid.training.examples import Examples, Rows
from cqsid.training.loss import Batch, answer_loss
from cqsid.training.plan import Plan
from simulator.errors import ConfigError

_log = logging.getLogger(__name__)
_OPTIMIZER_STATE = ("step", "exp_avg", "exp_avg_sq")


class Stopped(StrEnum):
    """Why a stage ended."""

    FINISHED = "finished"  # all its steps were taken
    PATIENCE = "patience"  # validation had stopped improving
    NO_EXAMPLES = "no_examples"  # there was nothing to learn from; the model is as it was


@dataclass(frozen=True)
class Validation:
    """How good the model was after some steps.

    Attributes:
        step: steps taken.
        loss: mean cross entropy of the held-out answers.
        hit_rates: share of target items covered by the ids of the beam, at each beam width.
    """

    step: int
    loss: float
    hit_rates: tuple[float, ...]

    @property
    def score(self) -> tuple[float, float]:
        """What is to grow: the hit rate of the widest beam; among equal ones the lower loss."""
        return self.hit_rates[-1], -self.loss


@dataclass
class Course:
    """How far a stage has come. All of it is in a checkpoint."""

    step: int = 0
    examples: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    stopped: Stopped | None = None

    @property
    def best(self) -> Validation | None:
        """The best validation, of equal ones the first."""
        return max(self.validations, key=lambda each: each.score, default=None)

    @staticmethod
    def of(facts: dict[str, Any]) -> "Course":
        """Back from the facts of a checkpoint."""
        validations = [
            Validation(each["step"], each["loss"], tuple(each["hit_rates"]))
            for each in facts["validations"]
        ]
        stopped = Stopped(facts["stopped"]) if facts["stopped"] else None
        return Course(**{**facts, "validations": validations, "stopped": stopped})


@dataclass(frozen=True)
class Saving:
    """Where and how often a stage is saved; whichever of the two comes first."""

    checkpoint: Checkpoint
    every_steps: int
    every_seconds: float


class StageRun:
    """The training of a model in one stage, which changes the model in place.

    Args:
        model: a `Qwen2ForCausalLM`, on the device of the training.
        vocabulary: its tokens.
        softmax: what codes compete with.
        plan: what each step learns from.
        evaluate: validates a model after some steps; None: no validation, no early end.
        saving: where checkpoints go; None: nowhere.
    """

    def __init__(
        self,
        model: Any,
        vocabulary: Vocabulary,
        softmax: Softmax,
        plan: Plan,
        evaluate: Callable[[Weights, int], Validation] | None,
        saving: Saving | None,
    ) -> None:
        self.model, self.vocabulary, self.softmax, self.plan = model, vocabulary, softmax, plan
        self._evaluate, self._saving, self.course = evaluate, saving, Course()
        self._parameters = dict(model.named_parameters())
        spec = plan.spec
        self._optimizer = torch.optim.AdamW(
            self._parameters.values(),
            lr=spec.learning_rate,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        self._best: dict[str, Tensor] = {}
        self._steps = plan.steps

    def run(self, progress: Callable[[Course, int], None] | None) -> Course:
        """Train to the end, from the last checkpoint where there is one.

        Raises:
            ConfigError: the loss is no longer finite.
        """
        self._resume()
        self._saved = self._clock = time.monotonic()
        if self.course.stopped is None:
            for examples, rows in self.plan.batches(self.course.step):
                self._step(examples, rows)
                self._after_step()
                if progress is not None:
                    progress(self.course, self._steps)
                if self.course.stopped is not None:
                    break
            self._finish()
        return self.course

    def _step(self, examples: Examples, rows: Rows) -> None:
        prompts = examples.prompts.rows(rows)
        batch = Batch.of(prompts, examples.codes(rows), self.vocabulary)
        device = next(iter(self._parameters.values())).device
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.spec.learning_rate * self._pace(self.course.step)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = answer_loss(Weights.of(self.model), self.vocabulary, batch, self.softmax)
        if not torch.isfinite(loss):
            rate, step = self.plan.spec.learning_rate, self.course.step + 1
            raise ConfigError(
                f"loss == {loss.item()} at step {step} with learning_rate == {rate}, "
                "must be finite: the rate is too high"
            )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), self.plan.spec.clip)
        self._optimizer.step()
        self.course.step += 1
        self.course.examples += len(rows)
        self.course.losses.append(loss.item())

    def _pace(self, step: int) -> float:
        """Share of the step size: up to 1 during the warm-up, then down to 0 after the end."""
        warm = max(round(self.plan.spec.warmup * self._steps), 1)
        return min((step + 1) / warm, (self._steps - step) / max(self._steps - warm, 1), 1.0)

    def _after_step(self) -> None:
        course, last = self.course, self.course.step == self._steps
        if self._evaluate and (last or course.step % self.plan.spec.evaluate_every == 0):
            self._validate(self._evaluate)
        if last and course.stopped is None:
            course.stopped = Stopped.FINISHED
        now = time.monotonic()
        course.seconds += now - self._clock
        self._clock = now
        saving = self._saving
        if saving is None or course.stopped is not None:
            return
        waited = now - self._saved
        if course.step % saving.every_steps == 0 or waited >= saving.every_seconds:
            saving.checkpoint.save(self._tensors(), asdict(course))
            self._saved = now

    def _validate(self, evaluate: Callable[[Weights, int], Validation]) -> None:
        course = self.course
        with torch.no_grad():
            course.validations.append(evaluate(Weights.of(self.model), course.step))
        best = course.best
        if best is course.validations[-1]:
            self._best = {n: p.detach().clone() for n, p in self._parameters.items()}
        since = [each.step for each in course.validations].index(best.step) if best else 0
        if len(course.validations) - 1 - since >= self.plan.spec.patience:
            course.stopped = Stopped.PATIENCE

    def _finish(self) -> None:
        if self._best:
            with torch.no_grad():
                for name, parameter in self._parameters.items():
                    parameter.copy_(self._best[name])
        if self.course.stopped is None:  # a plan without steps
            self.course.stopped = Stopped.FINISHED
        if self._saving is not None:
            weights = {f"model.{n}": p.detach() for n, p in self._parameters.items()}
            self._saving.checkpoint.save(weights, asdict(self.course))

    def _tensors(self) -> dict[str, Tensor]:
        """All that the rest of the training depends on but the course."""
        tensors = {f"model.{n}": p.detach() for n, p in self._parameters.items()}
        tensors |= {f"best.{n}": tensor for n, tensor in self._best.items()}
        for name, parameter in self._parameters.items():
            state = self._optimizer.state.get(parameter, {})
            tensors |= {f"{kind}.{name}": value for kind, value in state.items()}
        return tensors

    def _resume(self) -> None:
        found = self._saving.checkpoint.load() if self._saving is not None else None
        if found is None:
            return
        tensors, facts = found
        self.course = Course.of(facts)
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(tensors[f"model.{name}"])
                if f"best.{name}" in tensors:
                    self._best[name] = tensors[f"best.{name}"].to(parameter.device)
                self._optimizer.state[parameter] = {
                    kind: tensors[f"{kind}.{name}"].to(parameter.device)
                    for kind in _OPTIMIZER_STATE
                    if f"{kind}.{name}" in tensors
                }
        _log.info("resumed after step %d of %d", self.course.step, self._steps)
