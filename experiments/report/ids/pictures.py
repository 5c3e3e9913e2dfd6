"""The parts of the bench's pictures: schemes' colours and stacked shares."""

from collections.abc import Sequence

from experiments.records.ids import IdsRecord
from experiments.report.kit.figures import CHANNEL_COLOURS, channel_class, place
from experiments.report.kit.markup import Html, join, tag

COLOURS = CHANNEL_COLOURS - 1  # the last one is a grey, and grey is the baseline's


def colour(record: IdsRecord, scheme: str) -> str:
    """A scheme's class: grey for the baseline; beyond the colours, hollow and dashed again."""
    if scheme == record.baseline:
        return "a0"
    others = [each for each in record.schemes if each != record.baseline]
    at = others.index(scheme)
    return channel_class(others[:COLOURS], others[at % COLOURS]) + (
        " again" if at >= COLOURS else ""
    )


def scheme_name(record: IdsRecord, scheme: str) -> Html:
    """A scheme's name behind a square in its colour."""
    mark = tag("i", cls=f"swatch {colour(record, scheme)}", aria_hidden="true")
    return tag("span", mark, tag("span", scheme), cls="named")


def scheme_legend(record: IdsRecord, *more: Html) -> Html:
    """The schemes' colours, and what else is drawn."""
    names = [scheme_name(record, scheme) for scheme in record.schemes]
    return tag("div", *names, *more, cls="legend", aria_hidden="true")


def stacks(rows: Sequence[tuple[object, Sequence[float]]], names: Sequence[str]) -> Html:
    """One bar of shares for each row, darker for later parts, and what the shades mean."""
    bars = [
        tag(
            "div",
            tag("span", label, cls="label"),
            tag(
                "div",
                *(
                    tag("i", style=f"{place(width=100 * share)};--step:{at}", title=name)
                    for at, (share, name) in enumerate(zip(shares, names, strict=True))
                    if share > 0
                ),
                cls="stack",
            ),
        )
        for label, shares in rows
    ]
    keys = [
        tag("span", tag("i", cls="key", style=f"--step:{at}"), name, cls="named")
        for at, name in enumerate(names)
    ]
    return join([tag("div", *keys, cls="legend"), tag("div", *bars, cls="stacks")])
