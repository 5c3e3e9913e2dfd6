"""What a generator tells of its training, stage by stage."""

from dataclasses import dataclass

from experiments.records.interval import Number


@dataclass(frozen=True)
class TrainingLoss:
    """The training's own loss over one span of steps.

    Attributes:
        step: the span's last one.
        loss: mean over the span (nats).
    """

    step: int
    loss: Number


@dataclass(frozen=True)
class Validation:
    """How good a model was after some steps of a stage of its training.

    Attributes:
        step: steps taken.
        loss: mean cross entropy of the held-out answers (nats).
        hit_rate_1, hit_rate_10: share of target items covered by the ids of a beam of 1 or 10.
    """

    step: int
    loss: Number
    hit_rate_1: Number
    hit_rate_10: Number


@dataclass(frozen=True)
class TrainingStage:
    """One stage of a generator's training, an entry of `training` in its report.

    Attributes:
        stage: `item`, `query` or `shopper`.
        stopped: `finished`, `patience` (validation no longer improved) or `no_examples`.
        seconds: wall time (s): the one number here that differs between equal runs.
        distinct, examples, steps: distinct examples, examples seen, and steps taken.
        best: the validation whose weights were kept; null without validation.
        validations: the course, in the order of the steps.
        losses: the training's own loss, in at most 60 spans of steps.
    """

    stage: str
    stopped: str
    seconds: float
    distinct: int
    examples: int
    steps: int
    best: Validation | None
    validations: tuple[Validation, ...]
    losses: tuple[TrainingLoss, ...]
