"""Identifier schemes on the page: their names and colours."""

from experiments.records.ids import IdsRecord
from experiments.report.ids.verdict import others
from experiments.report.kit.colours import legend, named, turn_class
from experiments.report.kit.markup import Html, tag


def colour(record: IdsRecord, scheme: str) -> str:
    """A scheme's class: grey for the baseline; beyond the colours, hollow and dashed again."""
    return turn_class([record.baseline, *others(record)].index(scheme))


def scheme_name(record: IdsRecord, scheme: str) -> Html:
    """A scheme's name behind a square in its colour."""
    return named(f"swatch {colour(record, scheme)}", tag("span", scheme))


def scheme_legend(record: IdsRecord) -> Html:
    """The schemes' colours."""
    return legend(*(scheme_name(record, scheme) for scheme in record.schemes))
