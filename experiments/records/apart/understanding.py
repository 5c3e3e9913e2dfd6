"""The rows of understanding.json: how well catalogue steps fill what the catalogue leaves open."""

from dataclasses import dataclass
from typing import Any, ClassVar

from experiments.records.interval import Interval
from experiments.records.reading import Record

TOLD, SYNONYM, UNTOLD, ABSENT, CATEGORY, WRONG, RIGHT = (
    *("told", "synonym", "untold", "absent"),
    *("category", "published_wrong", "published_right"),
)


@dataclass(frozen=True)
class Understood:
    """A share of cells, an item and an attribute each, against the truth or what was hidden.

    Attributes:
        step: name of the catalogue step.
        part: missing cells whose value the item's texts tell by its own name (`told`), by a
            synonym alone (`synonym`) or not at all (`untold`); cells of which the item has no
            value though the step has guessed one (`absent`); items without a category
            (`category`); published values that are wrong and right (`published_wrong`,
            `published_right`).
        measure: `accuracy`, of best guesses of any confidence, no guess is a miss; `filled`, as
            sure as the settings ask for; `right`, of those filled; `bound`, of the best guess that
            the truth about category and brand allows; `changed`, of published values that are
            replaced; `corrected`, by the true one.
        cells: how many the share is of.
        share: with its exact interval.
    """

    step: str
    part: str
    measure: str
    cells: int
    share: Interval


@dataclass(frozen=True)
class Calibrated:
    """How often guesses of about one confidence are right.

    Attributes:
        step: name of the catalogue step.
        of: `value` or `category`.
        low, high: confidences from `low` to below `high`; the last ones with 1.
        guesses: how many there are.
        confidence: their mean confidence.
        right: share of them that is right, with its exact interval.
    """

    step: str
    of: str
    low: float
    high: float
    guesses: int
    confidence: float
    right: Interval


@dataclass(frozen=True)
class Recalled:
    """What BM25 finds for texts that name a value and a category, in a filled catalogue.

    Attributes:
        step: name of the catalogue step; empty for the public catalogue and the true values.
        filling: `none`, the public catalogue; `oracle`, all true values and categories; `sure`,
            what the settings ask for; `counted`, the same, and added words count in the length of
            an item; `all`, guesses of any confidence.
        texts: how many were asked.
        recall: share of the items of that category and value among the first 100, with its
            interval over texts.
        gain: the same less that of the public catalogue, text by text.
    """

    step: str
    filling: str
    texts: int
    recall: Interval
    gain: Interval


@dataclass(frozen=True)
class FillingStep:
    """A catalogue step.

    Attributes:
        name: in the settings.
        confidence: from which on it fills.
        report: what it tells of its learning, by name; empty where it tells nothing.
    """

    name: str
    confidence: float
    report: dict[str, Any]


@dataclass(frozen=True)
class UnderstandingRecord(Record):
    """The catalogue steps of a run.

    Attributes:
        name: name of the run.
        confidence: level of all intervals.
        published: share of all values that the shop publishes; 0: none, and steps fill categories.
        against: what guesses are held against: `truth`, the simulated one; `hidden`, of a user's
            file: a part of what it publishes, which steps did not see. Then nothing is told of
            cells without a published value, and `published` is the part that they saw.
        steps: the catalogue steps.
        understood: shares of cells.
        calibrated: guesses by their confidence.
        recalled: what filling is worth to a lexical channel.
    """

    FILE: ClassVar[str] = "understanding.json"
    COMMAND: ClassVar[str] = "funnelab run"
    WITH: ClassVar[str] = "understanding"

    name: str
    confidence: float
    published: float
    steps: tuple[FillingStep, ...]
    understood: tuple[Understood, ...]
    calibrated: tuple[Calibrated, ...]
    recalled: tuple[Recalled, ...]
    against: str = "truth"
