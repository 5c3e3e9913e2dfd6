"""From readings to the record: pooled measures, paired gains, curves, costs, warnings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.shelves import narrowest
from experiments.config.ids_bench import IdsBenchSpec
from experiments.idsbench.pooled import adjusted, gains, levels, measures
from experiments.idsbench.readings import CLUSTER_BINS, Reading
from experiments.inference.intervals import FEWEST_SEEDS
from experiments.records.ids import Cost, IdsRecord, Mode, Point, Quality
from experiments.records.published import SCHEMES
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
    table = {
        (scheme, mode): _of(readings, scheme, mode, seeds)
        for mode in modes
        for scheme in spec.schemes
    }
    measured, compared = [], []
    for mode in modes:
        base = measures(spec, table[spec.baseline, mode])
        for scheme in spec.schemes:
            own = measures(spec, table[scheme, mode])
            measured += levels(spec, scheme, mode, own, shopper_B)
            if scheme != spec.baseline:
                compared += gains(spec, scheme, mode, own, base, shopper_B)
    costs = [
        _cost(spec, table[scheme, mode], table[spec.baseline, mode])
        for mode in modes
        for scheme in spec.schemes
    ]
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
        gains=adjusted(compared),
        curves=tuple(point for group in table.values() for point in _curve(spec, group)),
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


def _curve(spec: IdsBenchSpec, group: Sequence[Reading]) -> list[Point]:
    def mean(values: list[Floats]) -> Floats:
        return np.asarray(np.mean(values, axis=0))

    hit_W = mean([row.hit_BW.mean(axis=0) for row in group])
    capped_W = mean([row.capped_BW.mean(axis=0) for row in group])
    returned_N = mean([row.returned_N for row in group])
    positions_N = mean([row.positions_N for row in group])
    return [
        Point(
            scheme=group[0].scheme,
            mode=str(group[0].mode),
            beam=beam,
            hit_rate=float(hit_W[at]),
            hit_rate_at_items=float(capped_W[at]),
            items=float(returned_N[beam - 1]),
            positions=float(positions_N[beam - 1]),
        )
        for at, beam in enumerate(spec.widths)
    ]


def _cost(spec: IdsBenchSpec, group: Sequence[Reading], base: Sequence[Reading]) -> Cost:
    def mean_N(rows: Sequence[Reading], column: str) -> Floats:
        return np.asarray(np.mean([getattr(row, column) for row in rows], axis=0))

    full = narrowest(mean_N(base, "returned_N"), spec.item_limit) or spec.widest
    wanted = float(mean_N(base, "capped_N")[full - 1])
    times = [row.decode_s for row in group if row.decode_s is not None]
    return Cost(
        scheme=group[0].scheme,
        mode=str(group[0].mode),
        matched_rate=wanted,
        matched_beam=narrowest(mean_N(group, "capped_N"), wanted),
        items_beam=narrowest(mean_N(group, "returned_N"), spec.item_limit),
        compute_beam=float(np.mean([row.compute_beam for row in group])),
        positions=float(mean_N(group, "positions_N")[spec.serving_beam - 1]),
        decode_s=float(np.mean(times)) if times else None,
        without_id=float(np.mean([row.without_id for row in group])),
        unreached=float(np.mean([row.unreached for row in group])),
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
