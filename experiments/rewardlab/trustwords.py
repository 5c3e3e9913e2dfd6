"""Which offline measures order the policies as their true lifts do, in words."""

from experiments.report.words import MEANINGS, fixed, meaning
from experiments.rewardlab.record import RewardsRecord, Trust
from experiments.rewardlab.words import begun, between, counted, listed, measure_name

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
    known = [row for row in rows if row.rank_correlation is not None]
    unknown = [row for row in rows if row.rank_correlation is None]
    return sorted(known, key=lambda row: -(row.rank_correlation or 0.0)) + unknown


def told_apart(row: Trust) -> int:
    """1: the interval lies above zero; -1: below; 0: it holds zero, or there is none."""
    if row.low is None or row.high is None:
        return 0
    return int(row.low > 0) - int(row.high < 0)


def has_interval(row: Trust) -> bool:
    """Whether anything can be said of it."""
    return row.low is not None and row.high is not None


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
    correlation = fixed(row.rank_correlation or 0.0, 2, sign=True)
    return f"{measure_name(row.measure)} ({correlation}, {between(row.low, row.high, 2)})"
