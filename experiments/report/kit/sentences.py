"""Names of metrics and events, and the small words of sentences."""

from collections.abc import Sequence

from experiments.inference.metrics import Meaning, meaning_of
from experiments.records.interval import Interval
from experiments.report.kit.digits import (
    ABSENT,
    THIN,
    decimals_for,
    duration,
    fixed,
    number,
    percent,
    spoken,
    step_decimals,
)

EVENTS = {
    "exposure": "Exposures",
    "click": "Clicks",
    "cart": "Carts",
    "purchase": "Purchases",
    "gmv": "GMV",
}
REASONS = {
    "raised": "raised an error",
    "unknown_items": "returned items that do not exist",
    "bad_shape": "returned arrays of the wrong shape",
    "deadline": "missed the deadline",
    "busy": "its servers were busy",
}


def meaning(metric: str) -> Meaning:
    """The meaning of a metric; a user's own metric is called by its name."""
    return meaning_of(metric)


def title_of(event: str) -> str:
    """A kind of event as a title."""
    return EVENTS.get(event, plain_name(event))


def noun_of(event: str) -> str:
    """Events inside a sentence."""
    title = EVENTS.get(event)
    if title is None:
        return event.replace("_", " ")
    return title if event == "gmv" else title.lower()


def plain_name(name: str) -> str:
    """A machine's name (out_of_patience) as words."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def level(metric: str, value: float | None) -> str:
    """The value of a metric in its unit."""
    kind = meaning(metric).kind
    if kind == "share":
        return percent(value, 2)
    return duration(value) if kind == "seconds" else number(value, 4)


_UNITS = {"share": (100, THIN + "pp"), "seconds": (1000, THIN + "ms")}
"""Of an absolute effect, by the kind of a metric: times what, and in which unit."""


def change(metric: str, value: float | None) -> str:
    """An absolute effect on a metric in its unit."""
    kind = meaning(metric).kind
    if kind == "share":
        if value is None:
            return ABSENT
        decimals = max(2, decimals_for(100 * value, 2))
        return fixed(100 * value, decimals, sign=True) + THIN + "pp"
    return duration(value, sign=True) if kind == "seconds" else number(value, 3, sign=True)


def change_range(metric: str, effect: Interval) -> str:
    """The ends of an absolute effect on a metric in its unit."""
    return spoken(effect, lambda end: change(metric, end))


def absolute_words(metric: str, effect: Interval) -> tuple[str, str]:
    """An absolute effect in its unit and the ends of its interval, whose half has two digits."""
    times, unit = _UNITS.get(meaning(metric).kind, (1, ""))
    if effect.estimate is None or effect.ends is None or effect.ends[0] == effect.ends[1]:
        return change(metric, effect.estimate), ABSENT
    decimals = decimals_for(times * (effect.ends[1] - effect.ends[0]) / 2, 2)
    around = spoken(effect, lambda end: fixed(times * end, decimals))
    return fixed(times * effect.estimate, decimals, sign=True) + unit, around


def changes(metric: str, values: Sequence[float]) -> list[str]:
    """Absolute effects on an axis, with the decimals that their step needs."""
    times, unit = _UNITS.get(meaning(metric).kind, (1, ""))
    decimals = step_decimals([value * times for value in values])
    return [fixed(value * times, decimals, sign=True) + unit if value else "0" for value in values]


def quoted(name: str) -> str:
    """An arm's name at the start of a sentence."""
    return name.capitalize() if name.isalpha() and name.islower() else f"\u201c{name}\u201d"


def begun(sentence: str) -> str:
    """The sentence with a capital, and all other letters as they are."""
    return sentence[:1].upper() + sentence[1:]


def counted(count: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: 1 training, 2 trainings."""
    return f"{fixed(count, 0)} {noun if count == 1 else many or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as an enumeration; nothing for none."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
