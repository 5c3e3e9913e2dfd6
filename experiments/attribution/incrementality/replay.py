"""The replay of an arm's worlds: its tasks and its tables.

A world is replayed in parts of its shoppers, side by side, each a stage of its own
(`experiments.attribution.incrementality.replayjob`); the same parts on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incrementality.games import Floats
from experiments.attribution.incrementality.plans import make_plan
from experiments.attribution.incrementality.replayjob import (
    MOST_PARTS,
    TABLES,
    ReplayJob,
    arm_channels,
    replay,
)
from experiments.attribution.incrementality.stages import Arm
from experiments.attribution.incrementality.values import Worths
from experiments.attribution.record import EVENTS
from experiments.attribution.settings import EXACT_CHANNELS, AttributionSpec
from experiments.files import read_json
from experiments.worlds import LOG, WorldJob
from simulator.errors import StoreError
from simulator.randomness import Draws

_COALITIONS = 32  # for each part: living the world once more then costs a few per cent of it
_CODE = (
    *("simulator", "recall", "ranking", "experiments.build", "experiments.worlds"),
    *(
        f"experiments.attribution.incrementality.{module}"
        for module in ("coalitionpages", "games", "plans", "relived", "replayfates", "replayjob")
    ),
)


@dataclass(frozen=True)
class Replayed:
    """The replay of an arm's worlds.

    Attributes:
        shopper_U: shoppers that had a request in any world, ascending.
        worths: tables of what coalitions bring.
        fates_SUCF: where each channel's purchases go without it, see `replayfates`.
    """

    shopper_U: NDArray[np.int64]
    worths: Worths
    fates_SUCF: Floats

    @property
    def channels(self) -> tuple[str, ...]:
        """The arm's channels, in the order of the coalitions' bits."""
        return self.worths.channels

    @property
    def exposed_SU(self) -> Floats:
        """1 where a shopper had a request in a world."""
        return self.worths.exposed_SU


def make_replays(arm: Arm, spec: AttributionSpec) -> Replayed:
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
    everything = [job for parts in jobs for job in parts]
    each = round(requests / len(jobs[0]))
    arm.maker.side_by_side("replay", replay, everything, "requests", each)
    return _read(jobs)


def replay_jobs(arm: Arm, world: WorldJob, permutations: int) -> list[ReplayJob]:
    """The tasks that replay one finished world of an arm."""
    channels = len(arm_channels(world))
    drawn = permutations if channels > EXACT_CHANNELS else 0
    columns = make_plan(channels, permutations, Draws(0)).columns
    parts = min(MOST_PARTS, 1 << max((columns // _COALITIONS).bit_length() - 1, 0))
    return [
        ReplayJob(
            world,
            arm.maker.stage(
                f"replay-{world.stage.name}-{part}",
                [part, parts, drawn],
                inputs=[world.stage.key],
                code=_CODE,
            ),
            part,
            parts,
            permutations,
        )
        for part in range(parts)
    ]


def _read(worlds: Sequence[Sequence[ReplayJob]]) -> Replayed:
    """The tables of all parts of all worlds together."""
    channels = worlds[0][0].channels
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
    for group in range(1, MOST_PARTS):
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
