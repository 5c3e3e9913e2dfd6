"""How far each policy's reward ran ahead of what the simulated shoppers give for it."""

from collections.abc import Sequence

from experiments.records.interval import Number
from experiments.records.rewards import Hacking, RewardsRecord
from experiments.report.kit.charts import Line, chart, mark_name
from experiments.report.kit.figures import Scale
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.kit.words import fixed
from experiments.report.rewards.hackingwords import Sign, hacking_sentence, sign, spread
from experiments.report.rewards.lanes import Lane, forest
from experiments.report.rewards.pictures import colour, names, policy_name
from experiments.report.rewards.planes import around
from experiments.report.rewards.words import between

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
    oracles = {row.name for row in record.policies if row.oracle}
    said = [
        tag(
            "li",
            policy_name(record, row.policy),
            " ",
            hacking_sentence(row, oracle=row.policy in oracles),
        )
        for row in rows
    ]
    legend = tag(
        "div",
        mark_name("stroke", "gain in reward"),
        mark_name("stroke loose", "gain in what the shoppers would give"),
        cls="legend",
        aria_hidden="true",
    )
    drawn = tag("div", *courses(record, rows), cls="small-multiples")
    described = "Line charts: gain in reward and in the oracle by step, one for each policy"
    picture = join([legend, drawn, tag("div", gaps(record, rows))])
    return section(
        "hacking",
        TITLE,
        lead,
        tag("ul", *said, cls="warnings sealed"),
        figure("", picture, hacking_table(record, rows), described),
    )


def rows_in_order(record: RewardsRecord) -> list[Hacking]:
    """The rows in the order of the grid."""
    order = names(record)
    own = [row for row in record.hacking if row.policy in order]
    return sorted(own, key=lambda row: order.index(row.policy))


def courses(record: RewardsRecord, rows: Sequence[Hacking]) -> list[Html]:
    """A small picture of each policy, all on one scale."""
    up = around([0.0, *(value for row in rows for value in (*row.reward_E, *row.oracle_E))])
    last = max((step for row in rows for step in row.steps), default=1) or 1
    return [
        tag(
            "div",
            tag("h4", policy_name(record, row.policy)),
            course(record, row, Scale(0, last), up),
            cls="panel",
        )
        for row in rows
    ]


def course(record: RewardsRecord, row: Hacking, across: Scale, up: Scale) -> Html:
    """One policy's two curves."""
    shade = colour(record, row.policy)
    lines = [
        Line(shade, points(row.steps, row.reward_E, "reward")),
        Line(shade, points(row.steps, row.oracle_E, "shoppers"), "loose"),
    ]
    shown = [line for line in lines if line.points]
    return chart(shown, (), across=across, up=up, xname="step", shown=lambda value: fixed(value, 0))


def points(
    steps: Sequence[int], values: Sequence[Number], told: str
) -> list[tuple[float, float, str]]:
    """A curve with its numbers."""
    return [
        (float(step), value, f"{told}, step {step}: {spread(value)}")
        for step, value in zip(steps, values, strict=False)
        if value is not None
    ]


def gaps(record: RewardsRecord, rows: Sequence[Hacking]) -> Html:
    """The gap of every policy at the end of its trainings."""
    lanes = []
    for row in rows:
        span = None if row.gap.estimate is None else (row.gap.estimate, row.gap.low, row.gap.high)
        real = sign(row) not in (Sign.NONE, Sign.UNKNOWN)
        lanes.append(
            Lane(
                policy_name(record, row.policy),
                colour(record, row.policy),
                span,
                "mark-plain" if real else "mark-cuped",
                spread(row.gap.estimate),
                between(row.gap.low, row.gap.high, 2),
            )
        )
    title = "Gap at the end: gain in reward minus gain in what the shoppers would give"
    return forest(title, lanes, shown=sd_tick, times=1)


def sd_tick(value: float, decimals: int) -> str:
    """A tick of the axis."""
    return fixed(value, decimals, sign=True)


_WORDS = {
    Sign.HACKED: "ahead, and the shoppers lost",
    Sign.AHEAD: "ahead",
    Sign.BEHIND: "behind",
    Sign.NONE: "not told from zero",
    Sign.UNKNOWN: "unknown",
}


def hacking_table(record: RewardsRecord, rows: Sequence[Hacking]) -> Html:
    """Gains and gaps with their intervals."""
    cells = [
        [
            policy_name(record, row.policy),
            spread(row.reward.estimate),
            between(row.reward.low, row.reward.high, 2),
            spread(row.oracle.estimate),
            between(row.oracle.low, row.oracle.high, 2),
            spread(row.gap.estimate),
            between(row.gap.low, row.gap.high, 2),
            _WORDS[sign(row)],
        ]
        for row in rows
    ]
    head = ["Policy", "Reward", "Interval", "Shoppers", "Interval", "Gap", "Interval", "Reward is"]
    return table("Gains at the end of the trainings", head, cells)
