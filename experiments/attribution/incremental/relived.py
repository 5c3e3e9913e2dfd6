"""Finished worlds lived once more, to be watched."""

import shutil
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.records.files import read_json
from experiments.running.models import LOG
from experiments.running.worlds import OpenWorld, WorldJob
from experiments.stages.executor import Advance
from simulator.behaviour.behavior import Reactions
from simulator.errors import DataError
from simulator.protocols import Pages, Requests
from simulator.shoppers.needs import Needs

Columns = dict[str, NDArray[Any]]


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


class Noting(ABC):
    """Watches a world and writes a table of what it notes, once per interval.

    Attributes:
        schema: of the table.
        blocks: what is noted of each block of the interval, by column.
    """

    schema: pa.Schema

    def __init__(self, opened: OpenWorld) -> None:
        self.opened = opened
        self.blocks: list[Columns] = []

    @abstractmethod
    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Note one block; see `simulator.living.desk.Witness`."""

    def planned(self) -> None:  # noqa: B027 - a hook that not every watcher needs
        """All requests of the interval are planned; the snapshot is still that of its start."""

    def relive(self, job: WorldJob, path: Path, advance: Advance) -> None:
        """Live the world and write the table; arguments and errors as of `relive`."""
        self.opened.world.watch(self)
        with pq.ParquetWriter(path, self.schema, compression="lz4") as writer:

            def planned(requests: float) -> None:
                self.planned()
                if self.blocks:
                    columns = {
                        name: np.concatenate([block[name] for block in self.blocks])
                        for name in self.schema.names
                    }
                    writer.write_table(pa.table(columns, schema=self.schema))
                self.blocks.clear()
                advance(requests)

            relive(self.opened, job, planned)


def untraced(requests: Requests) -> Requests:
    """The requests, none of whose candidates is wanted for a log."""
    return replace(requests, traced_B=np.zeros(len(requests), np.bool_))
