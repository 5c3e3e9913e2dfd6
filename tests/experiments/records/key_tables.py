"""The tables of keys in the documentation, made from the records: `make docs` renews them.

A page says where a table stands, by a line `<!-- keys of CLASS -->` before and `<!-- end -->`
behind it. The words are those of the class's docstring, under `Attributes:`.
"""

import re
import sys
from dataclasses import fields, is_dataclass
from inspect import getdoc
from pathlib import Path
from typing import get_type_hints

from experiments.records.apart.judges import JudgesRecord
from experiments.records.apart.stress import StressRecord
from experiments.records.apart.understanding import UnderstandingRecord
from experiments.records.attribution import AttributionRecord
from experiments.records.calibration import Calibration
from experiments.records.experiment.power import PowerRecord
from experiments.records.experiment.scorecard import Scorecard
from experiments.records.experiment.sequential import Sequential
from experiments.records.ids import IdsRecord
from experiments.records.interval import Interval
from experiments.records.manifest import RunManifest
from experiments.records.metrics import Metrics
from experiments.records.reading import row_types
from experiments.records.rewards import RewardsRecord
from experiments.records.sweep import SweepRecord
from experiments.records.truth import Truths
from experiments.records.validity import Validity
from experiments.records.within.training import TrainingStage
from simulator.errors import DataError

RECORDS: tuple[type, ...] = (
    *(
        Metrics,
        Truths,
        RunManifest,
        AttributionRecord,
        IdsRecord,
        RewardsRecord,
        SweepRecord,
        StressRecord,
        JudgesRecord,
        UnderstandingRecord,
        Validity,
        Calibration,
        Sequential,
        Scorecard,
        PowerRecord,
    ),
    TrainingStage,  # in the report of a model, which may be of any form
)
_MARKED = re.compile(r"(<!-- keys of (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): (.+?)(?=^ {4}\w|\Z)", re.MULTILINE | re.DOTALL)


def documented() -> dict[str, type]:
    """The records and all rows in them, by name."""
    found: dict[str, type] = {}
    waiting: list[type] = [*RECORDS]
    while waiting:
        kind = waiting.pop(0)
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            waiting += [row for hint in get_type_hints(kind).values() for row in row_types(hint)]
    return found


def key_table(kind: type) -> str:
    """The keys of a record or row and what they are, as a table in Markdown.

    Raises:
        DataError: the docstring does not describe every key once.
    """
    hints = get_type_hints(kind)
    lines, told = ["| key | is |", "|---|---|"], []
    for base in reversed(kind.__mro__):
        for names, words in _entries(base) if is_dataclass(base) else ():
            told += names
            keys = ", ".join(f"`{name}`" for name in names)
            known = [hints.get(name) for name in names]
            form = " ([interval](#intervals))" if Interval in known else ""
            lines.append(f"| {keys} | {words}{form} |")
    wanted = [field.name for field in fields(kind)]
    if sorted(told) != sorted(wanted):
        raise DataError(f"{kind.__name__}: described keys == {told}, must be {wanted}")
    return "\n".join(lines) + "\n"


def _entries(kind: type) -> list[tuple[list[str], str]]:
    """Names and words of a class's own docstring."""
    _, _, listed = (getdoc(kind) or "").partition("Attributes:\n")
    return [
        (names.split(", "), " ".join(words.split()).removesuffix(".").replace("None", "null"))
        for names, words in _ENTRY.findall(listed)
    ]


def renewed(page: str) -> str:
    """The text of a page with its tables as they should be."""
    kinds = documented()
    return _MARKED.sub(lambda mark: mark[1] + key_table(kinds[mark[2]]) + mark[4], page)


def main() -> None:
    """Renew the tables of the pages that are named on the command line."""
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
