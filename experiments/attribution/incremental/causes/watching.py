"""The task that lives an arm's worlds again and notes what is expected of each of their requests.

The world with all channels leaves the expected response to its own pages and to the pages without
each channel, on the same requests, and the shop's snapshot of every refresh. The world without a
channel leaves the expected response to its own pages, and to those that it would have shown had it
known what the full world knew at the same refresh: first its statistics, then its availability,
too. Prices are the same in all worlds of one luck.

Expected: over the luck of waiting, looking, clicking and buying
(`simulator.behaviour.expectation`). Beside a page without a channel stands how much more likely the
shopper would have come to that request without it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from experiments.attribution.incremental.causes.likelihood import Likelihood
from experiments.attribution.incremental.relived import Columns, Noting, untraced
from experiments.records.attribution import SALES
from experiments.running.models import LOG
from experiments.running.worlds import OneArmWorld, OpenWorld, open_world
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.funnel import Funnel
from simulator.behaviour.behavior import Reactions
from simulator.behaviour.expectation import Expected, Outlook, Prospect, expected
from simulator.errors import DataError
from simulator.protocols import (
    REQUEST_BITS,
    Fault,
    Index,
    ItemStatistics,
    Pages,
    Requests,
    SearchService,
)
from simulator.shoppers.needs import Needs

TABLE = "requests.parquet"

OWN, TAUGHT, STOCKED = "own", "taught", "stocked"
"""The pages of a world without a channel: its own, those under the statistics of the full world,
those under its availability, too."""

_COUNTS = ("exposures_I", "clicks_I", "orders_I")
_KNOWN = (
    ("request", pa.int64()),
    ("shopper", pa.int64()),
    ("text", pa.int32()),
    ("page", pa.int16()),
    ("intent", pa.int64()),
    ("refresh", pa.int32()),
)


def column(pages: str, outcome: str) -> str:
    """The table's column of what is expected of some pages."""
    return f"{outcome}_{pages}"


def without(number: int) -> str:
    """The pages of a full world without the channel of this number in the job."""
    return f"without_{number}"


def weight(number: int) -> str:
    """The column that says how likely a request is without the channel of this number."""
    return f"weight_{number}"


@dataclass(frozen=True)
class WatchJob:
    """A finished world of one arm, to be watched.

    Attributes:
        world: everybody in one arm.
        stage: where the table goes, and the snapshots of a world with all channels.
        channels: of a world with all channels, that pages are also made without, one at a time.
        full: of a world without a channel, the folder of its full twin's finished job; else None.
    """

    world: OneArmWorld
    stage: Stage
    channels: tuple[str, ...] = ()
    full: Path | None = None


def watch(job: WatchJob, *, advance: Advance) -> None:
    """Watch a world and finish the stage.

    Raises:
        DataError: living it again gives another log than it has.
    """
    with job.stage.write() as folder:
        opened = open_world(job.world, folder / LOG)
        watching: _Watching
        if job.full is None:
            watching = _Full(opened, SnapshotWriter(folder), job.channels)
        else:
            twin = opened.service
            shutil.rmtree(folder / LOG)
            opened = open_world(job.world, folder / LOG)
            watching = _Without(opened, SnapshotReader(job.full), twin)
        opened.world.service = watching
        watching.relive(job.world, folder / TABLE, advance)


class SnapshotWriter:
    """Writes what one arm reads of each snapshot that differs between twins.

    Prices do not: they are the same in all worlds of one luck.

    Args:
        folder: an existing one; a file for each refresh goes into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 0
        self._last: ItemStatistics | None = None

    def write(self, index: Index, arm: int) -> None:
        """The next refresh; statistics are only written where they are new."""
        statistics = index.statistics_of(arm)
        new = {} if statistics is self._last else {n: getattr(statistics, n) for n in _COUNTS}
        with _path(self.folder, self._written).open("wb") as stream:
            packed = np.packbits(index.available_I)
            np.savez(stream, allow_pickle=False, at=index.at, available=packed, **new)
        self._last = statistics
        self._written += 1


class SnapshotReader:
    """Reads the snapshots of a twin in the order in which they were written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = 0
        self._statistics: tuple[ItemStatistics, ...] = ()

    def read(self, own: Index) -> Index:
        """The twin's snapshot of the next refresh, with the arm's statistics as the only ones.

        Args:
            own: the reader's snapshot of the same refresh.

        Raises:
            DataError: the twin has none of that moment.
        """
        path = _path(self.folder, self._read)
        if not path.is_file():
            raise DataError(f"{path} == absent, must be a snapshot of the twin at {own.at:g} s")
        with np.load(path, allow_pickle=False) as arrays:
            if float(arrays["at"]) != own.at:
                raise DataError(f"{path}: at == {float(arrays['at']):g}, must be {own.at:g} (s)")
            bits_I = np.unpackbits(arrays["available"], count=len(own.available_I))
            if _COUNTS[0] in arrays:
                self._statistics = (ItemStatistics(*(arrays[name] for name in _COUNTS)),)
        self._read += 1
        return replace(own, available_I=bits_I.astype(np.bool_), statistics=self._statistics)


