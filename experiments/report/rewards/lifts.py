"""True lifts over the supervised model as forest plots."""

from collections.abc import Sequence

from experiments.records.rewards import Online, RewardsRecord
from experiments.report.kit.colours import legend
from experiments.report.kit.digits import ABSENT, change_words, fixed, percent, signed_percents
from experiments.report.kit.forest import TICKS, forest
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, figure, note, section
from experiments.report.kit.scales import Axis, shared
from experiments.report.kit.sentences import counted, level, listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.overview import tested
from experiments.report.rewards.policies import policy_name, policy_row
from experiments.report.rewards.verdict import finding, online_rows, trained
from experiments.report.rewards.words import shown_metrics, size_words

TITLE = "True lifts"


def lifts(record: RewardsRecord) -> Html:
    """The section with one forest plot for each metric."""
    if not record.online:
        return section("lifts", TITLE, None, absent("No world was lived with these policies."))
    lead = (
        "The effect of serving a policy instead of the supervised model, from worlds in which the "
        f"same shoppers with the same luck met both ({counted(record.worlds, 'world')} for each "
        "training). A filled dot is real after correcting for the number of comparisons; a hollow "
        "one may be chance."
    )
    metrics = shown_metrics([row.metric for row in record.online])
    rows = {metric: rows_of(record, metric) for metric in metrics}
    scale = shared([row.relative] for own in rows.values() for row in own)
    axis = Axis(scale, signed_percents, TICKS)
    plots = [one(record, metric, own, axis) for metric, own in rows.items()]
    described = "Forest plots: true lift of each metric for each policy"
    picture = tag("div", *plots, cls="panels")
    return section(
        "lifts",
        TITLE,
        lead,
        legend(("mark-plain a1", "real"), ("mark-cuped a1", "may be chance")),
        figure(picture, lifts_table(record), described),
        control_note(record),
    )


def rows_of(record: RewardsRecord, metric: str) -> list[Online]:
    """The policies' rows of a metric, in the order of the grid."""
    found = [record.online_of(row.name, metric) for row in trained(record)]
    return [row for row in found if row is not None]


def one(record: RewardsRecord, metric: str, rows: list[Online], axis: Axis) -> Html:
    """A metric's forest."""
    drawn = [
        policy_row(
            record, row.policy, row.relative, size_words(row), finding(row, record.confidence).real
        )
        for row in rows
    ]
    return forest(drawn, axis, meaning(metric).label, "narrow")


def lifts_table(record: RewardsRecord) -> Table:
    """All true lifts, the worth of the channel itself included."""
    rows = [
        [f"{row.policy} over control", *lift_cells(row, [*tested(record, row)[:-1], ABSENT])]
        for row in record.control
    ]
    rows += [
        [policy_name(record, row.policy), *lift_cells(row, tested(record, row))]
        for policy in trained(record)
        for row in online_rows(record, policy.name)
    ]
    head = ["Policy", "Metric", "Base", "Policy\u2019s", "Lift", "Interval", "p", "p, corrected"]
    return Table("True lifts", [*head, "Real", "By seed", "Shoppers"], rows, names=2)


def lift_cells(row: Online, told: Sequence[object]) -> list[object]:
    """Levels, what is told of the lift, and what it rests on."""
    seeds = [percent(value, 2, sign=True) for value in row.per_seed]
    return [
        meaning(row.metric).label,
        level(row.metric, row.base),
        level(row.metric, row.value),
        *told,
        ", ".join(seeds) or ABSENT,
        fixed(row.shoppers, 0),
    ]


def control_note(record: RewardsRecord) -> Html | None:
    """What the supervised model itself is worth over the config's control."""
    parts = []
    for row in record.control:
        if row.relative.estimate is None or row.policy != record.baseline:
            continue
        size, interval = change_words(row.relative)
        within = "" if interval == ABSENT else f" ({interval})"
        parts.append(f"{meaning(row.metric).noun} {size}{within}")
    if not parts:
        return None
    told = f"For scale, the supervised model itself over the control arm: {listed(parts)}."
    return note(told)
