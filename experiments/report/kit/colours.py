"""Colours of arms, channels, schemes and policies, and the names and legends that tell them."""

from collections.abc import Sequence

from experiments.report.kit.markup import Html, tag

ARM_COLOURS = 6
CHANNEL_COLOURS = 8
OTHERS = CHANNEL_COLOURS - 1  # the last one is a grey, and grey is what others are compared with


def arm_class(arms: Sequence[str], arm: str) -> str:
    """The class that gives an arm its colour: control has its own, treatments take turns."""
    at = arms.index(arm) if arm in arms else 0
    return f"a{at if at == 0 else 1 + (at - 1) % (ARM_COLOURS - 1)}"


def channel_class(channels: Sequence[str], channel: str) -> str:
    """The class that gives a channel its colour."""
    at = channels.index(channel) if channel in channels else 0
    return f"c{at % CHANNEL_COLOURS}"


def turn_class(number: int) -> str:
    """The class of one of many: grey for number 0; beyond the colours, hollow and dashed again."""
    if number == 0:
        return "a0"
    turn, at = divmod(number - 1, OTHERS)
    return f"c{at} again" if turn else f"c{at}"


def named(mark: str, label: object) -> Html:
    """A label behind a mark of this class."""
    return tag("span", tag("i", cls=mark, aria_hidden="true"), label, cls="named")


def swatch(channels: Sequence[str], channel: str) -> Html:
    """A channel's name behind a square in its colour."""
    return named(f"swatch {channel_class(channels, channel)}", tag("span", channel))


def arm_name(arms: Sequence[str], arm: str) -> Html:
    """An arm's name behind a dot in its colour."""
    return named(f"dot {arm_class(arms, arm)}", tag("span", arm))


def legend(*entries: Html | tuple[str, str]) -> Html:
    """What colours and marks mean: names, or a mark's class and what it means."""
    names = [entry if isinstance(entry, Html) else named(*entry) for entry in entries]
    return tag("div", *names, cls="legend", aria_hidden="true")


def arm_legend(arms: Sequence[str]) -> Html:
    """The arms' colours."""
    return legend(*(arm_name(arms, arm) for arm in arms))
