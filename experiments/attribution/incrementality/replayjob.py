"""Worth by replay: the logged requests of a world, served again to every coalition of channels.

The world is lived again, bit for bit, and watched. Each of its requests goes through the funnels of
the coalitions, and the shopper's response to each page is taken in expectation over the luck of
looking, clicking and buying (`simulator.expectation`). So coalitions are compared on the same
requests and memories: what would follow (another session, other memories, sold-out items, learned
statistics) is left to re-simulated worlds.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incrementality.coalitionpages import CoalitionPages, Served
from experiments.attribution.incrementality.games import Floats
from experiments.attribution.incrementality.plans import Plan, make_plan
from experiments.attribution.incrementality.relived import relive
from experiments.attribution.incrementality.replayfates import add_fates
from experiments.attribution.record import EVENTS
from experiments.executor import Advance
from experiments.store import Stage
from experiments.worlds import LOG, OpenWorld, WorldJob, open_world
from ranking.funnel import Funnel
from simulator.behavior import Reactions
from simulator.errors import DataError
from simulator.expectation import Expected, expected
from simulator.protocols import Pages, Requests
from simulator.utility import Needs

TABLES = "replay.npz"

MOST_PARTS = 8
"""In how many parts a world is replayed at most."""

_COLUMNS = ("seen_BK", "clicks_BK", "carts_BK", "orders_BK", "gmv_BK")
_EXPECTED = dict(zip(EVENTS, _COLUMNS, strict=True))


@dataclass(frozen=True)
class ReplayJob:
    """The replay of some shoppers of a finished world, in this process or in another one.

    Attributes:
        world: the world, everybody in one arm.
        stage: where the tables go.
        part, parts: shoppers whose number has the remainder `part` by `parts`, which is a power of
            2 up to 8.
        permutations: orders drawn for each request, of many channels.
    """

    world: WorldJob
    stage: Stage
    part: int
    parts: int
    permutations: int

    @property
    def channels(self) -> tuple[str, ...]:
        """The arm's channels, in the order of the provenance bits."""
        return arm_channels(self.world)


def arm_channels(job: WorldJob) -> tuple[str, ...]:
    """The channels of a world's arm in the order of the provenance bits.

    Raises:
        DataError: the world has several arms, or none.
    """
    if job.arm is None:
        raise DataError(f"{job.stage.name}.arm == None, must be one arm in which everybody is")
    arm = job.config.arms[job.arm]
    return tuple(name for name in job.config.channels if name in arm.channels)


@dataclass(frozen=True)
class Tally:
    """What the coalitions bring, added up; U shoppers of one part, G groups of shoppers.

    Sums over shoppers are kept by the remainder of the shopper's number by 8, so that the parts of
    a world add up to the same bits however many there are.

    Attributes:
        exposed_U: who had a request.
        values_EUJ: indices by event and shopper.
        worths_EGM: worths of the coalitions that are told.
        variance_EGC: sampling variance of the Shapley values.
        fates_UCF: see `replayfates`.
    """

    exposed_U: NDArray[np.bool_]
    values_EUJ: Floats
    worths_EGM: Floats
    variance_EGC: Floats
    fates_UCF: Floats

    @classmethod
    def empty(cls, plan: Plan, shoppers: int) -> "Tally":
        """Nothing added yet."""
        events, c = len(EVENTS), plan.channels
        return cls(
            np.zeros(shoppers, np.bool_),
            np.zeros((events, shoppers, len(plan.indices))),
            np.zeros((events, MOST_PARTS, len(plan.told_M))),
            np.zeros((events, MOST_PARTS, c)),
            np.zeros((shoppers, c, 3)),
        )


class Replay:
    """Watches a world and serves the requests of its part to the coalitions.

    Args:
        opened: the world, not yet lived.
        job: what is to be replayed.
    """

    def __init__(self, opened: OpenWorld, job: ReplayJob) -> None:
        self.world = opened.world
        self.job = job
        self.plan = make_plan(len(job.channels), job.permutations, self.world.draws)
        self.pages = CoalitionPages(cast("Funnel", opened.service), job.channels, self.plan)
        shoppers = len(self.world.population.shoppers)
        self.tally = Tally.empty(self.plan, len(range(job.part, shoppers, job.parts)))

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Replay the part's requests of one block; see `simulator.desk.Witness`."""
        rows = np.flatnonzero(requests.shopper_B % self.job.parts == self.job.part)
        if len(rows):
            for served in self.pages(requests, rows):
                self._add(served, requests.shopper_B[served.rows_B], needs)

    def _add(self, served: Served, shopper_B: NDArray[np.int64], needs: Needs) -> None:
        tally, plan = self.tally, self.plan
        at_B, group_B = shopper_B // self.job.parts, shopper_B % MOST_PARTS
        tally.exposed_U[at_B] = True
        response = self._response(served, needs)
        for e, event in enumerate(EVENTS):
            worth_P = getattr(response, _EXPECTED[event]).sum(axis=1)
            worths_BX = np.append(worth_P, 0.0)[served.pair_BX]
            values_BJ, variance_BC = plan.values(served.asked, worths_BX)
            np.add.at(tally.values_EUJ[e], at_B, values_BJ)
            np.add.at(tally.worths_EGM[e], group_B, worths_BX[:, : len(plan.told_M)])
            np.add.at(tally.variance_EGC[e], group_B, variance_BC)
        pages = plan.all_column, plan.without_C
        add_fates(tally.fates_UCF, at_B, served, response.orders_BK, pages, self.pages.bit_C)

    def _response(self, served: Served, needs: Needs) -> Expected:
        """What is expected of the pages, at the prices that the shoppers see."""
        world, row_P = self.world, served.request_P
        columns = {column.name: getattr(needs, column.name)[row_P] for column in fields(Needs)}
        return expected(world.behavior, Needs(**columns), served.pages, world.market.price_I)


def replay(job: ReplayJob, *, advance: Advance) -> None:
    """Replay one part of a world and finish its stage.

    Raises:
        DataError: the world's log is not there, or living it again gives another one.
    """
    with job.stage.write() as folder:
        opened = open_world(job.world, folder / LOG)
        watching = Replay(opened, job)
        opened.world.watch(watching)
        relive(opened, job.world, lambda requests: advance(requests / job.parts))
        _save(folder / TABLES, watching.tally, job)


def _save(path: Path, tally: Tally, job: ReplayJob) -> None:
    """The tables, restricted to the exposed shoppers."""
    seen = np.flatnonzero(tally.exposed_U)
    with path.open("wb") as stream:
        np.savez(
            stream,
            allow_pickle=False,
            shopper_U=job.part + job.parts * seen,
            values_EUJ=tally.values_EUJ[:, seen],
            worths_EGM=tally.worths_EGM,
            variance_EGC=tally.variance_EGC,
            fates_UCF=tally.fates_UCF[seen],
        )
