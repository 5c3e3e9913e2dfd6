"""What must be known before a plan is believed, a sentence each."""

from experiments.inference.intervals.binomial import exact_share
from experiments.inference.power.tails import FEW
from experiments.records.experiment.power import PowerRecord, SimulatedPower

ALARM = 0.001
"""A share this improbable by the formula is an alarm: low, for every plan has several."""
OFF = 0.1
"""How far a foretold error may be off before a sentence says so."""
_NAMES = {"plain": "", "cuped": " with CUPED", "given": " with the given reduction"}


def told_warnings(record: PowerRecord) -> tuple[str, ...]:
    """All that must be known of a plan from a log."""
    told = (heavy_tails, disagreements, far_off, far_beyond)
    return tuple(sentence for each in told for sentence in each(record))


def heavy_tails(record: PowerRecord) -> list[str]:
    """Whether the metric hangs on few units."""
    found = record.tails
    told: list[str] = []
    if found is None:
        return told
    if found.effective < FEW:
        told.append(
            f"The metric hangs on few: {found.counting:,} of {found.units:,} shoppers count, which "
            f"is as uncertain as {found.effective:.0f} equal ones. So the variance is hardly "
            "known, nor is what is told here. The share of shoppers who buy can be planned better."
        )
    smallest = record.accrued[record.days - 1].units * min(record.shares)
    if found.units_for_normal > smallest:
        equal = max(record.shares) - min(record.shares) < 1e-3
        so = (
            "As all arms are equally large, the skewness of their difference cancels"
            if equal
            else "As the arms are not equally large, the test may call too much or too little"
        )
        told.append(
            f"A shopper's value is skewed ({found.skewness:.1f}): it takes "
            f"{found.units_for_normal:,.0f} shoppers until the mean of an arm is near enough to "
            f"normal, and the smallest arm has {smallest:,.0f}. {so}; believe the simulated tests."
        )
    return told


def disagreements(record: PowerRecord) -> list[str]:
    """Where simulated tests find another share than the formula says."""
    return [_disagreement(row) for row in record.simulated if _apart(row)]


def _apart(row: SimulatedPower) -> bool:
    """Whether chance does not explain that simulated tests find another share."""
    events = round((row.found.estimate or 0.0) * row.repetitions)
    wide = exact_share(events, row.repetitions, confidence=1 - ALARM)
    return wide.holds(row.formula) is False


def _disagreement(row: SimulatedPower) -> str:
    low, high = row.found.ends or (0.0, 0.0)
    what = "nothing" if row.asked == "false positives" else "the effect"
    return (
        f"Simulated tests{_NAMES[row.method]} of {what} find something in "
        f"{100 * (row.found.estimate or 0):.1f}% ({100 * low:.1f} to {100 * high:.1f}%), where the "
        f"formula says {100 * (row.formula or 0):.1f}%. Believe the simulated ones."
    )


def far_off(record: PowerRecord) -> list[str]:
    """Whether the law of growth was far off within the log."""
    rows = () if record.law is None else record.law.foretold
    return [
        f"From the first half of the log's days its last day is foretold with an error that is "
        f"{100 * abs(row.off):.0f}% too {'great' if row.off > 0 else 'small'}: days that the log "
        "does not have may be off by as much, or more."
        for row in rows
        if row.what == "error" and abs(row.off) > OFF
    ]


def far_beyond(record: PowerRecord) -> list[str]:
    """Whether days are told that lie far beyond the log."""
    if record.law is None:
        return []
    latest = max([record.days, *(need.days_needed or 0 for need in record.needs)])
    if latest <= 2 * record.law.days:
        return []
    return [
        f"Day {latest} lies more than twice as far as the {record.law.days} days of the log go, "
        "and the law of growth was held against nothing so far away: in it the shop never grows, "
        "and nobody stays away for good."
    ]
