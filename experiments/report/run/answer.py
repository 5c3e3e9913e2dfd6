"""What is true of a change, in plain words: its effect, what it comes from, and what is left."""

from experiments.inference.finding import Finding, decide
from experiments.records.interval import Interval
from experiments.records.truth import Headroom, Parts, Truth, Truths
from experiments.report.kit.digits import (
    fixed,
    interval_decimals,
    p_relation,
    percent,
    range_of,
    sureness,
)
from experiments.report.kit.sentences import change, change_range, listed, meaning, quoted

_EVENTS = {"gmv": "gmv", "orders": "purchase"}
"""The event whose headroom stands beside a metric."""

FINE = 0.005
"""A half-width that tells lifts of a per cent, of which every run says what it would cost."""

_WIDER = {Finding.MORE: "more", Finding.LESS: "less"}


def finding_of(truth: Truth) -> Finding:
    """What the true effect's interval allows to be said."""
    if truth.effect == Interval(0.0, 0.0, 0.0):
        return Finding.UNTOLD
    return decide(truth.effect, truth.growth)


def answer(truth: Truth, confidence: float) -> str:
    """The true effect with its interval and its resolution."""
    noun = meaning(truth.metric).noun
    control, treatment = truth.contrast
    finding, size = finding_of(truth), _size(truth)
    sure = f"{sureness(confidence)} interval"
    known = f", known to \u00b1{_fine(truth.resolution)}" if truth.resolution else ""
    if truth.effect == Interval(0.0, 0.0, 0.0):
        return f"True effect: none. {quoted(treatment)} brings exactly what {control} brings."
    if finding is Finding.UNTOLD:
        return (
            f"True effect: none that can be told from zero. With {treatment} for everybody, {noun} "
            f"changes by {size} ({sure} {_range(truth)}{known})."
        )
    return (
        f"True effect: with {treatment} for everybody, {noun} is {size} "
        f"{_WIDER[finding]} than with {control} ({sure} {_range(truth)}{known})."
    )


def others_sentence(truths: Truths, truth: Truth) -> str | None:
    """What else of shoppers' behaviour changes, each by its own interval."""
    rows = [
        row
        for row in truths.truth
        if row.contrast == truth.contrast
        and row.metric != truth.metric
        and row.growth.estimate is not None
        and not meaning(row.metric).service
        and finding_of(row).real
    ]
    if not rows:
        return None
    told = ", ".join(f"{meaning(row.metric).noun} {_signed(row.growth)}" for row in rows)
    return f"True effects on other metrics, each by its own interval: {told}."


def chance_sentence(truth: Truth) -> str | None:
    """How often an A/B test of this size would call the effect by its sign."""
    if truth.power is None or not finding_of(truth).real:
        return None
    hits = f"{fixed(100 * truth.power, 0)} of 100"
    return (
        f"An A/B test of this size calls a true effect of that size, by its sign, in {hits} runs."
    )


def room_sentence(truths: Truths, truth: Truth) -> str | None:
    """What the best recall could add, and how much of it the treatment has."""
    control = truth.contrast[0]
    room = truths.room(control, _EVENTS.get(truth.metric, ""))
    if room is None or room.recall.estimate is None:
        return None
    noun = "GMV" if room.event == "gmv" else "orders"
    said = (
        f"Headroom: with perfect recall, in the order of {control}'s own ranker, {noun} would "
        f"change by {_signed(room.recall)}."
    )
    grown = truth.growth.estimate
    if finding_of(truth).real and grown is not None and _surely_more(room) and grown > 0:
        closed = percent(grown / room.recall.estimate, 0)
        said += f" {quoted(truth.contrast[1])} has {closed} of what perfect recall would add."
    elif not _surely_more(room):
        said += " Where recall has no headroom under this ranker, no channel can show a lift."
    return said


def order_sentence(truths: Truths, truth: Truth) -> str | None:
    """What a perfect order could add, beside perfect recall."""
    control = truth.contrast[0]
    room = truths.room(control, _EVENTS.get(truth.metric, ""))
    if room is None or room.pool.estimate is None:
        return None
    return (
        f"A perfect order of what {control}'s channels find would bring {_signed(room.pool)}, "
        f"perfect recall and order together {_signed(room.catalogue)}."
    )


