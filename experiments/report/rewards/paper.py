"""The paper's gains over its supervised model beside ours over ours."""

from experiments.records.interval import Interval
from experiments.records.published import (
    BASE,
    MEASURES,
    ONLINE_GAINS,
    POLICIES,
    SOURCE,
    policy_gain,
)
from experiments.records.rewards import Offline, RewardsRecord
from experiments.report.kit.colours import legend
from experiments.report.kit.digits import ABSENT, fixed, percent, signed_percents
from experiments.report.kit.forest import TICKS, Lane, Row, forest
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import figure, section
from experiments.report.kit.scales import Axis, shared
from experiments.report.kit.sentences import listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import lane_row, policy_name, policy_row
from experiments.report.rewards.verdict import finding, trained
from experiments.report.rewards.words import size_words


def paper(record: RewardsRecord) -> Html:
    """The section with one forest plot for each published measure."""
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
    rows = {measure: rows_of(record, measure) for measure in MEASURES}
    scale = shared([lane.span] for own in rows.values() for row in own for lane in row.lanes)
    axis = Axis(scale, signed_percents, TICKS)
    plots = [forest(own, axis, measure, "narrow") for measure, own in rows.items()]
    described = "Forest plots: relative gains over the supervised model beside the published ones"
    picture = tag("div", *plots, cls="panels")
    return section(
        "paper",
        "Beside the paper",
        lead,
        keys,
        figure(picture, paper_table(record), described),
    )


def rows_of(record: RewardsRecord, measure: str) -> list[Row]:
    """The paper's gains, then ours."""
    rows = []
    for name in POLICIES:
        if name != BASE:
            gain = policy_gain(name, measure)
            span, size = Interval(gain, None, None), percent(gain, 2, sign=True)
            label = tag("span", name, cls="named paper")
            rows.append(lane_row(label, Lane(span, size, "published", "diamond")))
    for policy in trained(record):
        found = record.offline_of(policy.name, measure)
        if found is not None:
            real = finding(found, record.confidence).real
            rows.append(policy_row(record, policy.name, found.relative, size_words(found), real))
    return rows


def paper_table(record: RewardsRecord) -> Table:
    """Levels and gains, the paper's first."""
    rows: list[list[object]] = []
    for name, levels in POLICIES.items():
        cells = []
        for measure, value in zip(MEASURES, levels, strict=True):
            gain = "" if name == BASE else f" ({percent(policy_gain(name, measure), 2, sign=True)})"
            cells.append(fixed(value, 4) + gain)
        rows.append([f"{name}, published", *cells])
    for policy in record.policies:
        own = [record.offline_of(policy.name, measure) for measure in MEASURES]
        rows.append([policy_name(record, policy.name), *(cell(record, row) for row in own)])
    return Table("Levels and gains over the supervised model", ["Policy", *MEASURES], rows)


def cell(record: RewardsRecord, row: Offline | None) -> str:
    """A level and its gain."""
    if row is None or row.value.estimate is None:
        return ABSENT
    shown = fixed(row.value.estimate, 4)
    return shown if row.policy == record.baseline else f"{shown} ({size_words(row)[0]})"
