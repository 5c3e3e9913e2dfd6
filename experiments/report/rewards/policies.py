"""Policies on the page: their names, numbers and colours, and their lines of a forest."""

from experiments.records.interval import Interval
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.colours import legend, turn_class
from experiments.report.kit.forest import Lane, Row
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.plane import Spot


def names(record: RewardsRecord) -> list[str]:
    """All policies in the order of the grid."""
    return [row.name for row in record.policies]


def number_of(record: RewardsRecord, policy: str) -> int:
    """A policy's number on the page: 0 is the supervised model."""
    others = [name for name in names(record) if name != record.baseline]
    return 0 if policy == record.baseline else 1 + others.index(policy)


def colour(record: RewardsRecord, policy: str) -> str:
    """A policy's class: grey for the supervised model; beyond the colours, dashed again."""
    return turn_class(number_of(record, policy))


def seal(record: RewardsRecord, policy: str) -> Html:
    """A policy's number in a ring of its colour."""
    return tag("b", str(number_of(record, policy)), cls=f"seal {colour(record, policy)}")


def policy_name(record: RewardsRecord, policy: str) -> Html:
    """A policy's name behind its seal."""
    return tag("span", seal(record, policy), tag("span", policy), cls="named")


def policy_legend(record: RewardsRecord, *more: tuple[str, str]) -> Html:
    """All seals, and what else is drawn."""
    return legend(*(policy_name(record, policy) for policy in names(record)), *more)


def policy_row(
    record: RewardsRecord, policy: str, span: Interval, words: tuple[str, str], real: bool
) -> Row:
    """A policy's line of a forest: filled where the difference is real, and its size in words."""
    return lane_row(
        policy_name(record, policy), Lane(span, *words, mark_of(real)), colour(record, policy)
    )


def lane_row(label: Html, lane: Lane, colour: str = "") -> Row:
    """One line, with its interval under its name where there is no room behind it."""
    return Row(join([label, tag("small", lane.beside, cls="brief")]), [lane], colour)


def mark_of(real: bool) -> str:
    """A filled dot, or a hollow one where a difference may be chance."""
    return "mark-plain" if real else "mark-cuped"


def spot_of(record: RewardsRecord, policy: str, x: Interval, y: Interval, told: str) -> Spot:
    """A policy in a plane: its seal over two measures."""
    return Spot(policy, str(number_of(record, policy)), colour(record, policy), x, y, told)
