"""How far each policy's reward ran ahead of what the simulated shoppers give for it."""

from collections.abc import Sequence

from experiments.records.interval import Number
from experiments.records.rewards import Hacking, RewardsRecord
from experiments.report.kit.colours import legend
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import between, decimal, signed
from experiments.report.kit.forest import TICKS, forest
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, figure, panels, section
from experiments.report.kit.scales import Axis, Scale, around, shared
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import colour, names, policy_name, policy_row
from experiments.report.rewards.words import Sign, sign, spread

TITLE = "Reward hacking"


def hacking(record: RewardsRecord) -> Html:
    """The section with reward and oracle along the trainings, and the gap at their end."""
    rows = rows_in_order(record)
    if not rows:
        told = absent("The trainings watched no oracle, so nothing is known of reward hacking.")
        return section("hacking", TITLE, None, told)
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
    drawn = panels(*courses(record, rows), kind="small-multiples")
    described = "Line charts: gain in reward and in the oracle by step, one for each policy"
    picture = join([keys, drawn, tag("div", gaps(record, rows))])
    return section("hacking", TITLE, lead, figure(picture, hacking_table(record, rows), described))


def rows_in_order(record: RewardsRecord) -> list[Hacking]:
    """The rows in the order of the grid."""
    order = names(record)
    own = [row for row in record.hacking if row.policy in order]
    return sorted(own, key=lambda row: order.index(row.policy))


def courses(record: RewardsRecord, rows: Sequence[Hacking]) -> list[tuple[Html, Html]]:
    """A small picture of each policy, all on one scale."""
    up = around([0.0, *(value for row in rows for value in (*row.reward_E, *row.oracle_E))])
    last = max((step for row in rows for step in row.steps), default=1) or 1
    across = Axis(Scale(0, last), decimal, name="step")
    drawn = []
    for row in rows:
        shade = colour(record, row.policy)
        curves = [
            Curve(shade, points_of(row.steps, row.reward_E, "reward")),
            Curve(shade, points_of(row.steps, row.oracle_E, "shoppers"), "loose"),
        ]
        shown = [curve for curve in curves if curve.points]
        drawn.append((policy_name(record, row.policy), chart(shown, across, Axis(up, most=4))))
    return drawn


def points_of(steps: Sequence[int], values: Sequence[Number], told: str) -> list[Point]:
    """A curve with its numbers."""
    return [
        Point(step, value, f"{told}, step {step}: {spread(value)}")
        for step, value in zip(steps, values, strict=False)
        if value is not None
    ]


def gaps(record: RewardsRecord, rows: Sequence[Hacking]) -> Html:
    """The gap of every policy at the end of its trainings."""
    drawn = []
    for row in rows:
        real = sign(row) not in (Sign.NONE, Sign.UNKNOWN)
        words = spread(row.gap.estimate), between(row.gap, 2)
        drawn.append(policy_row(record, row.policy, row.gap, words, real))
    axis = Axis(shared([row.gap] for row in rows), signed, TICKS)
    title = "Gap at the end: gain in reward minus gain in what the shoppers would give"
    return forest(drawn, axis, title, "narrow")


def hacking_table(record: RewardsRecord, rows: Sequence[Hacking]) -> Table:
    """Gains and gaps with their intervals."""
    cells = [
        [
            policy_name(record, row.policy),
            spread(row.reward.estimate),
            between(row.reward, 2),
            spread(row.oracle.estimate),
            between(row.oracle, 2),
            spread(row.gap.estimate),
            between(row.gap, 2),
            sign(row).value,
        ]
        for row in rows
    ]
    head = ["Policy", "Reward", "Interval", "Shoppers", "Interval", "Gap", "Interval", "Reward is"]
    return Table("Gains at the end of the trainings", head, cells)
