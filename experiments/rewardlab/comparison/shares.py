"""What share of exposures, clicks, purchases and GMV one channel holds in a policy's worlds.

A share is composition, not lift: it says who found what was bought, not whether more was bought.
Two rules: any touch (the channel found the item, others perhaps too) and exclusive (no other
channel of the funnel did). A share is a ratio of sums over training seeds, lucks and shoppers; its
interval is linearised (delta method) and goes across all that there are several of
(`experiments.inference.intervals`). In worlds of one luck it leaves out what sold out there: events
are not known by category.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.inference.events import KINDS, TOUCHES, touched_columns, touched_events
from experiments.inference.intervals.crossed import NOTHING, share
from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.inference.worldtotals import WorldTotals, read_world
from experiments.records.attribution import Event
from experiments.records.rewards import PolicyShare
from simulator.errors import DataError

Floats = NDArray[np.float64]

SHARED: tuple[Event, ...] = ("exposure", "click", "purchase", "gmv")
"""Events of which shares are told."""


def share_rows(
    policy: str, logs: Sequence[Sequence[Path]], *, channel: str, confidence: float
) -> list[PolicyShare]:
    """The channel's shares by rule and event; None where a policy's worlds hold no such event.

    There is no interval where all shoppers agree, as of every share.

    Args:
        policy: name of the rows.
        logs: a list for each training seed, with one log for each luck.
        channel: name of the channel, as the logs' manifests have it.
        confidence: level of the intervals.

    Raises:
        DataError: there is no log, or one whose manifest does not name the channel.
    """
    if not logs or not all(logs):
        raise DataError(f"worlds of {policy} == {[len(each) for each in logs]}, must be > 0 each")
    totals: dict[str, Floats] = {}
    with engine(EngineSpec()) as connection:
        for table in ("exposures", "orders"):
            events = [event for event in SHARED if KINDS[event].table == table]
            worlds = [f"seed_{seed}" for seed in range(len(logs))]
            for world, of_seed in zip(worlds, logs, strict=True):
                read_world(connection, world, of_seed, partial(_touched, events, channel))
            found = WorldTotals(connection, worlds, max(map(len, logs)))
            totals |= {name: found.of(name) for name in touched_columns(events)}
    rows = []
    for rule in TOUCHES:
        for event in SHARED:
            held_SLU, all_SLU = totals[f"{event}_{rule}"], totals[event]
            held = share(held_SLU, all_SLU, confidence=confidence) if all_SLU.any() else NOTHING
            rows.append(PolicyShare(policy, rule, event, held.interval))
    return rows


def _touched(events: Sequence[Event], channel: str, log: Path) -> str:
    channels = read_manifest(log).channels
    if channel not in channels:
        raise DataError(f"{log}: channels == {list(channels)}, must hold {channel!r}")
    return touched_events(log, events, 1 << channels.index(channel))
