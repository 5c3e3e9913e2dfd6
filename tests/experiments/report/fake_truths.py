"""True effects of a run that never was, beside `fake_run`."""

from collections.abc import Sequence

from experiments.records.interval import Interval
from experiments.records.metrics import Contrast
from experiments.records.truth import (
    Headroom,
    Parts,
    Realised,
    Refit,
    Remainder,
    Scarcity,
    SegmentLift,
    Truth,
    Truths,
)

SHOPPERS = 24_312


def around(middle: float, half: float) -> Interval:
    return Interval(middle, middle - half, middle + half)


SCARCITY = [  # relevant items, and pressure, share found, share never asked before
    ("all", "all", 284.0, (around(2.84, 0.4), around(0.21, 0.03), around(0.23, 0.04))),
    ("query", "tail", 131.0, (around(1.31, 0.3), around(0.38, 0.05), around(0.61, 0.06))),
]

SEGMENTS = [  # share of searches, and of what control brings; the effect
    ("query", "head", 0.31, 0.004),
    ("query", "new", 0.12, 0.09),
    ("wording", "specific", 0.44, 0.001),
    ("wording", "knowledge", 0.0004, 0.21),
]


def fake_truth(
    metric: str, contrast: Contrast, level: float, spread: float, true: float, naive: Interval
) -> Truth:
    effect = around(level * true, 0.3 * level * spread)
    return Truth(
        metric=metric,
        contrast=contrast,
        method="expected",
        control=level,
        treatment=level * (1 + true),
        effect=effect,
        relative=effect.over(level),
        p_value=0.04,
        resolution=0.004,
        parts=parts_of(effect.over(level)),
        realised=Realised(effect, effect.over(level), 11.3),
        remainder=Remainder(around(0.002, 0.05), 0.9),
        naive=naive,
        bias=naive.estimate - effect.estimate,
        covered=naive.holds(effect.estimate),
        power=0.41,
        seeds=1,
        trainings=1,
        training_sd=None,
        n=SHOPPERS,
    )


def parts_of(relative: Interval) -> Parts:
    """An effect of which most is other pages, and a little another state."""
    size = relative.estimate or 0.0
    return Parts(
        pages=around(1.2 * size, 0.1 * abs(size)),
        latency=around(-0.1 * size, 0.05 * abs(size)),
        state=around(-0.1 * size, 0.1 * abs(size)),
        lost=around(0.0, 0.0),
    )


def fake_truths(arms: list[str], truths: Sequence[Truth]) -> Truths:
    """These effects, with headroom, scarcity, another training, and kinds of search."""
    rooms = tuple(
        Headroom(
            *(arm, event, cut, part, 0.02),
            *(around(size, 0.03) for size in (0.6, 0.9, 0.11, 1.2)),
            *(1000, 940),
        )
        for arm in arms
        for event in ("purchase", "gmv")
        for cut, part in (("all", "all"), ("query", "tail"), ("wording", "knowledge"))
    )
    scarcity = tuple(
        Scarcity(arm, cut, part, relevant, 100, *shares, 400, 300)
        for arm in arms
        for cut, part, relevant, shares in SCARCITY
    )
    refits = tuple(
        Refit(metric, "control", "ranker", around(0.012, 0.004), 3_000)
        for metric in ("gmv", "orders")
    )
    segments = tuple(
        SegmentLift(metric, (arms[0], arm), cut, part, share, share, around(size, 0.02), 300)
        for metric in ("orders", "gmv")
        for arm in arms[1:]
        for cut, part, share, size in SEGMENTS
    )
    return Truths(
        truth=tuple(truths),
        headroom=rooms,
        refits=refits,
        warnings=(),
        scarcity=scarcity,
        segments=segments,
    )
