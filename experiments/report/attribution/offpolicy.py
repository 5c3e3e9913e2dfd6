"""What the measured arm would bring by the log of another arm alone, beside the truth."""

from collections.abc import Sequence

from experiments.records.attribution import OFF_POLICY, OffPolicyRow
from experiments.report.attribution.lookup import Lookup
from experiments.report.kit.digits import (
    ABSENT,
    fixed,
    number,
    percent,
    percents,
    share_words,
    with_range,
)
from experiments.report.kit.forest import Lane, Row, forest
from experiments.report.kit.markup import Html
from experiments.report.kit.page import alarm, figure, listing, note, section
from experiments.report.kit.scales import Axis, bounded
from experiments.report.kit.sentences import listed, noun_of, title_of
from experiments.report.kit.tables import Table

TITLE = "Off-policy estimates"
WORDS = {"ips": "IPS", "snips": "SNIPS", "dr": "DR", "truth": "Truth"}
TRUTH = "truth"
LEAST, MOST = -1.0, 3.0  # of the axis: an estimate may lie anywhere
NOTE = (
    "IPS: inverse propensity scores. SNIPS: the same, normalised by the sum of the weights. DR: "
    "doubly robust, a model of the log corrected by its errors. All take what a slot brings to "
    "depend on its place and item alone, and leave latency out. Lifts are over the log itself, its "
    "random pages included."
)


def off_policy(lookup: Lookup) -> Html | None:
    """The section with a lane for each estimator and the truth; None where nothing was asked."""
    rows = [row for row in lookup.record.off_policy if row.arm == lookup.arm]
    if not rows:
        return None
    events = list(dict.fromkeys(row.event for row in rows))
    first = rows[0]
    lead = (
        f"What {first.arm} would bring on the {number(first.requests)} requests of "
        f"{first.logged} that open a query, told by the log of {first.logged} alone. Beside it the "
        "truth: what the simulated shoppers would do with these pages."
    )
    drawn = [Row(title_of(event), lanes_of(rows, event), "inked") for event in events]
    scale = bounded((lane.span for row in drawn for lane in row.lanes), LEAST, MOST)
    said = [sentence([row for row in rows if row.event == event]) for event in events]
    described = f"Lanes: lift of {first.arm} by each estimator and in truth, with intervals"
    picture = forest(drawn, Axis(scale, percents), kind="strips")
    return section(
        "offpolicy",
        TITLE,
        lead,
        *(alarm(_capital(warning)) for warning in doubts_of(lookup)),
        listing(said, "warnings plain"),
        figure(picture, estimates_table(rows), described, "Lift over the log"),
        note(NOTE),
    )


def doubts_of(lookup: Lookup) -> list[str]:
    """The record's warnings of these estimates."""
    known = [each for each in lookup.record.warnings if each.startswith(OFF_POLICY)]
    return [each.removeprefix(OFF_POLICY) for each in known]


def _capital(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}."


def lanes_of(rows: Sequence[OffPolicyRow], event: str) -> list[Lane]:
    """The estimators of one kind of event, and the truth last."""
    return [
        Lane(
            row.relative,
            share_words(row.relative, sign=True)[0],
            mark="spot rhomb" if row.estimator == TRUTH else "spot hollow",
            name=WORDS.get(row.estimator, row.estimator),
        )
        for row in rows
        if row.event == event
    ]


def sentence(rows: Sequence[OffPolicyRow]) -> str:
    """What is true of one kind of event, and which estimates hold it."""
    noun = _capital(noun_of(rows[0].event))[:-1]
    truth = next((row for row in rows if row.estimator == TRUTH), None)
    told = [row for row in rows if row.estimator != TRUTH and row.relative.estimate is not None]
    if truth is None or truth.relative.estimate is None:
        return f"{noun}: no true lift is known."
    start = f"{noun}: the truth is {with_range(truth.relative)}"
    if not told:
        return f"{start}; the log gives no estimate."
    holds = [
        WORDS.get(row.estimator, row.estimator)
        for row in told
        if _holds(row, truth.relative.estimate)
    ]
    misses = [
        WORDS.get(row.estimator, row.estimator)
        for row in told
        if _misses(row, truth.relative.estimate)
    ]
    parts = [f"the interval of {listed(holds)} holds it"] if holds else []
    parts += [f"that of {listed(misses)} does not"] if holds and misses else []
    parts += [f"the interval of {listed(misses)} does not hold it"] if misses and not holds else []
    return f"{start}; {', '.join(parts) or 'no estimate has an interval'}."


def _holds(row: OffPolicyRow, truth: float) -> bool:
    low, high = row.relative.low, row.relative.high
    return low is not None and high is not None and low <= truth <= high


def _misses(row: OffPolicyRow, truth: float) -> bool:
    return row.relative.low is not None and row.relative.high is not None and not _holds(row, truth)


def estimates_table(rows: Sequence[OffPolicyRow]) -> Table:
    """Every estimate with what its weights are worth."""
    cells = [
        [
            title_of(row.event),
            WORDS.get(row.estimator, row.estimator),
            number(row.value.estimate),
            ABSENT
            if row.value.low is None or row.value.high is None
            else f"{number(row.value.low)} to {number(row.value.high)}",
            *share_words(row.relative, sign=True),
            percent(row.supported),
            ABSENT if row.effective is None else fixed(row.effective, 0),
            number(row.largest),
        ]
        for row in rows
    ]
    head = [
        *("Event", "Estimator", "Per request", "Interval", "Lift", "Interval"),
        *("Supported", "Effective slots", "Largest weight"),
    ]
    return Table("Off-policy estimates", head, cells, names=2)
