"""What the trainings and the worlds leave for the statistics, in plain arrays and paths."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OfflineReading:
    """What one trained policy did with the B test requests.

    Attributes:
        policy: its name; that of the supervised model has one reading.
        seed: training, from 0 on; 0 for the supervised model.
        values: (B,) values by the name of the measure (`cqsid.alignment.measures`).
    """

    policy: str
    seed: int
    values: Mapping[str, Floats]


@dataclass(frozen=True)
class WatchReading:
    """What one training's E evaluations found on its V held-out requests.

    Attributes:
        policy, seed: which.
        steps: steps taken at each evaluation; the first is 0, the supervised model.
        reward_EV: the optimised reward, mean over the best ten ids of a request.
        oracle_EV: the expected purchases of the simulated shopper, likewise.
        shopper_V: who asked.
    """

    policy: str
    seed: int
    steps: tuple[int, ...]
    reward_EV: Floats
    oracle_EV: Floats
    shopper_V: NDArray[np.integer]


@dataclass(frozen=True)
class WorldLogs:
    """The event logs of the paired worlds; worlds of equal luck are paired.

    A log's manifest tells the bit of each channel.

    Attributes:
        base: worlds served by the supervised model, one log for each luck; empty: no world.
        control: worlds of the config's control arm, as many or none.
        policies: by name, one list for each training seed, with one log for each luck.
    """

    base: list[Path] = field(default_factory=list)
    control: list[Path] = field(default_factory=list)
    policies: dict[str, list[list[Path]]] = field(default_factory=dict)
