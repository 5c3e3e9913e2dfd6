"""Numbers as people read them: with the digits that their intervals deserve."""

import math
from collections.abc import Callable, Sequence

from experiments.records.interval import Interval, Number

THIN = "\u202f"  # narrow no-break space, between a number and its unit
MINUS = "\u2212"
ABSENT = "\u2013"  # what stands where a number could not be computed
MOST_DECIMALS = 6
SMALL = 0.1  # shares whose decimals matter
READ = 2  # decimals of a percentage; more would be read by nobody


def fixed(value: Number, decimals: int, *, sign: bool = False) -> str:
    """A number with thousands separators and a true minus sign; never a negative zero."""
    if value is None:
        return ABSENT
    shown = f"{abs(value):,.{decimals}f}"
    if not any(digit in "123456789" for digit in shown):
        return shown
    return (MINUS if value < 0 else "+" if sign else "") + shown


def decimals_for(value: float, digits: int) -> int:
    """Decimals that show so many significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0
    return min(MOST_DECIMALS, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def number(value: Number, digits: int = 3, *, sign: bool = False) -> str:
    """A number with so many significant digits; whole numbers keep all of theirs."""
    whole = value is None or float(value).is_integer()
    return fixed(value, 0 if whole else decimals_for(value or 0.0, digits), sign=sign)


def percent(value: float | None, decimals: int = 1, *, sign: bool = False) -> str:
    """A fraction as a percentage."""
    return ABSENT if value is None else fixed(100 * value, decimals, sign=sign) + THIN + "%"


def sureness(confidence: float) -> str:
    """The level of intervals as a percentage, with all its digits: it is never 100."""
    return f"{100 * confidence:.12g}{THIN}%"


def duration(seconds: float | None, *, sign: bool = False) -> str:
    """Seconds as milliseconds, seconds or minutes, whichever reads best."""
    if seconds is None:
        return ABSENT
    if abs(seconds) < 1:
        return number(1000 * seconds, 3, sign=sign) + THIN + "ms"
    if abs(seconds) < 120:
        return number(seconds, 3, sign=sign) + THIN + "s"
    return fixed(seconds / 60, 1, sign=sign) + THIN + "min"


def p_value(value: float | None) -> str:
    """A p-value with two or three digits, or that it is smaller than can matter."""
    if value is None:
        return ABSENT
    if value < 0.001:
        return "<" + THIN + "0.001"
    return fixed(value, 3 if value < 0.1 else 2)


def step_decimals(values: Sequence[float]) -> int:
    """The fewest decimals with which equally spaced values are told exactly."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    exact = (at for at in range(MOST_DECIMALS) if abs(step - round(step, at)) < 1e-6 * step)
    return next(exact, MOST_DECIMALS)


def interval_decimals(interval: Interval) -> int:
    """Decimals of a percentage that give the half-width of its interval two digits."""
    low, high = interval.ends or (0.0, 0.0)
    return min(3, decimals_for(50 * (high - low), 2)) if high > low else 1


def share_decimals(interval: Interval) -> int:
    """Decimals of a percentage that give the half-width of its interval one digit.

    Small shares have one at least, and so many that their ends do not read as zero.
    """
    low, high = interval.ends or (0.0, 0.0)
    if high <= low:
        return 1
    decimals = min(READ, decimals_for(50 * (high - low), 1))
    if max(abs(low), abs(high)) >= SMALL:
        return decimals
    ends = [100 * end for end in (low, high) if end]
    enough = (at for at in (1, 2) if at >= decimals and all(round(end, at) for end in ends))
    return next(enough, READ)


def between(interval: Interval, decimals: int = 4) -> str:
    """The ends of an interval of plain numbers."""
    return spoken(interval, lambda end: fixed(end, decimals))


def spoken(interval: Interval, words: Callable[[float], str]) -> str:
    """The ends of an interval in these words."""
    return " to ".join(words(end) for end in interval.ends) if interval.ends else ABSENT


def range_of(interval: Interval, decimals: int) -> str:
    """The ends of an interval of fractions, as percentages: 0.4 to 5.8 %."""
    if interval.ends is None:
        return ABSENT
    low, high = interval.ends
    return f"{fixed(100 * low, decimals)} to {percent(high, decimals)}"


def share_words(interval: Interval, *, sign: bool = False) -> tuple[str, str]:
    """A share and its interval, with the decimals that the interval deserves."""
    decimals = share_decimals(interval)
    return percent(interval.estimate, decimals, sign=sign), range_of(interval, decimals)


def with_range(interval: Interval) -> str:
    """A share with its interval behind it in brackets; without one where there is none."""
    return beside(*share_words(interval))


def beside(size: str, around: str) -> str:
    """A size with its interval behind it in brackets; alone where there is none."""
    return size if around == ABSENT else f"{size} ({around})"


def change_words(interval: Interval, most: int = 3) -> tuple[str, str]:
    """A relative change and its interval, the half-width of which has two digits."""
    decimals = min(most, interval_decimals(interval))
    return percent(interval.estimate, decimals, sign=True), range_of(interval, decimals)


def points_words(interval: Interval) -> tuple[str, str]:
    """A difference of shares in percentage points, and its interval."""
    if interval.estimate is None:
        return ABSENT, ABSENT
    decimals = share_decimals(interval)
    size = fixed(100 * interval.estimate, decimals, sign=True) + THIN + "pp"
    return size, spoken(interval, lambda end: fixed(100 * end, decimals))


def points(interval: Interval) -> str:
    """The same with the interval in brackets."""
    return beside(*points_words(interval))


def amount(interval: Interval) -> str:
    """Events or money per shopper, with its interval."""
    low, high = interval.ends or (0.0, 0.0)
    if interval.estimate is None or high <= low:
        return number(interval.estimate, 3, sign=True)
    decimals = decimals_for((high - low) / 2, 2)
    return f"{fixed(interval.estimate, decimals, sign=True)} ({between(interval, decimals)})"


def p_relation(value: Number) -> str:
    """A p-value with its relation: ' = 0.04' or ' < 0.001'."""
    shown = p_value(value)
    return f" {shown}" if shown.startswith("<") else f" = {shown}"
