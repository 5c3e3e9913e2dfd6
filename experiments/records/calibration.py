"""The rows of calibration.json: parameters of a market's demand, from a log of the user's own."""

from dataclasses import dataclass
from typing import ClassVar

from experiments.records.interval import Interval
from experiments.records.reading import Record
from experiments.records.validity import LogFinding


@dataclass(frozen=True)
class CalibratedSetting:
    """One setting, from the log.

    Attributes:
        setting: path of the setting.
        value: the likeliest value, with its interval.
        law: by which likelihood.
        n: visits, shoppers, orders or prices it rests on.
    """

    setting: str
    value: Interval
    law: str
    n: int


@dataclass(frozen=True)
class Calibration(Record):
    """Settings of a market's demand, from a log of the user's own.

    Attributes:
        confidence: level of all intervals.
        first_day: of the log, in the days that were used.
        days: how many.
        settings: one row for each setting that the log tells.
        findings: what was wrong in the log, and what was done with it.
        missing: settings of demand that it does not tell, and why, a sentence each.
    """

    FILE: ClassVar[str] = "calibration.json"
    COMMAND: ClassVar[str] = "funnelab calibrate-market"

    confidence: float
    first_day: str
    days: int
    settings: tuple[CalibratedSetting, ...]
    findings: tuple[LogFinding, ...]
    missing: tuple[str, ...]
