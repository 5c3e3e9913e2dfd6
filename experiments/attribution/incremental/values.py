"""From per-shopper tables of what coalitions bring to rows of the record, with intervals.

Units and intervals: the table of an index has a cell for each world and shopper, and intervals go
across both at once (`experiments.inference.intervals`). A value is per exposed shopper, a share the
ratio to what all channels bring, the lift of leave-one-out the growth over the funnel without the
channel.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.games import Floats, Index
from experiments.inference.intervals.crossed import NOTHING, Result, growth, ratio
from experiments.records.attribution import CoalitionRow, Event, InteractionRow, ValueRow
from simulator.errors import DataError

_VALUES = ("leave_one_out", "alone", "shapley")


@dataclass(frozen=True)
class Worths:
    """What C channels bring, by replay or in re-simulated worlds.

    Attributes:
        channels: names, in the order of the coalitions' bits.
        indices: the J indices there are; the total among them.
        exposed_SU: (S, U) 1 where a shopper had a request in a world.
        values: by event, (S, U, J) indices of each world and shopper: events, or money.
        coalitions_M: coalitions whose worth is known, as bitmasks over `channels`.
        worths: by event, (S, M) what each coalition brings in a world.
        variance: by event, (C,) variance of the sum of a channel's Shapley values over worlds and
            shoppers from drawing orders; none where all coalitions are there.
    """

    channels: tuple[str, ...]
    indices: tuple[Index, ...]
    exposed_SU: Floats
    values: Mapping[Event, Floats]
    coalitions_M: NDArray[np.int64]
    worths: Mapping[Event, Floats]
    variance: Mapping[Event, Floats]

    def __post_init__(self) -> None:
        for event, values_SUJ in self.values.items():
            wanted = (*self.exposed_SU.shape, len(self.indices))
            if values_SUJ.shape != wanted:
                raise DataError(f"values[{event!r}].shape == {values_SUJ.shape}, must be {wanted}")

    def table(self, event: Event, index: Index) -> Floats:
        """(S, U) cells of one index.

        Raises:
            DataError: the index is not there.
        """
        if index not in self.indices:
            raise DataError(f"indices == {self.indices}, must hold {index}")
        return np.ascontiguousarray(self.values[event][:, :, self.indices.index(index)])

    def sampling_error(self, event: Event, index: Index) -> float:
        """Standard error of the sum of an index from drawing orders."""
        if index.kind != "shapley" or event not in self.variance:
            return 0.0
        return math.sqrt(float(self.variance[event][index.channel]))


def value_rows(method: str, arm: str, worths: Worths, *, confidence: float) -> list[ValueRow]:
    """What each channel is worth by every index of one channel that is there.

    Args:
        method: "replay" or "worlds".
        arm: name.
        worths: tables.
        confidence: level of the intervals.
    """
    rows, exposed_SU = [], worths.exposed_SU
    for event in worths.values:
        total_SU = worths.table(event, Index("total"))
        total = float(total_SU.sum())
        for index in (one for one in worths.indices if one.kind in _VALUES):
            part_SU = worths.table(event, index)
            value, share = (_ratio(part_SU, each, confidence) for each in (exposed_SU, total_SU))
            lift = NOTHING
            if index.kind == "leave_one_out" and part_SU.size:
                rest_SU = total_SU - part_SU
                lift = growth(total_SU, exposed_SU, rest_SU, exposed_SU, confidence=confidence)
            error = worths.sampling_error(event, index) / total if total else None
            names = method, index.kind, worths.channels[index.channel], event, arm
            found = value.interval, share.interval, lift.interval, value.p_value, error
            rows.append(ValueRow(*names, *found, *exposed_SU.shape))
    return rows


def interaction_rows(
    method: str, arm: str, worths: Worths, *, confidence: float
) -> list[InteractionRow]:
    """What pairs of channels are worth beyond each of them; arguments as of `value_rows`."""
    rows = []
    for event in worths.values:
        wholes = worths.exposed_SU, worths.table(event, Index("total"))
        for index in (one for one in worths.indices if one.kind == "interaction"):
            pair_SU = worths.table(event, index)
            pair = (worths.channels[index.channel], worths.channels[index.other])
            value, share = (_ratio(pair_SU, each, confidence).interval for each in wholes)
            rows.append(InteractionRow(method, *pair, event, arm, value, share))
    return rows


def coalition_rows(method: str, arm: str, worths: Worths) -> list[CoalitionRow]:
    """What each coalition brings per exposed shopper; none where nobody is exposed."""
    exposed = float(worths.exposed_SU.sum())
    if not exposed:
        return []
    names = [
        tuple(name for c, name in enumerate(worths.channels) if int(coalition) >> c & 1)
        for coalition in worths.coalitions_M
    ]
    return [
        CoalitionRow(method, arm, channels, event, float(worth_S.sum()) / exposed)
        for event, worths_SM in worths.worths.items()
        for channels, worth_S in zip(names, worths_SM.T, strict=True)
    ]


def _ratio(part_SU: Floats, whole_SU: Floats, confidence: float) -> Result:
    if not part_SU.size:
        return NOTHING
    return ratio(part_SU, whole_SU, confidence=confidence, tested=True)
