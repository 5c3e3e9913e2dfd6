"""Every measure of every scheme pooled over seeds and requests, and its gain on the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.config.ids_bench import IdsBenchSpec
from experiments.idsbench.readings import Reading
from experiments.inference.finding import corrected
from experiments.inference.intervals import difference, level, relative
from experiments.records.ids import (
    AT_ITEMS,
    EQUAL_BEAM,
    EQUAL_COMPUTE,
    EQUAL_ITEMS,
    HIT_RATE,
    Gain,
    Measured,
    Mode,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Values:
    """One measure at all its sizes: (S, B) values by size."""

    measure: str
    values: dict[int, Floats]


def measures(spec: IdsBenchSpec, group: Sequence[Reading]) -> list[Values]:
    """Every measure of a scheme at every size, seeds in rows."""
    at_beam = [spec.widths.index(beam) for beam in spec.beams]
    columns = (
        (HIT_RATE, spec.beams, [row.hit_BW[:, at_beam] for row in group]),
        (AT_ITEMS, spec.beams, [row.capped_BW[:, at_beam] for row in group]),
        (EQUAL_ITEMS, spec.recall_sizes, [row.items_BK for row in group]),
        (EQUAL_BEAM, spec.recall_sizes, [row.beam_BK for row in group]),
        (EQUAL_COMPUTE, spec.recall_sizes, [row.compute_BK for row in group]),
    )
    return [
        Values(
            measure,
            {size: np.stack([values[:, at] for values in rows]) for at, size in enumerate(sizes)},
        )
        for measure, sizes, rows in columns
    ]


def levels(
    spec: IdsBenchSpec,
    scheme: str,
    mode: Mode,
    own: Sequence[Values],
    shopper_B: NDArray[np.integer],
) -> list[Measured]:
    """A scheme's rows."""
    rows = []
    for each in own:
        for size, values_SB in each.values.items():
            found = level(values_SB, shopper_B, confidence=spec.confidence)
            place = (scheme, str(mode), each.measure, size)
            rests_on = (found.n, found.shoppers, found.seeds)
            per_seed = tuple(values_SB.mean(axis=1).tolist())
            rows.append(Measured(*place, found.interval, *rests_on, per_seed))
    return rows


def gains(
    spec: IdsBenchSpec,
    scheme: str,
    mode: Mode,
    own: Sequence[Values],
    base: Sequence[Values],
    shopper_B: NDArray[np.integer],
) -> list[Gain]:
    """A scheme's rows against the baseline's values, p-values not yet adjusted."""
    rows = []
    for each, other in zip(own, base, strict=True):
        for size, values_SB in each.values.items():
            pair = (values_SB, other.values[size], shopper_B)
            gap = difference(*pair, confidence=spec.confidence)
            growth = relative(*pair, confidence=spec.confidence)
            place = (scheme, spec.baseline, str(mode), each.measure, size)
            rests_on = (gap.n, gap.shoppers, gap.seeds)
            both = (gap.interval, growth.interval)
            rows.append(Gain(*place, *both, gap.p_value, None, *rests_on))
    return rows


def adjusted(gains: Sequence[Gain]) -> tuple[Gain, ...]:
    """The gains, those in hit rates with p-values adjusted for their number."""
    return corrected(gains, lambda row: row.measure if row.measure == HIT_RATE else None)
