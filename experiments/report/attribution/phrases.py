"""Rules, events, methods and shares as people read them."""

from enum import StrEnum

from experiments.report.kit.words import (
    ABSENT,
    THIN,
    decimals_for,
    fixed,
    number,
    percent,
    plain_name,
    range_of,
)

RULES = {
    "any_touch": "Any touch",
    "exclusive": "Exclusive",
    "first": "First in order",
    "best_rank": "Best rank",
    "fractional": "Fractional",
    "last_click": "Last click",
    "linear": "Linear",
    "time_decay": "Time decay",
    "markov": "Markov",
}
UNSHARED = ("any_touch", "exclusive")
"""Rules whose shares do not add up to the whole."""

INDICES = {"alone": "Alone", "shapley": "Shapley", "leave_one_out": "Leave-one-out"}
TITLES = {
    "exposure": "Exposures",
    "click": "Clicks",
    "cart": "Carts",
    "purchase": "Purchases",
    "gmv": "GMV",
}
NOUNS = {event: title if event == "gmv" else title.lower() for event, title in TITLES.items()}
METHODS_NAMED = {"replay": "by replay", "worlds": "in re-simulated worlds"}
SMALL = 0.1  # shares whose decimals matter
MOST_DECIMALS = 2  # of a percentage; more would be read by nobody


class Told(StrEnum):
    """Where an interval lies."""

    MORE = "more"
    """Above zero."""

    LESS = "less"
    """Below zero."""

    UNTOLD = "untold"
    """It holds zero."""

    MISSING = "missing"
    """There is none."""


def told(low: float | None, high: float | None) -> Told:
    """What an interval allows to be said."""
    if low is None or high is None:
        return Told.MISSING
    if low > 0:
        return Told.MORE
    return Told.LESS if high < 0 else Told.UNTOLD


def rule_name(rule: str) -> str:
    """A rule's name; a user's own is called as it is."""
    return RULES.get(rule) or plain_name(rule.rpartition(":")[2])


def title_of(event: str) -> str:
    """An event's name as a title."""
    return TITLES.get(event, plain_name(event))


def noun_of(event: str) -> str:
    """Events inside a sentence."""
    return NOUNS.get(event, event.replace("_", " "))


def decimals_of(low: float | None, high: float | None) -> int:
    """Decimals of a percentage that give the half-width of its interval one digit.

    Small shares have one at least, and so many that their ends do not read as zero.
    """
    if low is None or high is None or high <= low:
        return 1
    decimals = min(MOST_DECIMALS, decimals_for(50 * (high - low), 1))
    if max(abs(low), abs(high)) >= SMALL:
        return decimals
    ends = [100 * end for end in (low, high) if end]
    enough = (at for at in (1, 2) if at >= decimals and all(round(end, at) for end in ends))
    return next(enough, MOST_DECIMALS)


def share_words(
    share: float | None, low: float | None, high: float | None, *, sign: bool = False
) -> tuple[str, str]:
    """A share and its interval, with the decimals that the interval deserves."""
    decimals = decimals_of(low, high)
    return percent(share, decimals, sign=sign), range_of(low, high, decimals)


def with_range(share: float | None, low: float | None, high: float | None) -> str:
    """A share with its interval behind it in brackets; without one where there is none."""
    size, interval = share_words(share, low, high)
    return size if interval == ABSENT else f"{size} ({interval})"


def points(value: float | None, low: float | None, high: float | None) -> str:
    """A difference of shares in percentage points, with its interval."""
    if value is None:
        return ABSENT
    decimals = decimals_of(low, high)
    size = fixed(100 * value, decimals, sign=True) + THIN + "pp"
    if low is None or high is None:
        return size
    return f"{size} ({fixed(100 * low, decimals)} to {fixed(100 * high, decimals)})"


def amount(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Events or money per shopper, with its interval."""
    if value is None or low is None or high is None or high <= low:
        return number(value, 3, sign=True)
    decimals = decimals_for((high - low) / 2, 2)
    ends = f"{fixed(low, decimals)} to {fixed(high, decimals)}"
    return f"{fixed(value, decimals, sign=True)} ({ends})"


def counted(count: int, noun: str) -> str:
    """A count with its noun: 1 channel, 2 channels."""
    return f"{fixed(count, 0)} {noun if count == 1 else noun + 's'}"
