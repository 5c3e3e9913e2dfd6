"""The paper's gains over its supervised model beside ours over ours."""

from experiments.records.published import (
    BASE,
    MEASURES,
    ONLINE_GAINS,
    POLICIES,
    SOURCE,
    policy_gain,
)
from experiments.records.rewards import Offline, RewardsRecord
from experiments.report.kit.charts import mark_name
from experiments.report.kit.figures import Scale
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.tables import figure, section, table
from experiments.report.kit.words import ABSENT, fixed, meaning, percent
from experiments.report.rewards.lanes import Lane, forest
from experiments.report.rewards.pictures import colour, policy_name
from experiments.report.rewards.verdict import finding, trained
from experiments.report.rewards.words import listed, size_words
from experiments.report.run.effects import shared_scale


def paper(record: RewardsRecord) -> Html:
    """The section with one forest plot for each published measure."""
    gains = [f"{meaning(m).noun} {percent(g, 2, sign=True)}" for m, g in ONLINE_GAINS.items()]
    lead = (
        f"Gains over the supervised model, ours and the published ones ({SOURCE}). The paper's "
        "shop, log and model are other ones, and its numbers stand without intervals: compare "
        f"signs and sizes, not levels. In its two-week online test it reports {listed(gains)}; our "
        "true lifts are over the supervised model, so they are not the same quantity."
    )
    legend = tag(
        "div",
        mark_name("mark-plain a1", "ours, real"),
        mark_name("mark-cuped a1", "ours, may be chance"),
        mark_name("diamond", "the paper's"),
        cls="legend",
        aria_hidden="true",
    )
    lanes = {measure: lanes_of(record, measure) for measure in MEASURES}
    scale = shared_scale([{"": lane.span} for own in lanes.values() for lane in own if lane.span])
    plots = [one(measure, own, scale) for measure, own in lanes.items()]
    described = "Forest plots: relative gains over the supervised model beside the published ones"
    picture = tag("div", *plots, cls="panels")
    return section(
        "paper",
        "Beside the paper",
        lead,
        legend,
        figure("", picture, paper_table(record), described),
    )


def one(measure: str, lanes: list[Lane], scale: Scale) -> Html:
    """One measure."""
    return forest(measure, lanes, scale)


def lanes_of(record: RewardsRecord, measure: str) -> list[Lane]:
    """The paper's gains, then ours."""
    lanes = []
    for name in POLICIES:
        if name != BASE:
            gain = policy_gain(name, measure)
            shown = percent(gain, 2, sign=True)
            label = tag("span", name, cls="named paper")
            lanes.append(Lane(label, "", (gain, None, None), "diamond", shown, "published"))
    for policy in trained(record):
        row = record.offline_of(policy.name, measure)
        if row is None:
            continue
        size, interval = size_words(row)
        span = None
        if row.relative.estimate is not None:
            span = (row.relative.estimate, row.relative.low, row.relative.high)
        mark = "mark-plain" if finding(row, record.confidence).real else "mark-cuped"
        label = policy_name(record, policy.name)
        lanes.append(Lane(label, colour(record, policy.name), span, mark, size, interval))
    return lanes


def paper_table(record: RewardsRecord) -> Html:
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
    return table("Levels and gains over the supervised model", ["Policy", *MEASURES], rows)


def cell(record: RewardsRecord, row: Offline | None) -> str:
    """A level and its gain."""
    if row is None or row.value.estimate is None:
        return ABSENT
    shown = fixed(row.value.estimate, 4)
    return shown if row.policy == record.baseline else f"{shown} ({size_words(row)[0]})"
