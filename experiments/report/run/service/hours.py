"""The service through the hours of the day: when pages are late, and when channels are missing."""

from collections.abc import Sequence

from experiments.records.reading import grouped, rows_of
from experiments.records.run import Run
from experiments.report.kit.colours import arm_class, arm_legend, channel_class, legend, swatch
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import duration, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import figure, note, panels
from experiments.report.kit.scales import Axis, Scale, along, from_zero, percents
from experiments.report.kit.tables import Table

_CLOCK = Axis(
    Scale(0, 23), name="hour of the day", marks=[(hour, f"{hour}") for hour in range(0, 24, 4)]
)


def by_hour(run: Run) -> Sequence[object]:
    """Latency and missing channels by hour; nothing where no channel was ever missing."""
    missing, hours = run.metrics.without, run.metrics.hours
    if not missing:
        return ()
    slow = [row.p99 for row in hours]
    late = chart(
        [
            Curve(
                arm_class(run.arms, arm),
                [
                    Point(row.hour, row.p99, f"{arm}, {row.hour}:00: {duration(row.p99)}")
                    for row in rows_of(hours, arm=arm)
                ],
            )
            for arm in run.arms
        ],
        _CLOCK,
        Axis(from_zero(slow), along(1000, " ms"), 4),
    )
    without = [(arm, _without(run, arm)) for arm in grouped(missing, lambda row: row.arm)]
    table = Table.of(
        "Pages that came without a channel, by hour of the day",
        missing,
        ("Arm", lambda row: row.arm),
        ("Channel", lambda row: row.channel),
        ("Hour", lambda row: f"{row.hour}:00"),
        ("Pages", lambda row: row.requests),
        ("Share", lambda row: percent(row.share, 2)),
        names=3,
    )
    picture = panels(
        ("99th percentile of page latency", tag("div", arm_legend(run.arms), late)),
        *((f"Pages without a channel, {arm}", drawn) for arm, drawn in without),
    )
    told = (
        "By the hour at which a page was asked for, over all days. A page comes without a channel "
        "when the channel is late, is too busy to take the request, or fails; Health counts the "
        "three apart. The arms of an experiment share the servers. With everybody in one arm a "
        "channel has more to do; the true effect includes that."
    )
    described = "Charts by hour of the day: page latency, and pages that came without a channel"
    return figure(picture, table, described), note(told)


def _without(run: Run, arm: str) -> Html:
    """The share of an arm's pages that came without each channel."""
    rows = rows_of(run.metrics.without, arm=arm)
    by_channel = grouped(rows, lambda row: row.channel)
    curves = [
        Curve(
            channel_class(run.channels, channel),
            [
                Point(row.hour, row.share, f"{channel}, {row.hour}:00: {percent(row.share, 1)}")
                for row in some
            ],
        )
        for channel, some in by_channel.items()
    ]
    marks = legend(*(swatch(run.channels, each) for each in by_channel))
    up = Axis(from_zero([row.share for row in rows]), percents, 4)
    return tag("div", marks, chart(curves, _CLOCK, up))
