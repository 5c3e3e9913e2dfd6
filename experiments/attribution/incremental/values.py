"""From per-shopper tables of what coalitions bring to rows of the record, with intervals.

Units and intervals: the table of an index has a cell for each world and shopper, and intervals go
across both at once (`experiments.inference.intervals`). A value is per exposed shopper, a share the
ratio to what all channels bring, the lift of leave-one-out the growth over the funnel without the
channel. In worlds of one luck, intervals are over shoppers and over what these share by category
(`experiments.inference.intervals.shared`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.games import Floats, Index
from experiments.inference.intervals.crossed import NOTHING, Result, growth, ratio
from experiments.inference.intervals.shared import Shared
from experiments.records.attribution import CoalitionRow, Event, InteractionRow, ValueRow
from experiments.truth.categories import per_shopper, shares_of
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
        categories: by event, (G, J) the indices of each category; none of replays, in which all
            coalitions meet one state of the shop, and of several worlds.
    """

    channels: tuple[str, ...]
    indices: tuple[Index, ...]
    exposed_SU: Floats
    values: Mapping[Event, Floats]
    coalitions_M: NDArray[np.int64]
    worths: Mapping[Event, Floats]
    variance: Mapping[Event, Floats]
    categories: Mapping[Event, Floats] = field(default_factory=dict)

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

    def of_categories(self, event: Event, index: Index) -> Floats | None:
        """(G,) one index of each category; None where they are not known."""
        if event not in self.categories:
            return None
        return self.categories[event][:, self.indices.index(index)]

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
            value, share = _ratios(worths, event, index, confidence)
            lift = NOTHING
            if index.kind == "leave_one_out" and part_SU.size:
                tables = (total_SU, exposed_SU, total_SU - part_SU, exposed_SU)
                lift = growth(
                    *tables, confidence=confidence, shared=_shared(worths, event, index, tables)
                )
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
        for index in (one for one in worths.indices if one.kind == "interaction"):
            pair = (worths.channels[index.channel], worths.channels[index.other])
            value, share = _ratios(worths, event, index, confidence)
            found = value.interval, share.interval
            rows.append(InteractionRow(method, *pair, event, arm, *found))
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


def _ratios(worths: Worths, event: Event, index: Index, confidence: float) -> list[Result]:
    """An index over shoppers, and over what all channels bring."""
    part_SU, total = worths.table(event, index), Index("total")
    if not part_SU.size:
        return [NOTHING, NOTHING]
    part_G, total_G = (worths.of_categories(event, each) for each in (index, total))
    found = []
    for whole_SU, by_shopper in ((worths.exposed_SU, True), (worths.table(event, total), False)):
        groups = None
        if part_G is not None and total_G is not None:
            groups = part_G, shares_of(total_G, worths.exposed_SU[0]) if by_shopper else total_G
        found.append(ratio(part_SU, whole_SU, confidence=confidence, tested=True, groups=groups))
    return found


def _shared(
    worths: Worths, event: Event, index: Index, tables: tuple[Floats, Floats, Floats, Floats]
) -> Shared | None:
    """What categories share of the growth over the funnel without a channel."""
    part_G, total_G = (worths.of_categories(event, each) for each in (index, Index("total")))
    if part_G is None or total_G is None:
        return None
    total_U, exposed_U, rest_U, _ = (table_SU[0] for table_SU in tables)
    return per_shopper(total_U, rest_U, exposed_U, total_G, total_G - part_G)
