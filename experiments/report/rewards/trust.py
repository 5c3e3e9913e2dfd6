"""Which offline measures order the policies as their true lifts do, in words."""

from experiments.inference.finding import Finding, decide
from experiments.records.interval import Interval
from experiments.records.rewards import RewardsRecord, Trust
from experiments.report.kit.digits import ABSENT, between, fixed, percent, signed, signed_percents
from experiments.report.kit.forest import TICKS, Lane, forest
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, choice, figure, listing, note, panels, section
from experiments.report.kit.plane import Spot, plane
from experiments.report.kit.scales import Axis, Scale, around
from experiments.report.kit.sentences import begun, counted, listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.lifts import rows_of
from experiments.report.rewards.policies import lane_row, mark_of, policy_legend, spot_of
from experiments.report.rewards.words import level, measure_name

LEADING = ("uctcvr", "gmv")
"""The metrics that are shown first."""


def metrics_of(record: RewardsRecord) -> list[str]:
    """The online metrics of which the record tells whom to trust, the leading ones first."""
    found = list(dict.fromkeys(row.metric for row in record.trust))
    first = [metric for metric in LEADING if metric in found]
    return first + [metric for metric in found if metric not in first]


def ranked(record: RewardsRecord, metric: str) -> list[Trust]:
    """The measures by rank correlation with a metric's true lift, the highest first."""
    rows = [row for row in record.trust if row.metric == metric]
    known = [row for row in rows if row.rank_correlation.estimate is not None]
    unknown = [row for row in rows if row.rank_correlation.estimate is None]
    return sorted(known, key=lambda row: -(row.rank_correlation.estimate or 0.0)) + unknown


def trust_sentence(record: RewardsRecord, metric: str) -> str:
    """Which measures may be trusted for a metric: each interval by itself."""
    rows = ranked(record, metric)
    said = {row: decide(row.rank_correlation) for row in rows}
    told = [row for row in rows if said[row] is not Finding.MISSING]
    start = begun(f"{meaning(metric).noun}:")
    if not told:
        return f"{start} unknown, for no rank correlation has an interval."
    policies = counted(max(row.policies for row in told), "policy", "policies")
    with_it = [_named(row) for row in told if said[row] is Finding.MORE]
    against = [_named(row) for row in told if said[row] is Finding.LESS]
    if not with_it and not against:
        return (
            f"{start} no offline measure can be told from chance; with {policies} every interval "
            "holds zero."
        )
    parts = []
    if with_it:
        verb = "orders" if len(with_it) == 1 else "order"
        parts.append(f"{listed(with_it)} {verb} the policies as the true lift does")
    if against:
        verb = "orders" if len(against) == 1 else "order"
        parts.append(f"{listed(against)} {verb} them the wrong way round")
    if len(told) > len(with_it) + len(against):
        parts.append("the others cannot be told from chance")
    return f"{start} {'; '.join(parts)} ({policies})."


def _named(row: Trust) -> str:
    found = row.rank_correlation
    correlation = fixed(found.estimate or 0.0, 2, sign=True)
    return f"{measure_name(row.measure)} ({correlation}, {between(found, 2)})"


TITLE = "Which offline number can be trusted"
GROUP = "trusted"


def trust(record: RewardsRecord) -> Html:
    """The section with a scatter for each measure, and the measures by rank correlation."""
    metrics = metrics_of(record)
    if not metrics:
        told = absent("No world was lived, so no offline number can be held against the truth.")
        return section("trust", TITLE, None, told)
    lead = (
        "Each policy has an offline number and a true lift. A measure can be trusted as far as it "
        "puts the policies in the order of their true lifts; the rank correlation says how far, "
        "from 1 (the same order) to \u22121 (the reverse). With few policies its interval is wide."
    )
    said = listing([trust_sentence(record, metric) for metric in metrics])
    parts = [
        tag("div", ranking(record, metric), scatters(record, metric), cls=f"option option-{at}")
        for at, metric in enumerate(metrics)
    ]
    described = "Rank correlations with intervals, and scatter plots of policies"
    return section(
        "trust",
        TITLE,
        lead,
        said,
        choice(GROUP, [meaning(metric).label for metric in metrics]),
        figure(join(parts), trust_table(record), described),
        note(NOTE),
    )


NOTE = (
    "Noise in the lifts pulls every correlation towards zero: where few policies can be told from "
    "the supervised model, a low one says little against a measure. "
    "Each interval by itself, without a correction for their number. They take policies, seeds "
    "and shoppers as random; policies of one grid are no random draw of all policies."
)


def ranking(record: RewardsRecord, metric: str) -> Html:
    """The measures, the highest rank correlation first."""
    rows = []
    for row in ranked(record, metric):
        found = row.rank_correlation
        size = ABSENT if found.estimate is None else fixed(found.estimate, 2, sign=True)
        lane = Lane(found, size, between(found, 2), mark_of(decide(found).real))
        rows.append(lane_row(tag("span", measure_name(row.measure)), lane, "a1"))
    title = f"Rank correlation with the true lift: {meaning(metric).noun}"
    return forest(rows, Axis(Scale(-1.04, 1.04), signed, TICKS), title, "narrow")


def scatters(record: RewardsRecord, metric: str) -> Html:
    """One small plane for each measure, in the order of the ranking."""
    drawn = []
    for row in ranked(record, metric):
        spots = spots_of(record, row.measure, metric)
        if len(spots) < 2:
            continue
        found = row.rank_correlation.estimate
        told = "" if found is None else fixed(found, 2, sign=True)
        name = measure_name(row.measure)
        across, up = (
            around([spot.x.estimate for spot in spots]),
            around([spot.y.estimate for spot in spots]),
        )
        shown = plane(
            spots, Axis(across, most=4, name=name), Axis(up, signed_percents, 4, "true lift")
        )
        drawn.append((join([name, tag("small", told)]), shown))
    return tag("div", policy_legend(record), panels(*drawn, kind="small-multiples"))


def spots_of(record: RewardsRecord, measure: str, metric: str) -> list[Spot]:
    """The policies by measure and lift; the supervised model has no lift over itself."""
    lifts = {row.policy: row.relative.estimate for row in rows_of(record, metric)}
    lifts[record.baseline] = 0.0
    found = []
    for policy in record.policies:
        row, lift = record.offline_of(policy.name, measure), lifts.get(policy.name)
        if row is None or row.value.estimate is None or lift is None:
            continue
        told = f"{policy.name}: {level(measure, row.value.estimate)}, {percent(lift, 2, sign=True)}"
        found.append(
            spot_of(
                record,
                policy.name,
                Interval(row.value.estimate, None, None),
                Interval(lift, None, None),
                told,
            )
        )
    return found


def trust_table(record: RewardsRecord) -> Table:
    """All rank correlations."""
    rows = []
    for metric in metrics_of(record):
        for row in ranked(record, metric):
            middle = row.rank_correlation.estimate
            rows.append(
                [
                    meaning(metric).label,
                    measure_name(row.measure),
                    ABSENT if middle is None else fixed(middle, 2, sign=True),
                    between(row.rank_correlation, 2),
                    verdict_cell(row),
                    str(row.policies),
                ]
            )
    head = ["Metric", "Measure", "Rank correlation", "Interval", "Told from zero", "Policies"]
    return Table("Offline measures against true lifts", head, rows, names=2)


def verdict_cell(row: Trust) -> str:
    """Whether the interval excludes zero."""
    return {
        Finding.MORE: "yes, the same order",
        Finding.LESS: "yes, the reverse",
        Finding.UNTOLD: "no",
        Finding.MISSING: "unknown",
    }[decide(row.rank_correlation)]
