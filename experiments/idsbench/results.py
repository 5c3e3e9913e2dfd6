"""From readings to the record: pooled measures, paired gains, curves, costs, warnings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.shelves import narrowest
from experiments.config.ids_bench import IdsBenchSpec
from experiments.idsbench.readings import CLUSTER_BINS, Reading
from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import FEWEST_SEEDS, difference, level, relative
from experiments.records.ids import (
    AT_ITEMS,
    EQUAL_BEAM,
    EQUAL_COMPUTE,
    EQUAL_ITEMS,
    HIT_RATE,
    Cost,
    Gain,
    IdsRecord,
    Measured,
    Mode,
    Point,
    Quality,
)
from experiments.records.papers.published import SCHEMES
from simulator.errors import DataError

Floats = NDArray[np.float64]
FEW_SHOPPERS = 100  # below, the delta method's normal limit is far


def make_record(
    spec: IdsBenchSpec,
    readings: Sequence[Reading],
    quality: Sequence[Quality],
    shopper_B: NDArray[np.integer],
    *,
    name: str,
    items: int,
) -> IdsRecord:
    """Compare all schemes with the baseline.

    Args:
        spec: what was asked for.
        readings: one for each scheme, mode and seed; the same seeds for all.
        quality: of the ids, one for each scheme and seed.
        shopper_B: who asked each test request.
        name: name of the run.
        items: size of the catalogue.

    Raises:
        DataError: a scheme lacks a mode or seed that the baseline has, or requests differ.
    """
    modes = tuple(mode for mode in Mode if any(reading.mode == mode for reading in readings))
    seeds = tuple(sorted({reading.seed for reading in readings}))
    groups = [
        [_of(readings, scheme, mode, seeds) for scheme in (spec.baseline, *spec.schemes)]
        for mode in modes
    ]
    measured, compared, curves, costs = [], [], [], []
    for base, *others in groups:
        for own in others:
            measured += _levels(spec, own, shopper_B)
            compared += _gains(spec, own, base, shopper_B) if own[0].scheme != spec.baseline else []
            curves += _curve(spec, own)
            costs.append(_cost(spec, own, base))
    shoppers = len(np.unique(shopper_B))
    return IdsRecord(
        name=name,
        baseline=spec.baseline,
        schemes=spec.schemes,
        modes=tuple(str(mode) for mode in modes),
        seeds=seeds,
        confidence=spec.confidence,
        requests=len(shopper_B),
        shoppers=shoppers,
        items=items,
        beams=spec.beams,
        recall_sizes=spec.recall_sizes,
        serving_beam=spec.serving_beam,
        item_limit=spec.item_limit,
        primary_beam=spec.primary_beam,
        fill=str(spec.fill),
        cluster_bins=CLUSTER_BINS,
        measured=tuple(measured),
        gains=corrected(compared, lambda row: row.measure if row.measure == HIT_RATE else None),
        curves=tuple(curves),
        costs=tuple(costs),
        quality=tuple(quality),
        published=SCHEMES,
        warnings=tuple(_warnings(seeds, shoppers, costs)),
    )


def _of(
    readings: Sequence[Reading], scheme: str, mode: Mode, seeds: tuple[int, ...]
) -> list[Reading]:
    """A scheme's readings in the order of the seeds."""
    own = [row for row in readings if (row.scheme, row.mode) == (scheme, mode)]
    own.sort(key=lambda row: row.seed)
    found = tuple(row.seed for row in own)
    if found != seeds or not seeds:
        raise DataError(f"readings of {scheme}, {mode}: seeds == {found}, must be {seeds}")
    return own


def _measures(spec: IdsBenchSpec, group: Sequence[Reading]) -> dict[tuple[str, int], Floats]:
    """(S, B) values of a scheme by measure and size, seeds in rows."""
    at_beam = [spec.widths.index(beam) for beam in spec.beams]
    columns = (
        (HIT_RATE, spec.beams, [row.hit_BW[:, at_beam] for row in group]),
        (AT_ITEMS, spec.beams, [row.capped_BW[:, at_beam] for row in group]),
        (EQUAL_ITEMS, spec.recall_sizes, [row.items_BK for row in group]),
        (EQUAL_BEAM, spec.recall_sizes, [row.beam_BK for row in group]),
        (EQUAL_COMPUTE, spec.recall_sizes, [row.compute_BK for row in group]),
    )
    return {
        (measure, size): np.stack([values[:, at] for values in rows])
        for measure, sizes, rows in columns
        for at, size in enumerate(sizes)
    }


