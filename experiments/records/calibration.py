"""The rows of calibration.json: parameters of a market's demand, from a log of the user's own."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from experiments.records.interval import Interval
from experiments.records.reading import Record
from experiments.records.validity import LogFinding

Scale = Literal["plain", "log", "logit", "hour"]


@dataclass(frozen=True)
class Posterior:
    """What a log says of settings that were fitted together: a normal law on scales without bounds.

    Attributes:
        settings: paths of the settings.
        scales: the scale on which each setting is normal. `plain`: the value; `log`: the logarithm
            of its distance above its floor; `logit`: the log odds; `hour`: the value, on a clock of
            24 hours.
        floors: lower bound of each value; 0 where its scale is not `log`.
        centre: the most likely values, on these scales.
        covariance: covariance on these scales, by rows.
        law: the likelihood, or the moments, that were used.
        n: number of visits, shoppers, orders, prices or pages that they rest on.
    """

    settings: tuple[str, ...]
    scales: tuple[Scale, ...]
    floors: tuple[float, ...]
    centre: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    law: str
    n: int

    def value(self, at: int, place: float) -> float:
        """The value of a setting at a place on its scale; the inverse of the scale.

        Args:
            at: number of the setting.
            place: on its scale.
        """
        scale = self.scales[at]
        if scale == "log":
            return self.floors[at] + math.exp(min(place, 700.0))
        if scale == "logit":
            return 1 / (1 + math.exp(-max(min(place, 700.0), -700.0)))
        return place % 24 if scale == "hour" else place

    def interval(self, at: int, reach: float) -> Interval:
        """The likeliest value of a setting with its interval; of an hour, not folded to the day.

        Args:
            at: number of the setting.
            reach: standard errors to either side.
        """
        middle, error = self.centre[at], math.sqrt(self.covariance[at][at])
        ends = (middle - reach * error, middle + reach * error)
        if self.scales[at] == "hour":
            return Interval(middle, *ends)
        return Interval(self.value(at, middle), *(self.value(at, end) for end in ends))

    def without(self, settings: Collection[str]) -> "Posterior":
        """The law of the other settings."""
        kept = [at for at, key in enumerate(self.settings) if key not in settings]
        return replace(
            self,
            settings=tuple(self.settings[at] for at in kept),
            scales=tuple(self.scales[at] for at in kept),
            floors=tuple(self.floors[at] for at in kept),
            centre=tuple(self.centre[at] for at in kept),
            covariance=tuple(tuple(self.covariance[row][at] for at in kept) for row in kept),
        )

    def rows(self, reach: float) -> Iterator["CalibratedSetting"]:
        """A row for each setting; `reach` as in `interval`."""
        for at, setting in enumerate(self.settings):
            yield CalibratedSetting(setting, self.interval(at, reach), self.law, self.n)


@dataclass(frozen=True)
class CalibratedSetting:
    """One setting, from the log.

    Attributes:
        setting: path of the setting.
        value: the most likely value, with its interval.
        law: the likelihood, or the moments, that were used.
        n: number of visits, shoppers, orders, prices or pages that it rests on.
    """

    setting: str
    value: Interval
    law: str
    n: int


@dataclass(frozen=True)
class Chosen:
    """A setting that the log chooses, without an interval.

    Attributes:
        setting: path of the setting.
        value: the value, as `--set` takes it.
        reason: why this value was chosen.
    """

    setting: str
    value: str
    reason: str


@dataclass(frozen=True)
class Calibration(Record):
    """Settings of a market's demand, from a log of the user's own.

    Attributes:
        confidence: level of all intervals.
        first_day: first day of the log that was used.
        days: number of days that were used.
        settings: one row for each setting that the log tells.
        findings: what was wrong in the log, and what was done with it.
        missing: settings of demand that the log does not tell, and why, a sentence each.
        posteriors: what `settings` are told from, one row for each part that was fitted by itself;
            parts are independent of each other.
        chosen: settings without an interval, such as the click model.
    """

    FILE: ClassVar[str] = "calibration.json"
    COMMAND: ClassVar[str] = "funnelab calibrate-market"

    confidence: float
    first_day: str
    days: int
    settings: tuple[CalibratedSetting, ...]
    findings: tuple[LogFinding, ...]
    missing: tuple[str, ...]
    posteriors: tuple[Posterior, ...] = ()
    chosen: tuple[Chosen, ...] = ()
