"""Which offline measures order the policies as their true lifts do, in words."""

from experiments.records.rewards import RewardsRecord, Trust
from experiments.report.kit.figures import Scale
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.kit.words import ABSENT, MEANINGS, fixed, meaning, percent
from experiments.report.rewards.lanes import Lane, forest
from experiments.report.rewards.lifts import rows_of
from experiments.report.rewards.pictures import choice, policy_legend
from experiments.report.rewards.planes import Spot, plane
from experiments.report.rewards.words import begun, between, counted, level, listed, measure_name

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


def told_apart(row: Trust) -> int:
    """1: the interval lies above zero; -1: below; 0: it holds zero, or there is none."""
    found = row.rank_correlation
    if found.low is None or found.high is None:
        return 0
    return int(found.low > 0) - int(found.high < 0)


def has_interval(row: Trust) -> bool:
    """Whether anything can be said of it."""
    return row.rank_correlation.low is not None


def trust_sentence(record: RewardsRecord, metric: str) -> str:
    """Which measures may be trusted for a metric: each interval by itself."""
    rows = ranked(record, metric)
    told = [row for row in rows if has_interval(row)]
    noun = meaning(metric).noun if metric in MEANINGS else metric
    start = begun(f"{noun}:")
    if not told:
        return f"{start} unknown, for no rank correlation has an interval."
    policies = counted(max(row.policies for row in told), "policy", "policies")
    with_it = [_named(row) for row in told if told_apart(row) > 0]
    against = [_named(row) for row in told if told_apart(row) < 0]
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
    return f"{measure_name(row.measure)} ({correlation}, {between(found.low, found.high, 2)})"


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
    said = tag(
        "ul", *(tag("li", trust_sentence(record, metric)) for metric in metrics), cls="warnings"
    )
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
        figure("", join(parts), trust_table(record), described),
        tag("p", NOTE, cls="note"),
    )


NOTE = (
    "Noise in the lifts pulls every correlation towards zero: where few policies can be told from "
    "the supervised model, a low one says little against a measure. "
    "Each interval by itself, without a correction for their number. They take policies, seeds "
    "and shoppers as random; policies of one grid are no random draw of all policies."
)


def ranking(record: RewardsRecord, metric: str) -> Html:
    """The measures, the highest rank correlation first."""
    lanes = []
    for row in ranked(record, metric):
        found, middle = row.rank_correlation, row.rank_correlation.estimate
        span = None if middle is None else (middle, found.low, found.high)
        mark = "mark-plain" if told_apart(row) else "mark-cuped"
        size = ABSENT if middle is None else fixed(middle, 2, sign=True)
        name = tag("span", measure_name(row.measure))
        lanes.append(Lane(name, "a1", span, mark, size, between(found.low, found.high, 2)))
    title = f"Rank correlation with the true lift: {meaning(metric).noun}"
    return forest(title, lanes, Scale(-1.04, 1.04), shown=correlation, times=1)


def correlation(value: float, decimals: int) -> str:
    """A tick of the axis."""
    return fixed(value, decimals, sign=True)


def scatters(record: RewardsRecord, metric: str) -> Html:
    """One small plane for each measure, in the order of the ranking."""
    drawn = []
    for row in ranked(record, metric):
        spots = spots_of(record, row.measure, metric)
        if len(spots) < 2:
            continue
        found = row.rank_correlation.estimate
        told = "" if found is None else fixed(found, 2, sign=True)
        title = tag("h4", measure_name(row.measure), tag("small", told))
        shown = plane(
            record,
            spots,
            xname=measure_name(row.measure),
            yname="true lift",
            yshown=lift_tick,
            ytimes=100,
        )
        drawn.append(tag("div", title, shown, cls="panel"))
    return tag("div", policy_legend(record), tag("div", *drawn, cls="small-multiples"))


def lift_tick(value: float, decimals: int) -> str:
    """A tick of true lift."""
    return percent(value, decimals, sign=True)


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
        found.append(Spot(policy.name, row.value.estimate, lift, told))
    return found


def trust_table(record: RewardsRecord) -> Html:
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
                    between(row.rank_correlation.low, row.rank_correlation.high, 2),
                    verdict_cell(row),
                    str(row.policies),
                ]
            )
    head = ["Metric", "Measure", "Rank correlation", "Interval", "Told from zero", "Policies"]
    return table("Offline measures against true lifts", head, rows, names=2)


def verdict_cell(row: Trust) -> str:
    """Whether the interval excludes zero."""
    if not has_interval(row):
        return "unknown"
    return {1: "yes, the same order", -1: "yes, the reverse", 0: "no"}[told_apart(row)]
