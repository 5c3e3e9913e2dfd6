"""Finished worlds lived once more, to be watched."""

import shutil
from dataclasses import replace

import numpy as np

from experiments.records.files import read_json
from experiments.running.models import LOG
from experiments.running.worlds import OpenWorld, WorldJob
from experiments.stages.executor import Advance
from simulator.errors import DataError
from simulator.protocols import Requests


def relive(opened: OpenWorld, job: WorldJob, advance: Advance) -> None:
    """Live a world once more; its log is made again, compared and thrown away.

    Args:
        opened: the world of the job, with whoever watches it.
        job: whose stage is finished.
        advance: told the number of requests after each interval.

    Raises:
        DataError: the world's log is not there, or is another one than is made now.
    """
    log = job.stage.path / LOG / "manifest.json"
    if not log.is_file():
        raise DataError(f"{log} == absent, must be the log of a finished world")
    opened.run(advance)
    shutil.rmtree(opened.world.log.folder)
    written = read_json(log)["digest"]
    if opened.digest != written:
        raise DataError(
            f"{log}: digest == {written}, must be {opened.digest}: the log was made by another "
            "version, and its world cannot be lived again"
        )


def untraced(requests: Requests) -> Requests:
    """The requests, none of whose candidates is wanted for a log."""
    return replace(requests, traced_B=np.zeros(len(requests), np.bool_))
