"""Tasks that live an arm's worlds again and note what is expected of each of their requests.

The world with all channels (`watch_full`) leaves the expected response to its own pages and to the
pages without each channel, on the same requests, and the shop's snapshot of every refresh. The
world without a channel (`watch_without`) leaves the expected response to its own pages, and to
those that it would have shown had it known what the full world knew at the same refresh: first its
statistics, then its availability, too.

Expected: over the luck of waiting, looking, clicking and buying
(`simulator.behaviour.expectation`).
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from experiments.attribution.incremental.causes.requestnotes import (
    OWN,
    STOCKED,
    TABLE,
    TAUGHT,
    Columns,
    Notes,
    column,
    noting,
    without,
)
from experiments.attribution.incremental.causes.snapshots import (
    SnapshotReader,
    SnapshotWriter,
    same_index,
)
from experiments.attribution.incremental.relived import relive, untraced
from experiments.records.attribution import SALES
from experiments.running.models import LOG
from experiments.running.worlds import OneArmWorld, OpenWorld, open_world
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.funnel import Funnel
from simulator.behaviour.behavior import Reactions
from simulator.behaviour.expectation import expected
from simulator.protocols import Fault, Index, Pages, Requests, SearchService
from simulator.shoppers.needs import Needs


@dataclass(frozen=True)
class FullJob:
    """The finished world with all channels, to be watched.

    Attributes:
        world: everybody in one arm.
        stage: where the table and the snapshots go.
        channels: that pages are also made without, one at a time.
    """

    world: OneArmWorld
    stage: Stage
    channels: tuple[str, ...]


@dataclass(frozen=True)
class WithoutJob:
    """The finished world without a channel, to be watched beside its full twin.

    Attributes:
        world: everybody in one arm, without the channel.
        stage: where the table goes.
        full: folder of the full twin's finished `FullJob`.
    """

    world: OneArmWorld
    stage: Stage
    full: Path


def watch_full(job: FullJob, *, advance: Advance) -> None:
    """Watch the world with all channels and finish the stage.

    Raises:
        DataError: living it again gives another log than it has.
    """
    with job.stage.write() as folder:
        opened = open_world(job.world, folder / LOG)
        with noting(folder / TABLE, _pages_of(job)) as notes:
            watching = _Full(opened, notes, SnapshotWriter(folder), job.channels)
            _live(opened, job.world, watching, advance)


def watch_without(job: WithoutJob, *, advance: Advance) -> None:
    """Watch the world without a channel and finish the stage.

    Raises:
        DataError: living it again gives another log than it has.
    """
    with job.stage.write() as folder:
        twin = open_world(job.world, folder / LOG).service
        shutil.rmtree(folder / LOG)
        opened = open_world(job.world, folder / LOG)
        with noting(folder / TABLE, [OWN, TAUGHT, STOCKED]) as notes:
            watching = _Without(opened, notes, SnapshotReader(job.full), twin)
            _live(opened, job.world, watching, advance)


def _pages_of(job: FullJob) -> list[str]:
    return [OWN, *(without(number) for number in range(len(job.channels)))]


class _Watching:
    """Notes the own pages of a world. It also takes the place of the service that the world
    refreshes, which is how it comes to know each snapshot."""

    def __init__(self, opened: OpenWorld, notes: Notes) -> None:
        self.opened = opened
        self.notes = notes
        self.service = cast("Funnel", opened.service)
        self.channels = self.service.channels
        self.refreshes = 0

    def refresh(self, index: Index) -> None:
        """The world refreshes its service."""
        self.refreshes += 1
        self.service.refresh(index)

    def serve(self, requests: Requests) -> Pages:
        """Served as ever."""
        return self.service.serve(requests)

    def faults(self) -> list[Fault]:
        """As ever."""
        return self.service.faults()

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Note one block; see `simulator.living.desk.Witness`."""
        known: Columns = {
            "request": requests.id_B,
            "shopper": requests.shopper_B,
            "text": requests.text_B,
            "page": requests.page_B,
            "intent": needs.intent_B,
            "refresh": np.full(len(requests), self.refreshes - 1, np.int32),
        }
        self.notes.add(known | self._expect(OWN, needs, pages))

    def _expect(self, name: str, needs: Needs, pages: Pages) -> Columns:
        """Expected purchases and money of each page, at the prices that its shopper sees."""
        world = self.opened.world
        found = expected(world.behavior, needs, pages, world.market.price_I)
        each = {"purchase": found.orders_BK, "gmv": found.gmv_BK}
        return {column(name, outcome): each[outcome].sum(axis=1) for outcome in SALES}

    def planned(self) -> None:
        """All requests of the interval are planned; the snapshot is still that of its start."""
        self.notes.write()


class _Full(_Watching):
    """Notes a world with all channels, and what its pages would be without each."""

    def __init__(
        self,
        opened: OpenWorld,
        notes: Notes,
        snapshots: SnapshotWriter,
        channels: Sequence[str],
    ) -> None:
        super().__init__(opened, notes)
        self.snapshots = snapshots
        bits = [1 << self.channels.index(name) for name in channels]
        self.left_out = {without(number): bit for number, bit in enumerate(bits)}

    def refresh(self, index: Index) -> None:
        super().refresh(index)
        self.snapshots.write(index, self.service.arm)

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        super().__call__(requests, needs, pages, reactions)
        answers = self.service.ask(untraced(requests))
        for name, bit in self.left_out.items():
            fewer = self.service.pages(answers, np.full(len(requests), bit, np.int64))
            self.notes.widen(self._expect(name, needs, fewer))


class _Without(_Watching):
    """Notes a world without a channel, and what its pages would be had it the full one's index.

    The blocks of an interval wait until it is planned: then the twin of the service is refreshed
    with the mixed snapshots and serves them all.
    """

    def __init__(
        self, opened: OpenWorld, notes: Notes, full: SnapshotReader, twin: SearchService
    ) -> None:
        super().__init__(opened, notes)
        self.full = full
        self.twin = twin
        self._blocks: list[tuple[Requests, Needs]] = []

    def refresh(self, index: Index) -> None:
        super().refresh(index)
        taught = self.full.read(index)
        self._mixed = {TAUGHT: replace(taught, available_I=index.available_I), STOCKED: taught}
        self._index = replace(index, statistics=(index.statistics_of(self.service.arm),))

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        super().__call__(requests, needs, pages, reactions)
        self._blocks.append((untraced(requests), needs))

    def planned(self) -> None:
        before, like = self._index, OWN
        for name, index in self._mixed.items():
            self.twin.refresh(index)  # always: what a channel reads may depend on what it read last
            if same_index(before, index):  # then so are the pages
                self.notes.copy({column(name, one): column(like, one) for one in SALES})
            else:
                self.notes.widen_all(
                    [
                        self._expect(name, needs, self.twin.serve(requests))
                        for requests, needs in self._blocks
                    ]
                )
            before, like = index, name
        self._blocks = []
        super().planned()


def _live(opened: OpenWorld, job: OneArmWorld, watching: _Watching, advance: Advance) -> None:
    """Live the world under the eyes of the watcher; its log is made again and thrown away."""
    opened.world.service = watching
    opened.world.watch(watching)

    def planned(requests: float) -> None:
        watching.planned()
        advance(requests)

    relive(opened, job, planned)
