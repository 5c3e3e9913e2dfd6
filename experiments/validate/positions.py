"""Clicks by place: that they fall from the top of a page to its bottom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from experiments.inference.intervals.crossed import contrast
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import Check, PositionRate, Verdict
from experiments.validate.evidence import PeriodLog
from experiments.validate.verdicts import judged, share_of

DEVICES = ("phone", "desktop")


Block = tuple[int, int]
"""First and last of some places in a row."""


@dataclass(frozen=True)
class Rise:
    """By how much later places are clicked more than the ones before.

    Attributes:
        before, after: the places that are compared.
        size: the difference of their click-through rates.
        p_value: one-sided, that there is no rise.
        n: exposures.
    """

    before: Block
    after: Block
    size: Interval
    p_value: float
    n: int


def falls(log: PeriodLog, confidence: float) -> Iterator[Check]:
    """Whether the click-through rate of first pages falls from place to place, by device.

    In expectation it may not rise. Each place is compared with the next, and blocks of places that
    double in length with the next block, which sees slow rises; the least p-value
    of a device's comparisons is told, times their number (Holm's first step).
    """
    _count(log)
    for device, name in enumerate(DEVICES):
        compared = blocks(_places(log, device))
        rises = [_rise(log, device, *pair, confidence) for pair in compared]
        yield _worst(log, name, [rise for rise in rises if rise is not None])


def rates(log: PeriodLog, confidence: float) -> Iterator[PositionRate]:
    """The click-through rate of each place of first pages, by device."""
    _count(log)
    for device, name in enumerate(DEVICES):
        for place in range(_places(log, device)):
            told = log.columns(
                f"SELECT shown::DOUBLE AS shown, clicked::DOUBLE AS clicked FROM places "
                f"WHERE device = {device} AND position = {place}"
            )
            found = share_of(told["clicked"], told["shown"], confidence)
            yield PositionRate(log.period, name, place, int(told["shown"].sum()), found)


def blocks(places: int) -> Iterator[tuple[Block, Block]]:
    """Places and the next ones, then blocks of 1, 1, 2, 4, 8, .. places and the next ones."""
    for place in range(places - 1):
        yield (place, place), (place + 1, place + 1)
    first, last = 1, 1
    while (first, last) != (0, 0) and last + 1 < places:
        after = last + 1, min(2 * last + 1, places - 1)
        yield (first, last), after
        first, last = after


def _count(log: PeriodLog) -> None:
    """Exposures and clicks of first pages by device, place and shopper, inside the log engine."""
    log.connection.execute(
        "CREATE OR REPLACE TEMP TABLE places AS SELECT r.device, e.position, e.shopper, "
        "count(*) AS shown, count(*) FILTER (e.clicked) AS clicked "
        f"FROM {log.own('exposures')} AS e JOIN {log.own('requests')} AS r USING (request) "
        "WHERE r.page = 0 GROUP BY ALL"
    )


def _places(log: PeriodLog, device: int) -> int:
    told = log.row(f"SELECT max(position) AS last FROM places WHERE device = {device}")["last"]
    return 0 if told is None else int(told) + 1


def _rise(
    log: PeriodLog,
    device: int,
    before: Block,
    after: Block,
    confidence: float,
) -> Rise | None:
    """The rise from one block to another, paired by shopper; None where nothing varies."""

    def inside(block: Block) -> str:
        return f"FILTER (position BETWEEN {block[0]} AND {block[1]})"

    columns = (
        f"coalesce(sum({column}) {inside(block)}, 0)::DOUBLE AS {column}_{name}"
        for column in ("clicked", "shown")
        for name, block in (("before", before), ("after", after))
    )
    told = log.columns(
        f"SELECT {', '.join(columns)} FROM places WHERE device = {device} "
        f"AND position BETWEEN {before[0]} AND {after[1]} GROUP BY shopper"
    )
    names = ("clicked_after", "shown_after", "clicked_before", "shown_before")
    found = contrast(*(told[name][None, :] for name in names), confidence=confidence)
    rise, two_sided = found.interval.estimate, found.p_value
    if rise is None or two_sided is None:
        return None
    one_sided = two_sided / 2 if rise > 0 else 1 - two_sided / 2
    n = int(told["shown_after"].sum() + told["shown_before"].sum())
    return Rise(before, after, found.interval, one_sided, n)


def _worst(log: PeriodLog, device: str, rises: Sequence[Rise]) -> Check:
    """The comparison that looks most like a rise, corrected for their number."""
    empty = Check(
        rung="ranges",
        period=log.period,
        arm=log.arm_name,
        fact=f"ctr_rise_on_{device}",
        unit="test",
        found=UNKNOWN,
        high=0.0,
        source="property",
        verdict=Verdict.UNTOLD,
        n=0,
    )
    if not rises:
        return empty
    worst = min(rises, key=lambda rise: rise.p_value)
    p_value = min(1.0, len(rises) * worst.p_value)
    note = f"from {_span(worst.before)} to {_span(worst.after)}, of {len(rises)} comparisons"
    found = replace(empty, found=worst.size, p_value=worst.p_value, n=worst.n, note=note)
    return judged(found, p_value)


def _span(block: Block) -> str:
    first, last = block[0] + 1, block[1] + 1
    return f"place {first}" if first == last else f"places {first} to {last}"
