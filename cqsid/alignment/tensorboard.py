"""Event files for TensorBoard: one scalar for each figure of a step and of an evaluation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cqsid.alignment.measures import ITEMS, WIDTHS
from cqsid.alignment.report import Evaluation, StepReading
from simulator.errors import ConfigError


class EventWriter:
    """Writes the figures of one alignment.

    Args:
        folder: where the event files go.
        taken: steps taken before; of an earlier attempt, what came after them is not shown.

    Raises:
        ConfigError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, taken: int = 0) -> None:
        self._folder, self._purge = folder, taken + 1 if taken else 0
        self._class = _writer_class()
        self._writer: Any = None

    def step(self, reading: StepReading) -> None:
        """Write a step's figures."""
        self._write(reading.step, step_scalars(reading))

    def evaluation(self, evaluation: Evaluation) -> None:
        """Write an evaluation's figures."""
        self._write(evaluation.step, evaluation_scalars(evaluation))

    def close(self) -> None:
        """Write what is left. Where nothing was told there is no file."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, step: int, scalars: Iterator[tuple[str, float]]) -> None:
        if self._writer is None:
            self._writer = self._class(str(self._folder), purge_step=self._purge)
        for tag, value in scalars:
            self._writer.add_scalar(tag, value, step)


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


def check_installed() -> None:
    """Refuse at once what would fail after hours.

    Raises:
        ConfigError: TensorBoard is not installed.
    """
    _writer_class()


def _writer_class() -> Any:
    """TensorBoard's writer, loaded when it is asked for.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "alignment.tensorboard == true, must be false or tensorboard installed: "
            "pip install 'funnelab[tensorboard]'"
        ) from error
    return SummaryWriter
