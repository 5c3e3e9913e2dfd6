"""Runs for Weights & Biases."""

import os
from collections.abc import Mapping
from typing import Any, Literal, cast

import wandb

from cqsid.loggers.runlogger import Training

_Mode = Literal["online", "offline", "disabled", "shared"]


class WandbLogger:
    """A `RunLogger` that writes a run of Weights & Biases, offline unless WANDB_MODE says other.

    Offline nothing leaves the machine: the run lies in the folder of the training, and
    `wandb sync` sends it later. WANDB_PROJECT names the project, else it is "funnelab". An attempt
    that goes on after it was cut off is a run of its own, of the same group and name.
    """

    def __init__(self, training: Training) -> None:
        training.folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "funnelab"),
            name=training.name or None,
            group=training.name or None,
            dir=str(training.folder),
            mode=cast("_Mode", os.environ.get("WANDB_MODE", "offline")),
            reinit="create_new",  # trainings of one process are runs of their own
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_git=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_stats=True,
            ),
        )

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Log the figures; an evaluation and a step of one number are one row."""
        self._run.log(dict(scalars), step=step)

    def close(self) -> None:
        """Finish the run, and wait until its file is whole: another process writes it.

        That process is shared, so it stays where the user has a run of their own.
        """
        self._run.finish()
        if wandb.run is None:
            wandb.teardown()
