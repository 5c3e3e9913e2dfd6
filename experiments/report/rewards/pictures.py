"""Policies' names, numbers and colours on the page, and buttons of which one is chosen."""

from collections.abc import Sequence

from experiments.records.rewards import RewardsRecord
from experiments.report.kit.figures import CHANNEL_COLOURS, channel_class
from experiments.report.kit.markup import Html, tag

COLOURS = CHANNEL_COLOURS - 1  # the last one is a grey, and grey is the supervised model's


def names(record: RewardsRecord) -> list[str]:
    """All policies in the order of the grid."""
    return [row.name for row in record.policies]


def number_of(record: RewardsRecord, policy: str) -> int:
    """A policy's number on the page: 0 is the supervised model."""
    others = [name for name in names(record) if name != record.baseline]
    return 0 if policy == record.baseline else 1 + others.index(policy)


def colour(record: RewardsRecord, policy: str) -> str:
    """A policy's class: grey for the supervised model; beyond the colours, dashed again."""
    at = number_of(record, policy) - 1
    if at < 0:
        return "a0"
    colours = [str(each) for each in range(COLOURS)]
    return channel_class(colours, colours[at % COLOURS]) + (" again" if at >= COLOURS else "")


def seal(record: RewardsRecord, policy: str) -> Html:
    """A policy's number in a ring of its colour."""
    return tag("b", str(number_of(record, policy)), cls=f"seal {colour(record, policy)}")


def policy_name(record: RewardsRecord, policy: str) -> Html:
    """A policy's name behind its seal."""
    return tag("span", seal(record, policy), tag("span", policy), cls="named")


def policy_legend(record: RewardsRecord, *more: Html) -> Html:
    """All seals, and what else is drawn."""
    entries = [policy_name(record, policy) for policy in names(record)]
    return tag("div", *entries, *more, cls="legend", aria_hidden="true")


def choice(group: str, labels: Sequence[object]) -> Html:
    """Buttons of which one is chosen, the first at the start."""
    buttons = []
    for at, label in enumerate(labels):
        key = f"{group}-{at}"
        first = True if at == 0 else None
        button = tag("input", type="radio", name=group, id=key, checked=first, cls="pick")
        buttons.append(tag("span", button, tag("label", label, for_=key)))
    return tag("div", *buttons, cls="choice")