def parts_sentence(parts: Parts | None) -> str | None:
    """Where the effect comes from."""
    if parts is None:
        return None
    return (
        f"Of the effect, {_signed(parts.pages)} comes from other items on the pages, "
        f"{_signed(parts.latency)} from pages that come later or sooner, {_signed(parts.state)} "
        "from what earlier days have changed (memory, statistics, stock), and "
        f"{_signed(parts.lost)} from sales lost because items were gone."
    )


def refit_sentence(truths: Truths, truth: Truth) -> str | None:
    """What another training of each model alone does."""
    rows = [
        row for row in truths.refits if row.metric == truth.metric and row.arm in truth.contrast
    ]
    if not rows:
        return None
    moved = "; ".join(
        f"another training of {row.arm}'s {row.model} alone moves it by {_signed(row.relative)}"
        for row in rows
    )
    return (
        f"Training luck, in a shop whose state stays as it is: {moved}. The interval of the effect "
        "does not hold that."
    )


def basis_sentence(truth: Truth) -> str:
    """What the truth rests on, and what its interval leaves out."""
    held, left_out = _held(truth), "" if truth.trainings > 1 else ", not that of other trainings"
    pairs = _pairs(truth)
    if truth.method == "realised":
        return (
            f"The truth is realised: what really happened in {pairs}. Its interval holds "
            f"{held}{left_out}."
        )
    if truth.trainings > 1:
        pairs += ","
    said = (
        f"The truth is what {pairs} bring in expectation, over all luck of clicking and buying; "
        f"its interval holds {held}{left_out}."
    )
    pairs_wanted = truth.pairs_for(FINE)
    if pairs_wanted is not None and pairs_wanted > truth.seeds:
        ways = " (truth.seeds, or truth.resolution)."
        if truth.trainings > 1:  # pairs are not added by themselves: each needs its own training
            ways = ": more truth.seeds, each with a training of its own, narrow the interval."
        said += (
            f" To know the effect to \u00b1{_fine(FINE)} would take about {pairs_wanted} pairs of "
            f"worlds{ways}"
        )
    remainder = truth.remainder
    if remainder is not None and remainder.p_value is not None:
        said += (
            f" What was really bought differs from that by {_signed(remainder.relative)} "
            f"(p{p_relation(remainder.p_value)})."
        )
    return said


def realised_sentence(truths: Truths) -> str | None:
    """Which truths are not in expectation, where others are."""
    rows = [row for row in truths.truth if row.method == "realised"]
    if not rows or len(rows) == len(truths.truth):
        return None
    names = listed(list(dict.fromkeys(meaning(row.metric).noun for row in rows)))
    return (
        f"The truth of {names} is realised, not expected: what really happened in "
        f"{_pairs(rows[0])}. Its interval holds {_held(rows[0])}."
    )


def _pairs(truth: Truth) -> str:
    """The worlds that a truth is of."""
    pairs = "one pair of worlds" if truth.seeds == 1 else f"{truth.seeds} pairs of worlds"
    return pairs + ", each with its own training of the models" * (truth.trainings > 1)


def _held(truth: Truth) -> str:
    """The luck that its interval holds."""
    if truth.trainings > 1:
        return "the luck of shoppers, of worlds and of trainings"
    if truth.seeds > 1:
        return "shoppers' luck and that of worlds"
    if truth.method == "realised":
        return "shoppers' luck alone, not what they share (what is learned, and what sells out)"
    return "shoppers' luck and, told from categories, that of what the shop learned and sold out"


def _surely_more(room: Headroom) -> bool:
    return (room.recall.low or 0.0) > 0


def _size(truth: Truth) -> str:
    """The size of the effect: without its sign where that is told in words."""
    growth = truth.growth
    if growth.estimate is None:
        return change(truth.metric, truth.effect.estimate)
    real = finding_of(truth).real
    size = abs(growth.estimate) if real else growth.estimate
    return percent(size, interval_decimals(growth), sign=not real)


def _range(truth: Truth) -> str:
    growth = truth.growth
    if growth.estimate is None:
        return change_range(truth.metric, truth.effect)
    return range_of(growth, interval_decimals(growth))


def _signed(part: Interval) -> str:
    decimals = interval_decimals(part)
    return f"{percent(part.estimate, decimals, sign=True)} ({range_of(part, decimals)})"


def _fine(share: float) -> str:
    """A resolution with two digits."""
    return percent(share, 2 if share < 0.01 else 1)
