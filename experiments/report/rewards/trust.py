"""Which offline measures order the policies as their true lifts do, in words."""

from experiments.inference.finding import Finding, decide
from experiments.records.interval import Interval
from experiments.records.reading import rows_of
from experiments.records.rewards import RewardsRecord, Trust
from experiments.report.kit.curves import Spot, plane
from experiments.report.kit.digits import between, fixed, percent
from experiments.report.kit.forest import Lane, forest
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, choice, figure, listing, note, panels
from experiments.report.kit.scales import LONG, Axis, Scale, signed, signed_percents
from experiments.report.kit.sentences import begun, counted, listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.lifts import lifts_of
from experiments.report.rewards.pareto import offline_values
from experiments.report.rewards.policies import axes, lane_row, mark_of, policy_legend, spots
from experiments.report.rewards.words import level, measure_name

LEADING = ("uctcvr", "gmv")
"""The metrics that are shown first."""

NOTE = (
    "Noise in the lifts pulls every correlation towards zero: where few policies can be told from "
    "the supervised model, a low one says little against a measure. "
    "Each interval by itself, without a correction for their number. They take policies, seeds, "
    "shoppers and, of several, worlds as random; policies of one grid are no random draw of all "
    "policies."
)
_TOLD = {
    Finding.MORE: "yes, the same order",
    Finding.LESS: "yes, the reverse",
    Finding.UNTOLD: "no",
    Finding.MISSING: "unknown",
}


def metrics_of(record: RewardsRecord) -> list[str]:
    """The online metrics of which the record tells whom to trust, the leading ones first."""
    found = [row.metric for row in record.trust]
    return [metric for metric in dict.fromkeys((*LEADING, *found)) if metric in found]


def ranked(record: RewardsRecord, metric: str) -> list[Trust]:
    """The measures by rank correlation with a metric's true lift, the highest first."""

    def order(row: Trust) -> tuple[bool, float]:
        return row.rank_correlation.estimate is None, -(row.rank_correlation.estimate or 0.0)

    return sorted(rows_of(record.trust, metric=metric), key=order)


def trust_sentence(record: RewardsRecord, metric: str) -> str:
    """Which measures may be trusted for a metric: each interval by itself."""
    said = {row: decide(row.rank_correlation) for row in ranked(record, metric)}
    told = [row for row, found in said.items() if found is not Finding.MISSING]
    start = begun(f"{meaning(metric).noun}:")
    if not told:
        return f"{start} unknown, for no rank correlation has an interval."
    policies = counted(max(row.policies for row in told), "policy", "policies")
    parts, sure = [], 0
    for kind, words in (
        (Finding.MORE, "the policies as the true lift does"),
        (Finding.LESS, "them the wrong way round"),
    ):
        if named := [_named(row) for row in told if said[row] is kind]:
            parts.append(f"{listed(named)} {'orders' if len(named) == 1 else 'order'} {words}")
            sure += len(named)
    if not parts:
        return (
            f"{start} no offline measure can be told from chance; with {policies} every interval "
            "holds zero."
        )
    if len(told) > sure:
        parts.append("the others cannot be told from chance")
    return f"{start} {'; '.join(parts)} ({policies})."


def _named(row: Trust) -> str:
    return "{} ({}, {})".format(measure_name(row.measure), *correlation(row))


def correlation(row: Trust) -> tuple[str, str]:
    """A rank correlation and its interval."""
    found = row.rank_correlation
    return fixed(found.estimate, 2, sign=True), between(found, 2)


def trust(record: RewardsRecord) -> Content:
    """A scatter for each measure, and the measures by rank correlation."""
    metrics = metrics_of(record)
    if not metrics:
        said = "No world was lived, so no offline number can be held against the truth."
        return (absent(said),)
    lead = (
        "Each policy has an offline number and a true lift. A measure can be trusted as far as it "
        "puts the policies in the order of their true lifts; the rank correlation says how far, "
        "from 1 (the same order) to \u22121 (the reverse). With few policies its interval is wide."
    )
    parts = [
        tag("div", _ranking(record, metric), _scatters(record, metric), cls=f"option option-{at}")
        for at, metric in enumerate(metrics)
    ]
    described = "Rank correlations with intervals, and scatter plots of policies"
    return (
        lead,
        listing([trust_sentence(record, metric) for metric in metrics]),
        choice("trusted", [meaning(metric).label for metric in metrics]),
        figure(join(parts), _table(record), described),
        note(NOTE),
    )


def _ranking(record: RewardsRecord, metric: str) -> Html:
    rows = []
    for row in ranked(record, metric):
        real = decide(row.rank_correlation).real
        lane = Lane(row.rank_correlation, *correlation(row), mark_of(real))
        rows.append(lane_row(tag("span", measure_name(row.measure)), lane, "a1"))
    title = f"Rank correlation with the true lift: {meaning(metric).noun}"
    return forest(rows, Axis(Scale(-1.04, 1.04), signed, LONG), title, "narrow")


def _scatters(record: RewardsRecord, metric: str) -> Html:
    """One small plane for each measure, in the order of the ranking."""
    drawn = []
    for row in ranked(record, metric):
        found = _spots(record, row.measure, metric)
        if len(found) > 1:
            name = measure_name(row.measure)
            told = correlation(row)[0] if row.rank_correlation.estimate is not None else ""
            picture = plane(found, *axes(found, name, "true lift", signed_percents))
            drawn.append((join([name, tag("small", told)]), picture))
    return tag("div", policy_legend(record), panels(*drawn, kind="small-multiples"))


def _spots(record: RewardsRecord, measure: str, metric: str) -> list[Spot]:
    """The policies by measure and lift; the supervised model has no lift over itself."""
    lifts = {row.policy: row.relative.alone for row in lifts_of(record, metric)}
    lifts[record.baseline] = Interval(0.0, None, None)
    values = {policy: at.alone for policy, at in offline_values(record, measure).items()}

    def told(x: float, y: float) -> str:
        return f"{level(measure, x)}, {percent(y, 2, sign=True)}"

    return spots(record, values, lifts, told)


def _table(record: RewardsRecord) -> Table:
    return Table.of(
        "Offline measures against true lifts",
        [row for metric in metrics_of(record) for row in ranked(record, metric)],
        ("Metric", lambda row: meaning(row.metric).label),
        ("Measure", lambda row: measure_name(row.measure)),
        (("Rank correlation", "Interval"), correlation),
        ("Told from zero", lambda row: _TOLD[decide(row.rank_correlation)]),
        ("Policies", lambda row: row.policies),
        names=2,
    )
