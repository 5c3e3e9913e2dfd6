"""What a funnel of only some of an arm's channels brings, from worlds that are lived with it.

For every seed the arm's world with all channels and, on the same luck, one world for each
coalition of them. Nothing is retrained: the channels are switched off, the ranker stays the arm's.
A funnel without channels shows nothing, so that coalition's totals are zeros by construction and
no world is lived for it.

A coalition is a bitmask over the arm's channels: bit j is the j-th of them in the order of the
provenance bits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.arms import Arm
from experiments.attribution.incremental.games import Index, index_values, indices
from experiments.attribution.incremental.values import Worths
from experiments.config.attribution import EXACT_CHANNELS, AttributionSpec
from experiments.inference.events import KINDS
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.worldtotals import WorldTotals, read_world
from experiments.records.attribution import Event
from experiments.running.models import LOG
from experiments.truth.categories import Columns, read_own
from experiments.truth.expected import brought
from simulator.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CoalitionWorlds:
    """The finished worlds of an arm's coalitions.

    Attributes:
        arm: name of the arm.
        channels: the arm's, in the order of the provenance bits.
        bits: of these channels in `sources`.
        coalition_M: the coalitions that were lived, the one of all channels first.
        logs: for each seed, the log of every coalition, in their order.
    """

    arm: str
    channels: tuple[str, ...]
    bits: tuple[int, ...]
    coalition_M: tuple[int, ...]
    logs: tuple[tuple[Path, ...], ...]

    def without(self, channel: int) -> tuple[Path, ...] | None:
        """By seed, the logs of the worlds without the j-th channel; None where it is the only one.

        Nothing is shown in a world without channels.
        """
        coalition = self.coalition_M[0] & ~(1 << channel)
        if not coalition:
            return None
        column = self.coalition_M.index(coalition)
        return tuple(logs[column] for logs in self.logs)

    @property
    def full(self) -> tuple[Path, ...]:
        """By seed, the logs of the worlds with all channels."""
        return tuple(logs[0] for logs in self.logs)


def coalitions_of(channels: int, spec: AttributionSpec) -> tuple[int, ...]:
    """The coalitions to be lived, not the empty one; the one of all channels first.

    All channels and all but one; with `shapley_worlds` every other one, too.

    Raises:
        ConfigError: `shapley_worlds` with more than `EXACT_CHANNELS` channels.
    """
    full = (1 << channels) - 1
    if not spec.shapley_worlds:
        return (full, *(full & ~(1 << c) for c in range(channels) if channels > 1))
    if channels > EXACT_CHANNELS:
        raise ConfigError(
            f"attribution.shapley_worlds == true with {channels} channels, must be false with more "
            f"than {EXACT_CHANNELS}: the replay gives their Shapley values from sampled orders "
            '(attribution.incremental = ["replay"])'
        )
    return tuple(range(full, 0, -1))


def live_coalitions(arm: Arm, spec: AttributionSpec) -> CoalitionWorlds:
    """Live the worlds that are not in the store yet, all of them side by side.

    Raises:
        ConfigError: see `coalitions_of`.
    """
    universe = tuple(arm.config.channels)
    channels = tuple(name for name in universe if name in arm.spec.channels)
    coalition_M = coalitions_of(len(channels), spec)
    kept = [[each for c, each in enumerate(channels) if one >> c & 1] for one in coalition_M]
    jobs = [[arm.world(seed, names) for names in kept] for seed in range(spec.seeds)]
    arm.live("coalitions", [job for each in jobs for job in each])
    logs = tuple(tuple(job.stage.path / LOG for job in each) for each in jobs)
    bits = tuple(universe.index(name) for name in channels)
    return CoalitionWorlds(arm.spec.name, channels, bits, coalition_M, logs)


@contextmanager
def open_totals(worlds: CoalitionWorlds) -> Iterator[WorldTotals]:
    """Read what the worlds bring, in expectation, once; a luck's number is its seed's.

    Raises:
        DataError: a log is not whole.
    """
    names = [f"coalition_{coalition}" for coalition in worlds.coalition_M]
    select = partial(brought, columns=[kind.column for kind in KINDS.values()])
    with engine(EngineSpec()) as connection:
        for name, logs in zip(names, zip(*worlds.logs, strict=True), strict=True):
            read_world(connection, name, logs, select)
        yield WorldTotals(connection, names, len(worlds.logs))


def event_totals(totals: WorldTotals, event: Event) -> Floats:
    """(S, U, M) totals of an event, or of money, one for each of the worlds' coalitions."""
    totals_MSU = totals.of(KINDS[event].column)
    return np.ascontiguousarray(np.moveaxis(totals_MSU, 0, -1))


def world_worths(worlds: CoalitionWorlds, totals: WorldTotals) -> Worths:
    """What the coalitions bring, in all events; every index where all of them were lived."""
    channels, order_M = len(worlds.channels), np.argsort(worlds.coalition_M)
    every = len(order_M) == (1 << channels) - 1
    values: dict[Event, Floats] = {}
    worths: dict[Event, Floats] = {}
    categories: dict[Event, Floats] = {}

    def indices_of(totals_XM: Floats) -> Floats:
        """(X, J) indices from what the coalitions bring in each of X cells."""
        if every:
            return index_values(np.pad(totals_XM[:, order_M], ((0, 0), (1, 0))), channels)
        return np.concatenate([totals_XM[:, :1], totals_XM[:, :1] - totals_XM[:, 1:]], axis=1)

    by_category = _by_category(worlds)
    for event in KINDS:
        totals_SUM = event_totals(totals, event)
        worths[event] = np.pad(totals_SUM.sum(axis=1)[:, order_M], ((0, 0), (1, 0)))
        values_XJ = indices_of(totals_SUM.reshape(-1, len(order_M)))
        values[event] = values_XJ.reshape(*totals_SUM.shape[:2], -1)
        if by_category is not None:
            column = KINDS[event].column
            categories[event] = indices_of(np.stack([each[column] for each in by_category], axis=1))
    lost = (Index("total"), *(Index("leave_one_out", c) for c in range(channels)))
    return Worths(
        channels=worlds.channels,
        indices=indices(channels) if every else lost,
        exposed_SU=totals.exposed_SU,
        values=values,
        coalitions_M=np.append(0, np.array(worlds.coalition_M)[order_M]),
        worths=worths,
        variance={},
        categories=categories,
    )


def _by_category(worlds: CoalitionWorlds) -> list[Columns] | None:
    """By coalition, what its one world brings by category; None with several lucks."""
    if len(worlds.logs) != 1:
        return None
    found = [columns for log in worlds.logs[0] if (columns := read_own(log)) is not None]
    return found if len(found) == len(worlds.logs[0]) else None


def lonely_shoppers(totals: WorldTotals) -> list[str]:
    """Warnings of shoppers whom only some of the coalitions' worlds have."""
    if not totals.lonely:
        return []
    return [
        f"{totals.lonely} shoppers appear in some of the paired worlds of the coalitions only "
        "and count as zeros in the others; arrivals should not depend on the channels"
    ]
