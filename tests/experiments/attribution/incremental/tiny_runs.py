"""Lives the tiny market's worlds and measures channels in them; and what is exactly expected."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.coalitions import (
    CoalitionWorlds,
    event_totals,
    open_totals,
)
from experiments.attribution.incremental.games import index_values, indices
from experiments.attribution.incremental.replay import TABLES, Replay, Replayed, _read
from experiments.attribution.incremental.values import Worths
from simulator.living.world import Population
from tests.experiments.small_runs import table
from tests.experiments.tiny import market as tiny
from tests.experiments.tiny.values import EVENTS, Game, Model, coalitions


def live(
    folder: Path, people: Population, channels: Sequence[str], seed: int, model: Model
) -> Path:
    """Live a world; returns its log."""
    opened = tiny.open_world(folder, people, channels, seed, model.spec, slow=model.slow)
    opened.run(lambda requests: None)
    return folder


def replay_worlds(
    folder: Path,
    people: Population,
    channels: Sequence[str],
    seeds: Sequence[int],
    model: Model,
    parts: int = 1,
) -> Replayed:
    """Live worlds of these seeds and replay them; the logs are `folder`/0, `folder`/1 and so on."""
    jobs = []
    for number, seed in enumerate(seeds):
        opened = tiny.open_world(
            folder / str(number), people, channels, seed, model.spec, slow=model.slow
        )
        watching = [
            Replay(opened, job_of(folder / f"{number}-{part}", channels, part, parts))
            for part in range(parts)
        ]

        for each in watching:
            each.walk.next_needs = 1.0
            opened.world.follow(each.walk)
        opened.run(lambda requests: None)
        for each in watching:
            each.job.stage.path.mkdir()
            each.save(each.job.stage.path / TABLES)
        jobs.append([each.job for each in watching])
    return _read(jobs)


def job_of(folder: Path, channels: Sequence[str], part: int, parts: int):
    """What a replay reads of its job."""
    return SimpleNamespace(
        stage=SimpleNamespace(path=folder),
        world=SimpleNamespace(channels=tuple(channels)),
        part=part,
        parts=parts,
        permutations=2,
    )


def live_coalitions(
    folder: Path,
    people: Population,
    channels: Sequence[str],
    seeds: Sequence[int],
    model: Model,
    *,
    every: bool = True,
) -> CoalitionWorlds:
    """Paired worlds of every coalition, or of all channels and all but each."""
    full = (1 << len(channels)) - 1
    coalition_M = tuple(range(full, 0, -1))
    if not every:
        coalition_M = (full, *(full & ~(1 << c) for c in range(len(channels))))
    logs = tuple(
        tuple(
            live(
                folder / f"{seed}-{coalition}",
                people,
                [name for c, name in enumerate(channels) if coalition >> c & 1],
                seed,
                model,
            )
            for coalition in coalition_M
        )
        for seed in seeds
    )
    bits = tuple(tiny.UNIVERSE.index(name) for name in channels)
    return CoalitionWorlds("arm", tuple(channels), bits, coalition_M, logs)


def visits(log: Path, shopper_U: NDArray[np.integer]) -> NDArray[np.int64]:
    """(U, texts) logged requests of these shoppers."""
    asked = table(log, "requests")
    counts = np.zeros((len(shopper_U), len(tiny.TEXTS)), np.int64)
    np.add.at(counts, (np.searchsorted(shopper_U, asked.shopper), asked.text), 1)
    return counts


def exact_worths(
    log: Path,
    shopper_U: NDArray[np.integer],
    kind_U: NDArray[np.integer],
    channels: Sequence[str],
    model: Model,
) -> Game:
    """By coalition, (5, U) exactly expected events of shoppers with their logged requests.

    Args:
        kind_U: types of these shoppers.
    """
    visits_UT = visits(log, shopper_U)
    return {
        coalition: np.einsum("eut,ut->eu", model.visit(coalition)[:, kind_U], visits_UT)
        for coalition in coalitions(channels)
    }


def world_worths(worlds: CoalitionWorlds) -> tuple[Worths, NDArray[np.int64]]:
    """The tables of paired worlds from which rows are made, and whose they are.

    Only the indices that the coalitions that were lived can tell.
    """
    count = len(worlds.channels)
    every = len(worlds.coalition_M) == 2**count - 1
    kinds = ("total", "leave_one_out", "alone", "shapley", "interaction")[: 5 if every else 2]
    keep = [j for j, index in enumerate(indices(count)) if index.kind in kinds]
    values, worths = {}, {}
    with open_totals(worlds) as totals:
        for event in EVENTS:
            totals_SUM = event_totals(totals, event)
            all_SUM = np.zeros((*totals_SUM.shape[:2], 2**count))
            all_SUM[:, :, worlds.coalition_M] = totals_SUM
            games_XJ = index_values(all_SUM.reshape(-1, 2**count), count)[:, keep]
            values[event] = games_XJ.reshape(*totals_SUM.shape[:2], -1)
            worths[event] = totals_SUM.sum(axis=1)
        made = Worths(
            channels=worlds.channels,
            indices=tuple(indices(count)[j] for j in keep),
            exposed_SU=totals.exposed_SU,
            values=values,
            coalitions_M=np.array(worlds.coalition_M),
            worths=worths,
            variance={},
        )
        return made, totals.shopper_U
