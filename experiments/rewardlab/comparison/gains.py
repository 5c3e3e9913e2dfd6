"""The offline measures of every policy, and their gains on the supervised model.

All policies start from one supervised model, so its values are the same beside every seed: in a
paired difference the spread between seeds is that of the alignments alone, and an interval speaks
of other alignments of this supervised model and of other shoppers. How far another supervised
model would move a number is in no interval. The supervised model's own level has, for the same
reason, the interval over shoppers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.measures import MEASURES
from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import NOTHING, difference, level, relative
from experiments.records.rewards import Offline
from experiments.rewardlab.comparison.readings import OfflineReading
from simulator.errors import DataError

Floats = NDArray[np.float64]
Table = Mapping[str, Mapping[str, Floats]]
"""(S, B) values by policy and measure, seeds in rows."""


def tabled(readings: Sequence[OfflineReading], policies: Sequence[str]) -> Table:
    """The readings by policy and measure, in the order of the seeds; the first policy's measures.

    Raises:
        DataError: a policy has no reading, one seed twice, lacks a measure of the first's, or its
            seeds were asked other requests.
    """
    table: dict[str, dict[str, Floats]] = {}
    wanted: tuple[str, ...] = ()
    for policy in policies:
        own = sorted((r for r in readings if r.policy == policy), key=lambda row: row.seed)
        seeds = [row.seed for row in own]
        if not own or len(set(seeds)) < len(seeds):
            raise DataError(f"readings of {policy}: seeds == {seeds}, must be one of each")
        wanted = wanted or tuple(name for name in MEASURES if name in own[0].values)
        missing = [name for name in wanted for row in own if name not in row.values]
        if missing:
            raise DataError(f"readings of {policy}: {missing[0]} == nothing, must be there")
        table[policy] = {}
        for name in wanted:
            shapes = sorted({np.shape(row.values[name]) for row in own})
            if len(shapes) > 1:
                raise DataError(
                    f"readings of {policy}, {name}: shapes == {shapes}, must be one: the same "
                    "requests for each seed"
                )
            table[policy][name] = np.array([row.values[name] for row in own], np.float64)
    return table


def offline_rows(
    table: Table, shopper_B: NDArray[np.integer], *, baseline: str, confidence: float
) -> tuple[Offline, ...]:
    """Every measure of every policy beside the baseline's, adjusted for all of them (Holm).

    Args:
        table: of `tabled`.
        shopper_B: who asked each test request.
        baseline: the supervised model; its own rows hold no difference.
        confidence: level of the intervals.

    Raises:
        DataError: requests differ, or a value is not finite.
    """
    rows = []
    for policy, measures in table.items():
        for measure, values_SB in measures.items():
            per_seed = tuple(values_SB.mean(axis=1).tolist())
            if policy == baseline:  # twice, as two seeds that agree: the interval is over shoppers
                values_SB = np.repeat(values_SB, 2, axis=0)
            found = level(values_SB, shopper_B, confidence=confidence)
            gap = growth = NOTHING
            if policy != baseline:
                base_SB = np.repeat(table[baseline][measure], len(values_SB), axis=0)
                pair = values_SB, base_SB, shopper_B
                gap = difference(*pair, confidence=confidence)
                growth = relative(*pair, confidence=confidence)
            told = found.interval, gap.interval, growth.interval, gap.p_value, None
            rows.append(Offline(policy, measure, *told, per_seed, found.n, found.shoppers))
    return corrected(rows)
