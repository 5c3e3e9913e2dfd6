"""What the measured arm would bring by the log of another arm alone, beside the truth."""

from collections.abc import Sequence

from experiments.records.attribution import OFF_POLICY, OffPolicyRow
from experiments.records.reading import row_of, rows_of
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.digits import (
    beside,
    fixed,
    number,
    percent,
    share_words,
    spoken,
    with_range,
)
from experiments.report.kit.forest import Lane, Row, forest, spans
from experiments.report.kit.page import Content, alarm, figure, listing, note
from experiments.report.kit.scales import Axis, bounded, percents
from experiments.report.kit.sentences import begun, listed, noun_of, title_of
from experiments.report.kit.tables import Table

WORDS = {"ips": "IPS", "snips": "SNIPS", "dr": "DR", "truth": "Truth"}
TRUTH = "truth"
LEAST, MOST = -1.0, 3.0  # of the axis: an estimate may lie anywhere
NOTE = (
    "IPS: inverse propensity scores. SNIPS: the same, normalised by the sum of the weights. DR: "
    "doubly robust, a model of the log corrected by its errors. All take what a slot brings to "
    "depend on its place and item alone, and leave latency out. Lifts are over the log itself, its "
    "random pages included."
)


def off_policy(lookup: Lookup) -> Content:
    """A lane for each estimator and the truth; no such section where nothing was asked."""
    rows = rows_of(lookup.record.off_policy, arm=lookup.arm)
    if not rows:
        return None
    events = list(dict.fromkeys(row.event for row in rows))
    first = rows[0]
    lead = (
        f"What {first.arm} would bring on the {number(first.requests)} requests of "
        f"{first.logged} that open a query, told by the log of {first.logged} alone. Beside it the "
        "truth: what the simulated shoppers would do with these pages."
    )
    doubts = (
        alarm(begun(warning.removeprefix(OFF_POLICY)) + ".")
        for warning in lookup.record.warnings
        if warning.startswith(OFF_POLICY)
    )
    lanes = [
        Row(title_of(event), [_lane(row) for row in rows_of(rows, event=event)], "inked")
        for event in events
    ]
    picture = forest(lanes, Axis(bounded(spans(lanes), LEAST, MOST), percents), kind="strips")
    numbers = Table.of(
        "Off-policy estimates",
        rows,
        ("Event", lambda row: title_of(row.event)),
        ("Estimator", lambda row: WORDS.get(row.estimator, row.estimator)),
        ("Per request", lambda row: number(row.value.estimate)),
        ("Interval", lambda row: spoken(row.value, number)),
        (("Lift", "Interval"), lambda row: share_words(row.relative, sign=True)),
        ("Supported", lambda row: percent(row.supported)),
        ("Weak support", lambda row: percent(row.burden)),
        ("Effective slots", lambda row: fixed(row.effective, 0)),
        ("Largest weight", lambda row: number(row.largest)),
        names=2,
    )
    described = f"Lanes: lift of {first.arm} by each estimator and in truth, with intervals"
    return (
        lead,
        *doubts,
        listing([sentence(rows_of(rows, event=event)) for event in events], "warnings plain"),
        figure(picture, numbers, described, "Lift over the log"),
        note(NOTE),
    )


def _lane(row: OffPolicyRow) -> Lane:
    size, around = share_words(row.relative, sign=True)
    return Lane(
        row.relative,
        size,
        mark="spot rhomb" if row.estimator == TRUTH else "spot hollow",
        name=WORDS.get(row.estimator, row.estimator),
        told=beside(size, around),
    )


def sentence(rows: Sequence[OffPolicyRow]) -> str:
    """What is true of one kind of event, and which estimates hold it."""
    noun = begun(noun_of(rows[0].event))
    truth = row_of(rows, estimator=TRUTH)
    told = [row for row in rows if row.estimator != TRUTH and row.relative.estimate is not None]
    if truth is None or truth.relative.estimate is None:
        return f"{noun}: no true lift is known."
    start = f"{noun}: the truth is {with_range(truth.relative)}"
    if not told:
        return f"{start}; the log gives no estimate."
    holds, misses = (
        listed(
            [
                WORDS.get(row.estimator, row.estimator)
                for row in told
                if row.relative.holds(truth.relative.estimate) is found
            ]
        )
        for found in (True, False)
    )
    parts = [f"the interval of {holds} holds it"] if holds else []
    parts += [f"that of {misses} does not"] if holds and misses else []
    parts += [f"the interval of {misses} does not hold it"] if misses and not holds else []
    return f"{start}; {', '.join(parts) or 'no estimate has an interval'}."