def _levels(
    spec: IdsBenchSpec, group: Sequence[Reading], shopper_B: NDArray[np.integer]
) -> list[Measured]:
    """A scheme's rows."""
    rows = []
    for place, values_SB in _measures(spec, group).items():
        found = level(values_SB, shopper_B, confidence=spec.confidence)
        rests_on = found.n, found.shoppers, found.seeds
        per_seed = tuple(values_SB.mean(axis=1).tolist())
        names = group[0].scheme, str(group[0].mode)
        rows.append(Measured(*names, *place, found.interval, *rests_on, per_seed))
    return rows


def _gains(
    spec: IdsBenchSpec,
    group: Sequence[Reading],
    base: Sequence[Reading],
    shopper_B: NDArray[np.integer],
) -> list[Gain]:
    """A scheme's rows against the baseline's values, p-values not yet adjusted."""
    rows, others = [], _measures(spec, base)
    for place, values_SB in _measures(spec, group).items():
        pair = values_SB, others[place], shopper_B
        gap = difference(*pair, confidence=spec.confidence)
        growth = relative(*pair, confidence=spec.confidence)
        names = group[0].scheme, spec.baseline, str(group[0].mode)
        rests_on = gap.n, gap.shoppers, gap.seeds
        both = gap.interval, growth.interval
        rows.append(Gain(*names, *place, *both, gap.p_value, None, *rests_on))
    return rows


def _mean(group: Sequence[Reading], column: str) -> Floats:
    """Over seeds, and over requests where there is a row of each."""
    values = [np.asarray(getattr(row, column)) for row in group]
    return np.asarray(np.mean([each.mean(0) if each.ndim > 1 else each for each in values], axis=0))


def _curve(spec: IdsBenchSpec, group: Sequence[Reading]) -> list[Point]:
    at = np.array(spec.widths) - 1
    hits = [_mean(group, column) for column in ("hit_BW", "capped_BW")]
    costs = [_mean(group, column)[at] for column in ("returned_N", "positions_N")]
    table = np.stack([*hits, *costs], axis=1).tolist()
    names = group[0].scheme, str(group[0].mode)
    return [Point(*names, beam, *row) for beam, row in zip(spec.widths, table, strict=True)]


def _cost(spec: IdsBenchSpec, group: Sequence[Reading], base: Sequence[Reading]) -> Cost:
    full = narrowest(_mean(base, "returned_N"), spec.item_limit) or spec.widest
    wanted = float(_mean(base, "capped_N")[full - 1])
    times = [row.decode_s for row in group if row.decode_s is not None]
    return Cost(
        scheme=group[0].scheme,
        mode=str(group[0].mode),
        matched_rate=wanted,
        matched_beam=narrowest(_mean(group, "capped_N"), wanted),
        items_beam=narrowest(_mean(group, "returned_N"), spec.item_limit),
        compute_beam=float(_mean(group, "compute_beam")),
        positions=float(_mean(group, "positions_N")[spec.serving_beam - 1]),
        decode_s=float(np.mean(times)) if times else None,
        without_id=float(_mean(group, "without_id")),
        unreached=float(_mean(group, "unreached")),
    )


def _warnings(seeds: tuple[int, ...], shoppers: int, costs: Sequence[Cost]) -> list[str]:
    said = []
    if len(seeds) < 2:
        said.append("One seed: nothing tells how far other luck of training would move a number.")
    elif len(seeds) < FEWEST_SEEDS:
        said.append(f"{len(seeds)} seeds: intervals rest on too few trainings to be believed.")
    if shoppers < FEW_SHOPPERS:
        said.append(f"{shoppers} shoppers: too few for intervals that hold their level.")
    said += [
        f"{row.scheme}, {row.mode}: the budget of equal compute does not pay for a beam in some "
        "seeds, so its recall there counts as 0."
        for row in costs
        if row.compute_beam < 1
    ]
    return said
