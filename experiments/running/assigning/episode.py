"""What is particular to a world of a run: who serves whom, and when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.running.assigning.assigned import Assigned
from simulator.living.world import State
from simulator.protocols import SearchService


@dataclass(frozen=True)
class Episode:
    """One world, from its first day on.

    Attributes:
        service: what serves its requests.
        arms: names of the arms that may serve a request.
        assigned: what was assigned to which arm, and when.
        first_day, days: its period.
        state: where the world before it stopped; None where there was none.
        cluster_T: (T,) what each text is assigned by, where queries are; None: they are not.
        stock_shares: parts of every shelf from which the arms sell; None: all from the whole.
        tables: optional tables of its log.
    """

    service: SearchService
    arms: tuple[str, ...]
    assigned: Assigned
    first_day: int
    days: int
    state: State | None
    cluster_T: NDArray[np.int64] | None = None
    stock_shares: tuple[float, ...] | None = None
    tables: tuple[str, ...] = ()
