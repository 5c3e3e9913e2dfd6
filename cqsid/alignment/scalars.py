"""What loggers are told of a training: one number for each figure, by its tag."""

from collections.abc import Iterator

from cqsid.alignment.measures import ITEMS, WIDTHS
from cqsid.alignment.report import Evaluation, StepReading


def step_scalars(reading: StepReading) -> Iterator[tuple[str, float]]:
    """The tags of a step with their values."""
    for name in ("loss", "reward", "expert_reward", "tied", "present"):
        value = getattr(reading, name)
        if value is not None:
            yield f"train/{name}", value
    for name, value in reading.parts.items():
        yield f"train/parts/{name}", value
    for name, value in reading.logged.items():
        yield f"train/logged/{name}", value
    for level, value in enumerate(reading.entropy_L, 1):
        yield f"train/entropy/level_{level}", value
    for name in ("first_codes", "distinct", "kl", "clipped", "gradient", "seconds"):
        yield f"train/{name}", getattr(reading, name)


def evaluation_scalars(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    """The tags of an evaluation with their values."""
    for width, value in zip(WIDTHS, evaluation.hit_rates, strict=True):
        yield f"eval/hit_rate/{width}", value
    yield f"eval/recall/{ITEMS}", evaluation.recall
    for level, value in enumerate(evaluation.entropy_L, 1):
        yield f"eval/entropy/level_{level}", value
    for name in ("first_codes", "kl", "reward"):
        yield f"eval/{name}", getattr(evaluation, name)
    for name, value in evaluation.probes.items():
        yield f"probe/{name}", value
