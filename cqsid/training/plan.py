"""The settings of a stage, and which examples each of its steps learns from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from cqsid.training.examples import Examples, Rows
from simulator.spec import Spec


class StageSpec(Spec):
    """How one stage is trained: AdamW, a warm-up, then a linear decay to zero."""

    epochs: float = Field(1.0, ge=0, description="passes over the examples, below 1 a part of them")
    learning_rate: float = Field(0.003, gt=0, description="greatest step size of AdamW")
    batch: int = Field(256, gt=0, description="examples a step")
    warmup: float = Field(0.05, ge=0, le=1, description="share of the steps that warm up")
    weight_decay: float = Field(0.01, ge=0, description="of AdamW, for each unit of step size")
    clip: float = Field(1.0, gt=0, description="greatest norm of the gradient")
    rehearsal: float = Field(
        0.0, ge=0, description="examples of earlier stages for each example of this one"
    )
    evaluate_every: int = Field(200, gt=0, description="steps between two validations")
    patience: int = Field(5, gt=0, description="validations without a better one before the end")


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
