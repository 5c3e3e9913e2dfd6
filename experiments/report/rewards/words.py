"""The lab's measures and sizes as people read them."""

from collections.abc import Sequence

from cqsid.alignment.measures import FIRST_CODES, MEASURES
from experiments.records.interval import Interval, Number
from experiments.records.rewards import ONLINE, Contrast, Offline, Online, RewardsRecord
from experiments.report.kit.digits import ABSENT, READ, between, change_words, fixed
from experiments.report.kit.sentences import meaning

NAMES = {FIRST_CODES: "first codes"}
"""Offline measures that are not called by their name."""

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
        return fixed(plain.estimate, 4, sign=True), between(plain)
    return change_words(found, READ)


def sized(row: Row) -> str:
    """A difference with its name, size and interval."""
    size, interval = size_words(row)
    return f"{called(row)} {size}" + (f" [{interval}]" if interval != ABSENT else "")


def shown_metrics(found: Sequence[str]) -> list[str]:
    """The metrics that there are, the lab's own first and in its order."""
    known = [metric for metric in ONLINE if metric in found]
    return known + [metric for metric in dict.fromkeys(found) if metric not in known]


def shown_measures(record: RewardsRecord) -> list[str]:
    """The offline measures that there are, the known ones first and in their order."""
    found = dict.fromkeys(row.measure for row in record.offline)
    known = [measure for measure in MEASURES if measure in found]
    return known + [measure for measure in found if measure not in known]
