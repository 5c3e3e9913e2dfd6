"""One supervised stage: its settings, what each step learns from, validations, and the end."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from cqsid.decoding.decoder import Softmax
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.training.checkpoint import Checkpoint, Optimizer, under
from cqsid.training.examples import Examples, Rows
from cqsid.training.loss import Batch, answer_loss
from cqsid.training.settings import StageSpec


@dataclass(frozen=True)
class Plan:
    """Which examples each step of a stage learns from: a function of settings and seed alone.

    Attributes:
        spec: settings of the stage.
        own: examples of the stage.
        earlier: examples of earlier stages, for rehearsal.
        seed: of the order; a plan with the same seed can start anywhere.
    """

    spec: StageSpec
    own: Examples
    earlier: tuple[Examples, ...]
    seed: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Steps of all passes together."""
        return sum(-(-n // self.spec.batch) for draws in self._passes() for n in draws)

    def batches(self, first: int = 0) -> Iterator[tuple[Examples, Rows]]:
        """The batches from step `first` on; each is of one kind of prompt."""
        for number, draws in enumerate(self._passes()):
            steps = sum(-(-n // self.spec.batch) for n in draws)
            if first < steps:
                yield from self._pass(number, draws)[first:]
            first = max(first - steps, 0)

    def _passes(self) -> list[list[int]]:
        """How many examples each pass draws of each part."""
        whole, rest = divmod(self.spec.epochs, 1.0)
        shares = [1.0] * int(whole) + [rest] * (rest > 0)
        own = [max(round(share * len(self.own)), 1) if len(self.own) else 0 for share in shares]
        each = self.spec.rehearsal / max(len(self.earlier), 1)
        return [[n, *(round(n * each) for _ in self.earlier)] for n in own]

    def _pass(self, number: int, draws: list[int]) -> list[tuple[Examples, Rows]]:
        rng = np.random.default_rng([*self.seed, number])
        batches = [
            (part, rows)
            for part, n in zip((self.own, *self.earlier), draws, strict=True)
            if n
            for rows in part.batches(n, self.spec.batch, rng)
        ]
        return [batches[at] for at in rng.permutation(len(batches))]


_log = logging.getLogger(__name__)


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
        hit_rates: share of target items covered by the ids of the beam, at each beam width; none
            where answers are no ids.
    """

    step: int
    loss: float
    hit_rates: tuple[float, ...]

    @property
    def score(self) -> tuple[float, float]:
        """What is to grow: the hit rate of the widest beam; among equal ones the lower loss."""
        return (self.hit_rates or (0.0,))[-1], -self.loss


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
        spec = plan.spec
        self._optimizer = Optimizer(
            model,
            learning_rate=spec.learning_rate,
            weight_decay=spec.weight_decay,
            clip=spec.clip,
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
        device = self.model.device
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = answer_loss(Weights.of(self.model), self.vocabulary, batch, self.softmax)
        step = self.course.step
        self._optimizer.step(loss, step + 1, self._pace(step))
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
            best = {f"best.{name}": tensor for name, tensor in self._best.items()}
            saving.checkpoint.save(self._optimizer.state() | best, asdict(course))
            self._saved = now

    def _validate(self, evaluate: Callable[[Weights, int], Validation]) -> None:
        course = self.course
        with torch.no_grad():
            course.validations.append(evaluate(Weights.of(self.model), course.step))
        best = course.best
        if best is course.validations[-1]:
            self._best = self._optimizer.copy()
        since = [each.step for each in course.validations].index(best.step) if best else 0
        if len(course.validations) - 1 - since >= self.plan.spec.patience:
            course.stopped = Stopped.PATIENCE

    def _finish(self) -> None:
        if self._best:
            self._optimizer.restore(self._best)
        if self.course.stopped is None:  # a plan without steps
            self.course.stopped = Stopped.FINISHED
        if self._saving is not None:
            weights = {f"model.{n}": p for n, p in self._optimizer.copy().items()}
            self._saving.checkpoint.save(weights, asdict(self.course))

    def _resume(self) -> None:
        found = self._saving.checkpoint.load() if self._saving is not None else None
        if found is None:
            return
        tensors, facts = found
        self.course = TypeAdapter(Course).validate_python(facts)
        self._optimizer.load(tensors)
        self._best = {n: each.to(self.model.device) for n, each in under("best.", tensors).items()}
        _log.info("resumed after step %d of %d", self.course.step, self._steps)
