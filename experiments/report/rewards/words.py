"""The lab's measures and sizes as people read them."""

from collections.abc import Sequence

from cqsid.alignment.measures import FIRST_CODES, MEASURES
from experiments.records.interval import Interval, Number
from experiments.records.rewards import ONLINE, Contrast, Offline, Online, RewardsRecord
from experiments.report.kit.words import (
    ABSENT,
    fixed,
    interval_decimals,
    meaning,
    percent,
    range_of,
)

NAMES = {FIRST_CODES: "first codes"}
"""Offline measures that are not called by their name."""

MOST_DECIMALS = 2  # of a percentage; more would be read by nobody

SUPERVISED = "the supervised model"

Row = Offline | Online | Contrast
"""A difference that can be told of: from the supervised model, or from a control."""


def called(row: Row) -> str:
    """The measure or metric of a row, inside a sentence."""
    if isinstance(row, Contrast):
        return measure_name(row.name) if row.kind == "offline" else meaning(row.name).noun
    return measure_name(row.measure) if isinstance(row, Offline) else meaning(row.metric).noun


def measure_name(measure: str) -> str:
    """An offline measure's name."""
    return NAMES.get(measure, measure)


def level(measure: str, value: Number) -> str:
    """The value of an offline measure."""
    if value is None:
        return ABSENT
    return fixed(value, 2 if measure == FIRST_CODES else 4)


def judged(row: Row) -> Interval:
    """The difference that is judged, with its interval: relative online, as it is offline."""
    if isinstance(row, Online) or (isinstance(row, Contrast) and row.kind == "online"):
        return row.relative
    return row.effect


def size_words(row: Row) -> tuple[str, str]:
    """The difference and its interval: relative where the base allows it, else as it is."""
    found = row.relative
    if found.estimate is None and not isinstance(row, Online):
        plain = judged(row)
        if plain.estimate is None:
            return ABSENT, ABSENT
        return fixed(plain.estimate, 4, sign=True), between(plain.low, plain.high)
    decimals = min(MOST_DECIMALS, interval_decimals(found.low, found.high))
    size = percent(found.estimate, decimals, sign=True)
    return size, range_of(found.low, found.high, decimals)


def sized(row: Row) -> str:
    """A difference with its name, size and interval."""
    size, interval = size_words(row)
    return f"{called(row)} {size}" + (f" [{interval}]" if interval != ABSENT else "")


def between(low: Number, high: Number, decimals: int = 4) -> str:
    """Two plain numbers as a range."""
    if low is None or high is None:
        return ABSENT
    return f"{fixed(low, decimals)} to {fixed(high, decimals)}"


def counted(count: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: 1 training, 2 trainings."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as an enumeration; nothing for none."""
    if not names:
        return ""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def begun(sentence: str) -> str:
    """The sentence with a capital, and all other letters as they are."""
    return sentence[:1].upper() + sentence[1:]


def shown_metrics(found: Sequence[str]) -> list[str]:
    """The metrics that there are, the lab's own first and in its order."""
    known = [metric for metric in ONLINE if metric in found]
    return known + [metric for metric in dict.fromkeys(found) if metric not in known]


def shown_measures(record: RewardsRecord) -> list[str]:
    """The offline measures that there are, the known ones first and in their order."""
    found = dict.fromkeys(row.measure for row in record.offline)
    known = [measure for measure in MEASURES if measure in found]
    return known + [measure for measure in found if measure not in known]
