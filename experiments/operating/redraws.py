"""A/A and A/B tests of one pair of worlds, their splits drawn again and again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from experiments.designs.layout import ListingLayout, TwoSidedLayout
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.randomised.byexposure import CTR, redrawn_by_exposure
from experiments.inference.randomised.byunit import joined, of_items, of_shoppers
from experiments.inference.randomised.redrawn import (
    Outcomes,
    Redrawn,
    outcomes,
    redrawn,
)
from experiments.inference.randomised.redrawnpairs import pair_outcomes, redrawn_pairs
from experiments.inference.randomised.resampled import resampled
from experiments.operating.splits import Drawn
from simulator.errors import DataError

T = TypeVar("T")
Advance = Callable[[float], None]


def outcomes_of(
    log: Path, drawn: Drawn, metrics: Sequence[Metric], spec: EngineSpec | None = None
) -> Outcomes:
    """What the units of a design did in a world with everybody in one arm.

    Such a world does not log clusters of queries, so texts are joined to theirs here.

    Raises:
        DataError: the design splits two sides, whose pairs are `pair_outcomes`.
    """
    layout = drawn.layout
    if isinstance(layout, TwoSidedLayout):
        raise DataError(f"{layout.design} == pairs of units, must be units of one side")
    if layout is None:
        return of_shoppers(log, metrics, spec=spec)
    if isinstance(layout, ListingLayout):
        return of_items(log, drawn.items, metrics, spec=spec)
    if drawn.cluster_T is None:
        return outcomes(log, layout, metrics, spec=spec)
    of_texts = replace(layout, key="text", group="text", by_text=False)
    made = outcomes(log, of_texts, metrics, spec=spec)
    return joined(made, drawn.cluster_T[made.unit_U])


@dataclass(frozen=True)
class Redraws:
    """Many tests of one design.

    Attributes:
        metrics: those that the design can tell.
        aa: both arms are control.
        ab: control and treatment; None where it cannot be.
        by_exposure: A/A tests that take exposures for units; None where shoppers are not split.
        untold: names of the metrics that the design cannot tell.
        missing: why there are no A/B tests; "" where there are.
    """

    metrics: tuple[Metric, ...]
    aa: Redrawn
    ab: Redrawn | None
    by_exposure: Redrawn | None
    untold: tuple[str, ...]
    missing: str


def redraws(
    worlds: tuple[Path, Path],
    drawn: Drawn,
    metrics: Sequence[Metric],
    count: int,
    *,
    confidence: float,
    seed: int,
    advance: Advance,
    spec: EngineSpec | None = None,
) -> Redraws:
    """Test one design many times.

    Args:
        worlds: logs of two worlds of equal luck, everybody in control and in the treatment.
        drawn: the design.
        metrics: what is compared.
        count: tests of each kind.
        confidence: level of the intervals.
        seed: luck of the samples of an A/B test.
        advance: told of each test, see `kinds`.
        spec: threads and memory.
    """
    name = drawn.design.name
    if isinstance(drawn.layout, TwoSidedLayout):
        asked = worlds[0], drawn, drawn.layout, metrics, count
        return _of_both_sides(*asked, confidence=confidence, advance=advance, spec=spec)
    control = outcomes_of(worlds[0], drawn, (*metrics, CTR), spec)
    told = tuple(each for each in metrics if set(each.columns) <= set(control.columns))
    untold = tuple(each.name for each in metrics if each not in told)
    splits = drawn.splits(count)
    permuted = drawn.layout is not None and drawn.layout.permuted
    counted = _counted(splits, advance)
    aa = redrawn(control, told, counted, confidence=confidence, permuted=permuted)
    by_exposure = None
    if drawn.layout is None:
        counted = _counted(splits, advance)
        by_exposure = redrawn_by_exposure(control, counted, confidence=confidence)
    treatment = outcomes_of(worlds[1], drawn, told, spec)
    ab, missing = None, ""
    try:
        ab = resampled(
            *(control, treatment, told, _counted(splits, advance)),
            confidence=confidence,
            seed=seed,
            spacing=drawn.spacing,
            permuted=permuted,
        )
    except DataError as error:
        missing = f"{name}: no A/B tests by redraws, for {error}."
        advance(count)
    return Redraws(told, aa, ab, by_exposure, untold, missing)


def _of_both_sides(
    log: Path,
    drawn: Drawn,
    layout: TwoSidedLayout,
    metrics: Sequence[Metric],
    count: int,
    *,
    confidence: float,
    advance: Advance,
    spec: EngineSpec | None,
) -> Redraws:
    """A/A tests alone: what a treatment does to both sides at once is in no pair of worlds."""
    made = pair_outcomes(log, drawn.items, metrics, spec=spec)
    told = tuple(each for each in metrics if set(each.columns) <= set(made.columns))
    splits = _counted(drawn.splits_of_both(count), advance)
    aa = redrawn_pairs(made, told, splits, layout, confidence=confidence)
    untold = tuple(each.name for each in metrics if each not in told)
    missing = (
        f"{layout.design}: no A/B tests by redraws, for pairs of a treated shopper and another "
        "item are in no world of one arm."
    )
    return Redraws(told, aa, None, None, untold, missing)


def kinds(drawn: Drawn) -> int:
    """How many kinds of test are made of a design: A/A, A/B and, of shoppers, by exposure."""
    if isinstance(drawn.layout, TwoSidedLayout):
        return 1
    return 3 if drawn.layout is None else 2


def _counted(splits: Iterable[T], advance: Advance) -> Iterator[T]:
    for split in splits:
        yield split
        advance(1)
