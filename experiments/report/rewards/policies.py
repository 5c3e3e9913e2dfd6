"""Policies on the page: their names, numbers and colours, their lines and spots in pictures."""

import math
from collections.abc import Callable, Mapping, Sequence

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.rewards import PolicyRow, RewardsRecord
from experiments.report.kit.colours import legend, turn_class
from experiments.report.kit.curves import Spot
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.scales import (
    Axis,
    Words,
    around,
    growths,
    plain,
)
from experiments.report.rewards.words import Difference, finding, size_words


def names(record: RewardsRecord) -> list[str]:
    """All policies in the order of the grid."""
    return [row.name for row in record.policies]


def trained(record: RewardsRecord) -> list[PolicyRow]:
    """All policies but the supervised model."""
    return [row for row in record.policies if row.name != record.baseline]


def number_of(record: RewardsRecord, policy: str) -> int:
    """A policy's number on the page: 0 is the supervised model."""
    return [record.baseline, *(row.name for row in trained(record))].index(policy)


def colour(record: RewardsRecord, policy: str) -> str:
    """A policy's class: grey for the supervised model; beyond the colours, dashed again."""
    return turn_class(number_of(record, policy))


def policy_name(record: RewardsRecord, policy: str) -> Html:
    """A policy's name behind its number in a ring of its colour."""
    seal = tag("b", str(number_of(record, policy)), cls=f"seal {colour(record, policy)}")
    return tag("span", seal, tag("span", policy), cls="named")


def named(record: RewardsRecord) -> dict[str, Html]:
    """All policies with their names on the page."""
    return {name: policy_name(record, name) for name in names(record)}


def policy_legend(record: RewardsRecord, *more: tuple[str, str]) -> Html:
    """All seals, and what else is drawn."""
    return legend(*named(record).values(), *more)


def policy_row(
    record: RewardsRecord, policy: str, span: Interval, words: tuple[str, str], real: bool
) -> Row:
    """A policy's line of a forest: filled where the difference is real, and its size in words."""
    lane = Lane(span, *words, mark_of(real))
    return lane_row(policy_name(record, policy), lane, colour(record, policy))


def difference_row(record: RewardsRecord, row: Difference) -> Row:
    """The line of a relative difference from the supervised model."""
    real = finding(row, record.confidence).real
    return policy_row(record, row.policy, row.relative, size_words(row), real)


def lane_row(label: Html, lane: Lane, colour: str = "") -> Row:
    """One line, with its interval under its name where there is no room behind it."""
    return Row(join([label, tag("small", lane.beside, cls="brief")]), [lane], colour)


def mark_of(real: bool) -> str:
    """A filled dot, or a hollow one where a difference may be chance."""
    return "mark-plain" if real else "mark-cuped"


def forests(rows: Mapping[str, Sequence[Row]]) -> Html:
    """Forests of relative differences under their titles, all on one axis."""
    axis = growths(span for own in rows.values() for span in spans(own))
    return tag(
        "div", *(forest(own, axis, title, "narrow") for title, own in rows.items()), cls="panels"
    )


def spots(
    record: RewardsRecord,
    x: Mapping[str, Interval],
    y: Mapping[str, Interval],
    words: Callable[[float, float], str],
) -> list[Spot]:
    """The policies in a plane of two measures, as far as both are known of them.

    Args:
        record: whose policies.
        x, y: the measures by policy.
        words: what is told of a place when it is pointed at.
    """
    found = []
    for name in names(record):
        left, low = x.get(name, UNKNOWN).estimate, y.get(name, UNKNOWN).estimate
        if left is not None and low is not None:
            seal, told = str(number_of(record, name)), f"{name}: {words(left, low)}"
            found.append(Spot(name, seal, colour(record, name), x[name], y[name], told))
    return found


def axes(
    found: Sequence[Spot], across: str, up: str, words: Words = plain, most: float = math.inf
) -> tuple[Axis, Axis]:
    """The axes that just hold some spots.

    Args:
        found: the spots.
        across, up: names of the axes.
        words: of the upright one.
        most: no value can exceed, on either.
    """
    x = around([end for spot in found for end in spot.x.numbers], most)
    y = around([end for spot in found for end in spot.y.numbers], most)
    return Axis(x, most=4, name=across), Axis(y, words, 4, up)
