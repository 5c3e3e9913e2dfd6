"""The rows of stress.json: how scorers of pairs keep conditions of a request apart."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.reading import Record

EVERY, TOLD, UNTOLD, FILLED = "all", "told", "untold", "filled"
MONOTONICITY, SENSITIVITY = "monotonicity", "format_sensitivity"


@dataclass(frozen=True)
class WinRate:
    """How often a scorer puts the item that meets all conditions above one that fails the last.

    Attributes:
        scorer: name of the channel or judge; of a ranker its type.
        kind: `channel`, `ranker` or `judge`.
        style: how the request is worded, `description` or `instruction`.
        conditions: how many it has.
        part: `all`; or `told` where the texts of the item tell the last condition, else `untold`;
            `filled` where they tell it with words that the scorer's own catalogue step has added.
        comparisons: how many there are.
        share: of these, the item scores higher; a tie is lost. With its exact interval.
        tied: share of comparisons in which both score the same.
    """

    scorer: str
    kind: Literal["channel", "ranker", "judge"]
    style: str
    conditions: int
    part: str
    comparisons: int
    share: Interval
    tied: Number


@dataclass(frozen=True)
class Ordering:
    """How a scorer orders items by the conditions that they fail, asked for all conditions.

    Attributes:
        scorer, kind: as in `wins`.
        measure: `monotonicity`, the share of neighbours in order: none failed, one, two and so on;
            or `format_sensitivity`, the share of neighbours whose order changes with the wording.
        style: wording of the request; empty for `format_sensitivity`.
        comparisons: pairs of neighbours.
        share: with its interval over items.
    """

    scorer: str
    kind: Literal["channel", "ranker", "judge"]
    measure: str
    style: str
    comparisons: int
    share: Interval


@dataclass(frozen=True)
class StressRecord(Record):
    """How the channels, rankers and judges of a run stand requests of several conditions.

    Attributes:
        name: name of the run.
        confidence: level of all intervals.
        positives: items whose conditions were asked for.
        left_out: by number of conditions, from one: items against which no other item stands.
        wins: win rates.
        orders: monotonicity and format sensitivity.
        against: what conditions are of: `truth`, the simulated one; `published`, of a user's file:
            what it publishes.
    """

    FILE: ClassVar[str] = "stress.json"
    COMMAND: ClassVar[str] = "funnelab run"
    WITH: ClassVar[str] = "stress.conditions"

    name: str
    confidence: float
    positives: int
    left_out: tuple[int, ...]
    wins: tuple[WinRate, ...]
    orders: tuple[Ordering, ...]
    against: str = "truth"
