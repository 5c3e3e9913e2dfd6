"""Moments as files hold them: dates, Unix time in several units, or simulated seconds."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np

from simulator.files.tables.amounts import Floats, is_empty

_UNITS = {"unix_s": 1.0, "unix_ms": 1e-3, "unix_us": 1e-6, "unix_ns": 1e-9}
_FIRST = datetime(1980, 1, 1, tzinfo=UTC).timestamp()
_LAST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_YEARS = (1900, 2100)
_DAYS = re.compile(r"\d{8}")
_OFFSET = re.compile(r"\s+(?=(?:[+-]\d{2}:?\d{2}|Z|UTC)$)")

DATES, SIMULATED, YEARS = "dates", "simulated", "years"

WANTED = {
    DATES: "an ISO 8601 date from 1900 to 2100, such as 2024-01-31, 20240131 or "
    "2024-01-31T12:00:00Z",
    SIMULATED: "a number of simulated seconds (0 is the first day of the history)",
    "unix_s": "Unix time in seconds, of 1980 to 2100",
    "unix_ms": "Unix time in milliseconds, of 1980 to 2100",
    "unix_us": "Unix time in microseconds, of 1980 to 2100",
    "unix_ns": "Unix time in nanoseconds, of 1980 to 2100",
}


@dataclass(frozen=True)
class Moments:
    """A column of moments.

    Attributes:
        seconds_I: simulated seconds, NaN where empty or unreadable; of dates and Unix time the
            newest counts as 0.
        kind: what the column holds, by the names of `format.times`.
        bad: by row, what its value must be instead.
    """

    seconds_I: Floats
    kind: str
    bad: dict[int, str]


def moments(values: Sequence[object], times: str = "auto") -> Moments:
    """The moments of a column, all of one kind: that of most values, or what is asked for."""
    filled = {row: value for row, value in enumerate(values) if not is_empty(value)}
    kinds = {row: _kinds(value) for row, value in filled.items()}
    if times == "auto":
        count = Counter(kind for own in kinds.values() for kind in own[:1])
        times = count.most_common(1)[0][0] if count else DATES
    seconds_I = np.full(len(values), np.nan)
    bad: dict[int, str] = {}
    for row, value in filled.items():
        found = None if times == YEARS else _seconds(value, times)
        if found is None:
            bad[row] = _wanted(times, kinds[row])
        else:
            seconds_I[row] = found
    if times not in (SIMULATED, YEARS) and np.isfinite(seconds_I).any():
        seconds_I -= np.nanmax(seconds_I)
    return Moments(seconds_I, times, bad)


def _wanted(times: str, kinds: list[str]) -> str:
    if times == YEARS:
        return (
            "a date, or a number that is no year (is it a year, or simulated seconds? Write "
            '2024-01-01, or say format.times = "simulated")'
        )
    hint = f", as other rows have (this one reads like {kinds[0]})" if kinds else ""
    return WANTED[times] + hint


def _kinds(value: object) -> list[str]:
    """What a value may be, likeliest first."""
    if isinstance(value, date):
        return [DATES]
    number = _number(value)
    if number is None:
        return [DATES] if _date(value) is not None else []
    if _date(value) is not None:
        return [DATES]
    if number in range(_YEARS[0], _YEARS[1] + 1):
        return [YEARS]
    for kind, unit in _UNITS.items():
        if _FIRST <= number * unit <= _LAST:
            return [kind]
    return [SIMULATED]


def _number(value: object) -> float | None:
    """A finite number, also one that a text holds."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def _seconds(value: object, times: str) -> float | None:
    """Seconds of a moment of a kind, since 1970 or in the simulation; None where it is none."""
    if times == DATES:
        return _date(value)
    number = _number(value)
    if number is None or times == SIMULATED:
        return number
    seconds = number * _UNITS[times]
    return seconds if _FIRST <= seconds <= _LAST else None


def _date(value: object) -> float | None:
    """Seconds since 1970 of a date, by itself or in ISO 8601; without an offset it is in UTC."""
    if isinstance(value, date):
        whole = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        return _since_1970(whole)
    text = _iso(value)
    return None if text is None else _dated(text)


@lru_cache(maxsize=65_536)
def _dated(text: str) -> float | None:
    try:
        return _since_1970(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _since_1970(found: datetime) -> float | None:
    try:
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.timestamp() if _YEARS[0] <= aware.year <= _YEARS[1] else None
    except (ValueError, OverflowError):
        return None


def _iso(value: object) -> str | None:
    """A text that could be a date; a whole number of eight digits is one, too."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if _DAYS.fullmatch(str(abs(value))) else None
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = _OFFSET.sub("", value.strip())
    text = text.removesuffix("UTC")
    return text if len(text) >= 8 and "W" not in text else None
