"""Numbers and names as people read them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

THIN = "\u202f"  # narrow no-break space, between a number and its unit
MINUS = "\u2212"
ABSENT = "\u2013"  # what stands where a number could not be computed
MOST_DECIMALS = 6


@dataclass(frozen=True)
class Meaning:
    """How a metric is called and read.

    Attributes:
        label: in tables and pictures.
        noun: inside a sentence.
        kind: "number", "share" or "seconds"; decides the unit.
        better: 1 if more is better, -1 if less is better.
        service: whether it describes the service rather than what shoppers do.
    """

    label: str
    noun: str
    kind: str = "number"
    better: int = 1
    service: bool = False


MEANINGS = {
    "gmv": Meaning("GMV per shopper", "GMV per shopper"),
    "orders": Meaning("Orders per shopper", "orders per shopper"),
    "uctcvr": Meaning("Shoppers who buy", "the share of shoppers who buy", "share"),
    "uctr": Meaning("Shoppers who click", "the share of shoppers who click", "share"),
    "ctr": Meaning("Clicks per exposure", "clicks per exposure", "share"),
    "cvr": Meaning("Orders per click", "orders per click", "share"),
    "aov": Meaning("Average order value", "the average order value"),
    "zero_result_rate": Meaning(
        "Searches without a result", "the share of searches without a result", "share", -1, True
    ),
    "abandonment": Meaning(
        "Sessions without a click", "the share of sessions without a click", "share", -1, True
    ),
    "latency": Meaning("Page latency", "page latency", "seconds", -1, True),
}
EVENTS = {"exposure": "Exposures", "click": "Clicks", "purchase": "Purchases", "gmv": "GMV"}
REASONS = {
    "raised": "raised an error",
    "unknown_items": "returned items that do not exist",
    "bad_shape": "returned arrays of the wrong shape",
    "deadline": "missed the deadline",
}


def meaning(metric: str) -> Meaning:
    """The meaning of a metric; a user's own metric is called by its name."""
    plain = metric.replace("_", " ")
    return MEANINGS.get(metric) or Meaning(plain[:1].upper() + plain[1:], plain)


def plain_name(name: str) -> str:
    """A machine's name (out_of_patience) as words."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """A number with thousands separators and a true minus sign; never a negative zero."""
    shown = f"{abs(value):,.{decimals}f}"
    if not any(digit in "123456789" for digit in shown):
        return shown
    return (MINUS if value < 0 else "+" if sign else "") + shown


def decimals_for(value: float, digits: int) -> int:
    """Decimals that show so many significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0
    return min(MOST_DECIMALS, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number with so many significant digits; whole numbers keep all of theirs."""
    if value is None:
        return ABSENT
    whole = float(value).is_integer()
    return fixed(value, 0 if whole else decimals_for(value, digits), sign=sign)


def percent(value: float | None, decimals: int = 1, *, sign: bool = False) -> str:
    """A fraction as a percentage."""
    return ABSENT if value is None else fixed(100 * value, decimals, sign=sign) + THIN + "%"


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


def level(metric: str, value: float | None) -> str:
    """The value of a metric in its unit."""
    kind = meaning(metric).kind
    if kind == "share":
        return percent(value, 2)
    return duration(value) if kind == "seconds" else number(value, 4)


def change(metric: str, value: float | None) -> str:
    """An absolute effect on a metric in its unit."""
    kind = meaning(metric).kind
    if kind == "share":
        if value is None:
            return ABSENT
        decimals = max(2, decimals_for(100 * value, 2))
        return fixed(100 * value, decimals, sign=True) + THIN + "pp"
    return duration(value, sign=True) if kind == "seconds" else number(value, 3, sign=True)


def change_ticks(metric: str, values: Sequence[float]) -> list[str]:
    """Absolute effects on an axis, with the decimals that their step needs."""
    kind = meaning(metric).kind
    times, unit = {"share": (100, THIN + "pp"), "seconds": (1000, THIN + "ms")}.get(kind, (1, ""))
    decimals = step_decimals([value * times for value in values])
    return [fixed(value * times, decimals, sign=True) + unit if value else "0" for value in values]


def step_decimals(values: Sequence[float]) -> int:
    """The fewest decimals with which equally spaced values are told exactly."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    exact = (at for at in range(MOST_DECIMALS) if abs(step - round(step, at)) < 1e-6 * step)
    return next(exact, MOST_DECIMALS)


def interval_decimals(low: float | None, high: float | None) -> int:
    """Decimals of a percentage that give the half-width of its interval two digits."""
    if low is None or high is None or high <= low:
        return 1
    return min(3, decimals_for(50 * (high - low), 2))


def range_of(low: float | None, high: float | None, decimals: int) -> str:
    """Two fractions as a range of percentages: 0.4 to 5.8 %."""
    if low is None or high is None:
        return ABSENT
    return f"{fixed(100 * low, decimals)} to {percent(high, decimals)}"


def quoted(name: str) -> str:
    """An arm's name at the start of a sentence."""
    return name.capitalize() if name.isalpha() and name.islower() else f"\u201c{name}\u201d"
