"""Worth by replay: a world's requests, served to every coalition of channels.

Requests are those of the world, followed as if every need stayed open; see
`experiments.attribution.incremental.replaywalk`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.fates import add_fates
from experiments.attribution.incremental.games import Floats
from experiments.attribution.incremental.pages import GROUPS, CoalitionPages, Served
from experiments.attribution.incremental.plans import Asked, DrawnOrders, make_plan
from experiments.attribution.incremental.relived import relive
from experiments.attribution.incremental.replaywalk import (
    TASTES,
    CoalitionsBring,
    ReplayWalk,
    SessionSums,
)
from experiments.attribution.incremental.values import Worths
from experiments.config.attribution import EXACT_CHANNELS, AttributionSpec
from experiments.records.attribution import EVENTS
from experiments.records.files import read_json
from experiments.running.models import LOG
from experiments.running.worlds import OneArmWorld, OpenWorld, open_world
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.funnel import Funnel
from simulator.errors import StoreError
from simulator.protocols import REQUEST_BITS, SESSION_BITS, Requests
from simulator.randomness import Draws

if TYPE_CHECKING:  # the task knows nothing of how a finished run is opened
    from experiments.attribution.incremental.arms import Arm

TABLES = "replay.npz"


@dataclass(frozen=True)
class ReplayJob:
    """The replay of some shoppers of a finished world, in this process or in another one.

    Attributes:
        world: the world, everybody in one arm.
        stage: where the tables go.
        part, parts: shoppers whose number has the remainder `part` by `parts`, which is a power of
            2 up to 8.
        permutations: orders drawn for each session, of many channels.
    """

    world: OneArmWorld
    stage: Stage
    part: int
    parts: int
    permutations: int


class Replay:
    """Follows a world's sessions and serves the requests of its part to the coalitions.

    What they bring is added up by shopper or, by the remainder of the shopper's number, in
    `GROUPS` groups of shoppers, so that the parts of a world add up to the same bits however many
    there are.

    Args:
        opened: the world, not yet lived.
        job: what is to be replayed.
        tastes: sets of tastes; 0: as if each page had its own.

    Attributes:
        walk: along which requests come; to be followed by the world.
        exposed_U: who of the part's U shoppers had a request.
        values_EUJ: indices by event and shopper.
        worths_EGM: worths of the coalitions that are told.
        variance_EGC: sampling variance of the Shapley values.
        fates_UCF: see `fates`.
    """

    def __init__(self, opened: OpenWorld, job: ReplayJob, *, tastes: int = TASTES) -> None:
        self.job = job
        channels, events, world = job.world.channels, len(EVENTS), opened.world
        self.plan = make_plan(len(channels), job.permutations, world.draws)
        pages = CoalitionPages(cast("Funnel", opened.service), channels, self.plan)
        self.walk = ReplayWalk(world, pages, self._add, tastes=tastes)
        self.walk.choose(lambda shopper_S: shopper_S % job.parts == job.part)
        shoppers = len(range(job.part, len(world.population.shoppers), job.parts))
        self.exposed_U = np.zeros(shoppers, np.bool_)
        self.values_EUJ = np.zeros((events, shoppers, len(self.plan.indices)))
        self.worths_EGM = np.zeros((events, GROUPS, len(self.plan.told_M)))
        self.variance_EGC = np.zeros((events, GROUPS, len(channels)))
        self.fates_UCF = np.zeros((shoppers, len(channels), 3))
        self._sessions = SessionSums(events, self.plan)

    def _add(self, served: Served, requests: Requests, brought: CoalitionsBring) -> None:
        """Add what the coalitions bring on some requests."""
        plan, at_B = self.plan, requests.shopper_B // self.job.parts
        self.exposed_U[at_B] = True
        self._add_worths(requests.shopper_B, brought.worths_EBX[:, :, : len(plan.told_M)])
        if isinstance(plan, DrawnOrders):
            self._sessions.add(requests.id_B, brought.worths_EBX)
        else:
            self._add_values(requests.shopper_B, served.asked, brought.worths_EBX)
        pages = plan.all_column, plan.without_C
        bits = self.walk.pages.bit_C
        add_fates(self.fates_UCF, at_B, served, brought.orders_PK, brought.weight_BX, pages, bits)

    def _add_worths(self, shopper_B: NDArray[np.int64], told_EBM: Floats) -> None:
        for e, told_BM in enumerate(told_EBM):
            np.add.at(self.worths_EGM[e], shopper_B % GROUPS, told_BM)

    def _add_values(self, shopper_B: NDArray[np.int64], asked: Asked, worths_EBX: Floats) -> None:
        for e, worths_BX in enumerate(worths_EBX):
            values_BJ, variance_BC = self.plan.values(asked, worths_BX)
            np.add.at(self.values_EUJ[e], shopper_B // self.job.parts, values_BJ)
            np.add.at(self.variance_EGC[e], shopper_B % GROUPS, variance_BC)

    def save(self, path: Path) -> None:
        """Write the tables, restricted to the exposed shoppers."""
        for id_V, worths_EVX in self._sessions:
            shopper_V = id_V >> (REQUEST_BITS + SESSION_BITS)
            self._add_values(shopper_V, self.plan.ask(id_V), worths_EVX)
        seen = np.flatnonzero(self.exposed_U)
        with path.open("wb") as stream:
            np.savez(
                stream,
                allow_pickle=False,
                shopper_U=self.job.part + self.job.parts * seen,
                values_EUJ=self.values_EUJ[:, seen],
                worths_EGM=self.worths_EGM,
                variance_EGC=self.variance_EGC,
                fates_UCF=self.fates_UCF[seen],
            )


def replay(job: ReplayJob, *, advance: Advance) -> None:
    """Replay one part of a world and finish its stage.

    Raises:
        DataError: the world's log is not there, or living it again gives another one.
    """
    with job.stage.write() as folder:
        opened = open_world(job.world, folder / LOG)
        watching = Replay(opened, job)
        opened.world.follow(watching.walk)
        relive(opened, job.world, lambda requests: advance(requests / job.parts))
        watching.save(folder / TABLES)


_COALITIONS = 32  # for each part: living the world once more then costs a few per cent of it


@dataclass(frozen=True)
class Replayed:
    """The replay of an arm's worlds.

    Attributes:
        shopper_U: shoppers that had a request in any world, ascending.
        worths: tables of what coalitions bring.
        fates_SUCF: where each channel's purchases go without it, see `fates`.
    """

    shopper_U: NDArray[np.int64]
    worths: Worths
    fates_SUCF: Floats


def make_replays(arm: "Arm", spec: AttributionSpec) -> Replayed:
    """Replay the worlds in which the arm serves everybody, living those that are not there yet.

    Args:
        arm: of a finished run.
        spec: how many worlds, and how many orders of many channels.

    Raises:
        DataError: living a world again gives another log than it has.
    """
    worlds = [arm.world(seed) for seed in range(spec.seeds)]
    arm.live("worlds", worlds)
    jobs = [replay_jobs(arm, world, spec.permutations) for world in worlds]
    requests = read_json(worlds[0].stage.path / LOG / "manifest.json")["rows"]["requests"]
    every, each = [job for parts in jobs for job in parts], round(requests / len(jobs[0]))
    arm.maker.side_by_side("replay", every, "requests", each)
    return _read(jobs)


def replay_jobs(arm: "Arm", world: OneArmWorld, permutations: int) -> list[ReplayJob]:
    """The tasks that replay one finished world of an arm."""
    channels = len(world.channels)
    drawn = permutations if channels > EXACT_CHANNELS else 0
    columns = make_plan(channels, permutations, Draws(0)).columns
    parts = min(GROUPS, 1 << max((columns // _COALITIONS).bit_length() - 1, 0))
    jobs = []
    for part in range(parts):
        name, inputs = f"replay-{world.stage.name}-{part}", [world.stage.key]
        stage = arm.maker.stage(name, [part, parts, drawn], inputs=inputs, task=replay)
        jobs.append(ReplayJob(world, stage, part, parts, permutations))
    return jobs


def _read(worlds: Sequence[Sequence[ReplayJob]]) -> Replayed:
    """The tables of all parts of all worlds together."""
    channels = worlds[0][0].world.channels
    plan = make_plan(len(channels), worlds[0][0].permutations, Draws(0))
    parts = [[_tables(job) for job in jobs] for jobs in worlds]
    shoppers = [part["shopper_U"] for each in parts for part in each]
    shopper_U = np.unique(np.concatenate(shoppers))
    shape = (len(worlds), len(shopper_U))
    exposed_SU = np.zeros(shape)
    values_ESUJ = np.zeros((len(EVENTS), *shape, len(plan.indices)))
    fates_SUCF = np.zeros((*shape, len(channels), 3))
    worths_ESM = np.zeros((len(EVENTS), len(worlds), len(plan.told_M)))
    variance_EC = np.zeros((len(EVENTS), len(channels)))
    for s, each in enumerate(parts):
        for part in each:
            at_U = np.searchsorted(shopper_U, part["shopper_U"])
            exposed_SU[s, at_U] = 1
            values_ESUJ[:, s, at_U] = part["values_EUJ"]
            fates_SUCF[s, at_U] = part["fates_UCF"]
        worths_ESM[:, s] = _together(each, "worths_EGM")
        variance_EC += _together(each, "variance_EGC")
    sampled = len(channels) > EXACT_CHANNELS
    worths = Worths(
        channels=channels,
        indices=plan.indices,
        exposed_SU=exposed_SU,
        values=dict(zip(EVENTS, values_ESUJ, strict=True)),
        coalitions_M=plan.told_M,
        worths=dict(zip(EVENTS, worths_ESM, strict=True)),
        variance=dict(zip(EVENTS, variance_EC, strict=True)) if sampled else {},
    )
    return Replayed(shopper_U, worths, fates_SUCF)


def _together(parts: Sequence[dict[str, NDArray[Any]]], name: str) -> Floats:
    """Sums over groups of shoppers: each group is of one part, so their order is always the same.

    A group that is not of a part is 0 in it, and adding 0 changes no bit.
    """
    groups_EGX = sum(part[name] for part in parts[1:]) + parts[0][name]
    total_EX = groups_EGX[:, 0]
    for group in range(1, GROUPS):
        total_EX = total_EX + groups_EGX[:, group]
    return np.asarray(total_EX, np.float64)


def _tables(job: ReplayJob) -> dict[str, NDArray[Any]]:
    path = job.stage.path / TABLES
    try:
        with np.load(path, allow_pickle=False) as tables:
            return dict(tables)
    except Exception as error:  # a spoiled archive may raise anything
        raise StoreError(
            f"{path} == unreadable ({error!r}), must be whole: "
            f"delete {path.parent}, and the same command makes it again"
        ) from error
