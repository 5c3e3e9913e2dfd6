"""Runs for MLflow."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.entities import Metric

from cqsid.loggers.runlogger import Training

_EXPERIMENT = "funnelab"
_ALLOWED = "MLFLOW_ALLOW_FILE_STORE"


class MlflowLogger:
    """A `RunLogger` that writes a run of MLflow.

    It goes to the server or store of MLFLOW_TRACKING_URI; without one, to files in the folder of
    the training, and nothing leaves the machine. MLFLOW_EXPERIMENT_NAME names the experiment, else
    it is "funnelab". An attempt that goes on after it was cut off is a run of its own.
    """

    def __init__(self, training: Training) -> None:
        uri = os.environ.get("MLFLOW_TRACKING_URI") or training.folder.resolve().as_uri()
        with _files_allowed():
            self._client = MlflowClient(tracking_uri=uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name)
        made = self._client.create_run(experiment, run_name=training.name or None)
        self._run: str = made.info.run_id

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Log the figures at once."""
        now = int(time.time() * 1_000)
        metrics = [Metric(tag, value, now, step) for tag, value in scalars.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def close(self) -> None:
        """The run has ended."""
        self._client.set_terminated(self._run)


@contextmanager
def _files_allowed() -> Iterator[None]:
    """Files are asked for: they need no database, and MLflow refuses them unless it is told so."""
    before = os.environ.get(_ALLOWED)
    os.environ[_ALLOWED] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ALLOWED]
        else:
            os.environ[_ALLOWED] = before