def same_index(one: Index, other: Index) -> bool:
    """Whether a funnel would read the same in both, each with the statistics of one arm."""
    (mine,), (theirs,) = one.statistics, other.statistics
    return np.array_equal(one.available_I, other.available_I) and all(
        np.array_equal(getattr(mine, name), getattr(theirs, name)) for name in _COUNTS
    )


def _path(folder: Path, number: int) -> Path:
    return folder / f"refresh-{number:05d}.npz"


class _Watching(Noting):
    """Notes the own pages of a world. It also takes the place of the service that the world
    refreshes, which is how it comes to know each snapshot."""

    def __init__(self, opened: OpenWorld, pages: Sequence[str]) -> None:
        super().__init__(opened)
        names = [column(page, outcome) for page in pages for outcome in SALES]
        self.schema = pa.schema([*_KNOWN, *((name, pa.float64()) for name in names)])
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
        known: Columns = {
            "request": requests.id_B,
            "shopper": requests.shopper_B,
            "text": requests.text_B,
            "page": requests.page_B,
            "intent": needs.intent_B,
            "refresh": np.full(len(requests), self.refreshes - 1, np.int32),
        }
        self.blocks.append(known | self._expect(OWN, needs, pages))

    def _expect(self, name: str, needs: Needs, pages: Pages) -> Columns:
        """Expected purchases and money of each page, at the prices that its shopper sees."""
        world = self.opened.world
        return _told(name, expected(world.behavior, needs, pages, world.market.price_I))


def _told(name: str, found: Expected) -> Columns:
    each = {"purchase": found.orders_BK, "gmv": found.gmv_BK}
    return {column(name, outcome): each[outcome].sum(axis=1) for outcome in SALES}


class _Full(_Watching):
    """Notes a world with all channels, and what its pages would be without each."""

    def __init__(
        self, opened: OpenWorld, snapshots: SnapshotWriter, channels: Sequence[str]
    ) -> None:
        count = len(channels)
        super().__init__(opened, [OWN, *(without(number) for number in range(count))])
        for number in range(count):
            self.schema = self.schema.append(pa.field(weight(number), pa.float64()))
        self.snapshots = snapshots
        self.left_out = [1 << self.channels.index(name) for name in channels]
        self.likelihood = Likelihood(count)

    def refresh(self, index: Index) -> None:
        super().refresh(index)
        self.snapshots.write(index, self.service.arm)

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        super().__call__(requests, needs, pages, reactions)
        answers = self.service.ask(untraced(requests))
        session_B, (own,) = requests.id_B >> REQUEST_BITS, self._prospects(needs, [pages])
        without_C = [
            self.service.pages(answers, np.full(len(requests), bit, np.int64))
            for bit in self.left_out
        ]
        weight_BC = self.likelihood.of(session_B, needs.need_B)
        others = self._prospects(needs, without_C)
        self.likelihood.after(session_B, needs.need_B, weight_BC, own, others)
        for number, other in enumerate(others):
            self.blocks[-1] |= _told(without(number), other.brings)
            self.blocks[-1][weight(number)] = weight_BC[:, number]

    def _prospects(self, needs: Needs, pages: Sequence[Pages]) -> list[Prospect]:
        world = self.opened.world
        price_I = world.market.price_I
        return [Outlook(world.behavior, needs, page, price_I).prospect() for page in pages]


class _Without(_Watching):
    """Notes a world without a channel, and what its pages would be had it the full one's index.

    The blocks of an interval wait until it is planned: then the twin of the service is refreshed
    with the mixed snapshots and serves them all.
    """

    def __init__(self, opened: OpenWorld, full: SnapshotReader, twin: SearchService) -> None:
        super().__init__(opened, [OWN, TAUGHT, STOCKED])
        self.full = full
        self.twin = twin
        self._asked: list[tuple[Requests, Needs]] = []

    def refresh(self, index: Index) -> None:
        super().refresh(index)
        taught = self.full.read(index)
        self._mixed = {TAUGHT: replace(taught, available_I=index.available_I), STOCKED: taught}
        self._index = replace(index, statistics=(index.statistics_of(self.service.arm),))

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        super().__call__(requests, needs, pages, reactions)
        self._asked.append((untraced(requests), needs))

    def planned(self) -> None:
        before, like = self._index, OWN
        for name, index in self._mixed.items():
            self.twin.refresh(index)  # always: what a channel reads may depend on what it read last
            same = same_index(before, index)  # then so are the pages
            for block, (requests, needs) in zip(self.blocks, self._asked, strict=True):
                if same:
                    block |= {column(name, one): block[column(like, one)] for one in SALES}
                else:
                    block |= self._expect(name, needs, self.twin.serve(requests))
            before, like = index, name
        self._asked.clear()
