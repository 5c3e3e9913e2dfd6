"""True lifts over the supervised model, and offline gains beside published ones, as forests."""

from collections.abc import Sequence

from experiments.records.interval import Interval
from experiments.records.papers.published import (
    BASE,
    MEASURES,
    ONLINE_GAINS,
    POLICIES,
    SOURCE,
    policy_gain,
)
from experiments.records.reading import rows_of
from experiments.records.rewards import Offline, Online, RewardsRecord
from experiments.report.kit.colours import legend
from experiments.report.kit.digits import ABSENT, beside, change_words, fixed, percent
from experiments.report.kit.forest import Lane, Row
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, figure, note
from experiments.report.kit.sentences import counted, level, listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import (
    difference_row,
    forests,
    lane_row,
    policy_name,
    trained,
)
from experiments.report.rewards.verdict import online_rows
from experiments.report.rewards.words import TESTED, shown_metrics, size_words, tested


def lifts(record: RewardsRecord) -> Content:
    """One forest plot of true lifts for each metric."""
    if not record.online:
        return (absent("No world was lived with these policies."),)
    lead = (
        "The effect of serving a policy instead of the supervised model, from worlds in which the "
        f"same shoppers with the same luck met both ({counted(record.worlds, 'world')} for each "
        "training). A filled dot is real after correcting for the number of comparisons; a hollow "
        "one may be chance."
    )
    metrics = shown_metrics([row.metric for row in record.online])
    picture = forests(
        {
            meaning(metric).label: [difference_row(record, row) for row in lifts_of(record, metric)]
            for metric in metrics
        }
    )
    described = "Forest plots: true lift of each metric for each policy"
    keys = legend(("mark-plain a1", "real"), ("mark-cuped a1", "may be chance"))
    return lead, keys, figure(picture, _lifts_table(record), described), _control_note(record)


def lifts_of(record: RewardsRecord, metric: str) -> list[Online]:
    """The policies' true lifts of a metric, in the order of the grid."""
    found = [record.online_of(row.name, metric) for row in trained(record)]
    return [row for row in found if row is not None]


def _lifts_table(record: RewardsRecord) -> Table:
    """All true lifts, the worth of the channel itself included."""
    rows = [
        _lift_cells(f"{row.policy} over control", row, [*tested(record, row)[:-1], ABSENT])
        for row in record.control
    ]
    rows += [
        _lift_cells(policy_name(record, row.policy), row, tested(record, row))
        for policy in trained(record)
        for row in online_rows(record, policy.name)
    ]
    head = ["Policy", "Metric", "Base", "Policy\u2019s", "Lift", *TESTED, "By seed", "Shoppers"]
    return Table("True lifts", head, rows, names=2)


def _lift_cells(name: object, row: Online, told: Sequence[object]) -> list[object]:
    """Levels, what is told of the lift, and what it rests on."""
    levels = [level(row.metric, value) for value in (row.base, row.value)]
    seeds = ", ".join(percent(value, 2, sign=True) for value in row.per_seed) or ABSENT
    return [name, meaning(row.metric).label, *levels, *told, seeds, fixed(row.shoppers, 0)]


def _control_note(record: RewardsRecord) -> Html | None:
    """What the supervised model itself is worth over the config's control."""
    parts = [
        f"{meaning(row.metric).noun} {beside(*change_words(row.relative))}"
        for row in rows_of(record.control, policy=record.baseline)
        if row.relative.estimate is not None
    ]
    told = f"For scale, the supervised model itself over the control arm: {listed(parts)}."
    return note(told) if parts else None


def paper(record: RewardsRecord) -> Content:
    """One forest plot of offline gains for each published measure, the paper's gains first."""
    gains = [f"{meaning(m).noun} {percent(g, 2, sign=True)}" for m, g in ONLINE_GAINS.items()]
    lead = (
        f"Gains over the supervised model, ours and the published ones ({SOURCE}). The paper's "
        "shop, log and model are other ones, and its numbers stand without intervals: compare "
        f"signs and sizes, not levels. In its two-week online test it reports {listed(gains)}; our "
        "true lifts are over the supervised model, so they are not the same quantity."
    )
    keys = legend(
        ("mark-plain a1", "ours, real"),
        ("mark-cuped a1", "ours, may be chance"),
        ("diamond", "the paper's"),
    )
    picture = forests({measure: _gains(record, measure) for measure in MEASURES})
    described = "Forest plots: relative gains over the supervised model beside the published ones"
    return lead, keys, figure(picture, _paper_table(record), described)


def _gains(record: RewardsRecord, measure: str) -> list[Row]:
    rows = []
    for name in POLICIES:
        if name != BASE:
            gain = policy_gain(name, measure)
            span, size = Interval(gain, None, None), percent(gain, 2, sign=True)
            label = tag("span", name, cls="named paper")
            rows.append(lane_row(label, Lane(span, size, "published", "diamond")))
    own = [record.offline_of(policy.name, measure) for policy in trained(record)]
    return rows + [difference_row(record, row) for row in own if row is not None]


def _paper_table(record: RewardsRecord) -> Table:
    rows: list[list[object]] = []
    for name, levels in POLICIES.items():
        cells = []
        for measure, value in zip(MEASURES, levels, strict=True):
            gain = "" if name == BASE else f" ({percent(policy_gain(name, measure), 2, sign=True)})"
            cells.append(fixed(value, 4) + gain)
        rows.append([f"{name}, published", *cells])
    for policy in record.policies:
        own = [record.offline_of(policy.name, measure) for measure in MEASURES]
        rows.append([policy_name(record, policy.name), *(_level(record, row) for row in own)])
    return Table("Levels and gains over the supervised model", ["Policy", *MEASURES], rows)


def _level(record: RewardsRecord, row: Offline | None) -> str:
    if row is None or row.value.estimate is None:
        return ABSENT
    shown = fixed(row.value.estimate, 4)
    return shown if row.policy == record.baseline else f"{shown} ({size_words(row)[0]})"
