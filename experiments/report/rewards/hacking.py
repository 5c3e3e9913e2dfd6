"""How far each policy's reward ran ahead of what the simulated shoppers give for it."""

from collections.abc import Iterator, Sequence

from experiments.records.interval import Number
from experiments.records.rewards import Hacking, RewardsRecord
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.forest import forest, spans
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, figure, panels
from experiments.report.kit.scales import LONG, Axis, Scale, around, decimal, shared, signed
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import colour, names, policy_name, policy_row
from experiments.report.rewards.words import Sign, sign, spread, spread_words


def hacking(record: RewardsRecord) -> Content:
    """Reward and oracle along the trainings, and the gap at their end."""
    order = names(record)
    own = [row for row in record.hacking if row.policy in order]
    rows = sorted(own, key=lambda row: order.index(row.policy))
    if not rows:
        said = "The trainings watched no oracle, so nothing is known of reward hacking."
        return (absent(said),)
    lead = (
        "A policy learns what its reward pays for, not what shoppers want. Here its gain in reward "
        "stands beside its gain in the purchases that the simulated shopper would make of the same "
        "ids. Both are of the best ten ids of held-out requests, in standard deviations (sd) of "
        "the supervised model's values over those requests."
    )
    keys = legend(
        ("stroke", "gain in reward"),
        ("stroke loose", "gain in what the shoppers would give"),
    )
    drawn = panels(*_courses(record, rows), kind="small-multiples")
    described = "Line charts: gain in reward and in the oracle by step, one for each policy"
    picture = join([keys, drawn, tag("div", _gaps(record, rows))])
    return lead, figure(picture, _table(record, rows), described)


def _courses(record: RewardsRecord, rows: Sequence[Hacking]) -> Iterator[tuple[Html, Html]]:
    """A small picture of each policy, all on one scale."""
    up = around([0.0, *(value for row in rows for value in (*row.reward_E, *row.oracle_E))])
    last = max((step for row in rows for step in row.steps), default=1) or 1
    across = Axis(Scale(0, last), decimal, name="step")
    for row in rows:
        shade = colour(record, row.policy)
        curves = (
            Curve(shade, _points(row.steps, row.reward_E, "reward")),
            Curve(shade, _points(row.steps, row.oracle_E, "shoppers"), "loose"),
        )
        shown = [curve for curve in curves if curve.points]
        yield policy_name(record, row.policy), chart(shown, across, Axis(up, most=4))


def _points(steps: Sequence[int], values: Sequence[Number], told: str) -> list[Point]:
    return [
        Point(step, value, f"{told}, step {step}: {spread(value)}")
        for step, value in zip(steps, values, strict=False)
        if value is not None
    ]


def _gaps(record: RewardsRecord, rows: Sequence[Hacking]) -> Html:
    drawn = [
        policy_row(
            record,
            row.policy,
            row.gap,
            spread_words(row.gap),
            sign(row) not in (Sign.NONE, Sign.UNKNOWN),
        )
        for row in rows
    ]
    title = "Gap at the end: gain in reward minus gain in what the shoppers would give"
    return forest(drawn, Axis(shared(spans(drawn)), signed, LONG), title, "narrow")


def _table(record: RewardsRecord, rows: Sequence[Hacking]) -> Table:
    return Table.of(
        "Gains at the end of the trainings",
        rows,
        ("Policy", lambda row: policy_name(record, row.policy)),
        (("Reward", "Interval"), lambda row: spread_words(row.reward)),
        (("Shoppers", "Interval"), lambda row: spread_words(row.oracle)),
        (("Gap", "Interval"), lambda row: spread_words(row.gap)),
        ("Reward is", lambda row: sign(row).value),
    )
