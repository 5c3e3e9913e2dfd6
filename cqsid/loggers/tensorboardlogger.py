"""Event files for TensorBoard."""

from collections.abc import Mapping

from torch.utils.tensorboard import SummaryWriter

from cqsid.loggers.runlogger import Training


class TensorBoardLogger:
    """A `RunLogger` that writes event files; `tensorboard --logdir` finds them below any folder.

    Of an earlier attempt, what came after the steps taken is not shown.
    """

    def __init__(self, training: Training) -> None:
        purge = training.taken + 1 if training.taken else 0
        self._writer = SummaryWriter(str(training.folder), purge_step=purge)

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Write a scalar for each figure."""
        for tag, value in scalars.items():
            self._writer.add_scalar(tag, value, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
