"""What is said of a plan: sizes, names of methods, and the answer."""

from experiments.records.experiment.power import Method, Need, PowerRecord, Size
from experiments.records.interval import Number
from experiments.report.kit.digits import ABSENT, decimals_for, fixed, percent
from experiments.report.kit.sentences import change, counted, listed, meaning

METHODS: dict[Method, str] = {
    "plain": "without adjustment",
    "cuped": "with CUPED",
    "given": "with the given reduction",
}
COLOURS: dict[Method, str] = {"plain": "a0", "cuped": "a1", "given": "a2"}
WAYS = {
    "none": "nothing",
    "shift": "the same added to each shopper",
    "scale": "each shopper's amount times the same",
    "events": "each event repeated or left out by chance",
    "turn": "shoppers turned from 0 to 1, or back",
}
WHAT = {
    "units": "Shoppers",
    "level": "Level of the metric",
    "variance": "Variance of a shopper",
    "error": "Error of the relative effect",
    "cuped": "The same with CUPED",
}


def noun(record: PowerRecord) -> str:
    """The metric inside a sentence."""
    return "the metric" if record.metric == "metric" else meaning(record.metric).noun


def part(value: Number, digits: int = 2) -> str:
    """A part as a percentage with so many significant digits, as far as these are read."""
    if value is None:
        return ABSENT
    return percent(value, min(3, decimals_for(100 * value, digits)))


def size(record: PowerRecord, change_of: Size) -> str:
    """A change: relative where it can be."""
    if change_of.relative is not None:
        return part(abs(change_of.relative))
    return absolute(record, change_of)


def absolute(record: PowerRecord, change_of: Size) -> str:
    """A change in the metric's unit."""
    shown = change(record.metric, None if change_of.absolute is None else abs(change_of.absolute))
    return shown.removeprefix("+")


def whole(count: float | None) -> str:
    """A count of shoppers or days."""
    return ABSENT if count is None else fixed(count, 0)


def best(record: PowerRecord) -> Need:
    """The method that needs the least."""
    return max(record.needs, key=lambda row: row.explained)


def headline(record: PowerRecord) -> tuple[str, str, str]:
    """The answer in two or three words and in a sentence, and its tone."""
    if record.margin is None and record.effect is None:
        return _least(record)
    test = "a test" if record.law is None else f"a test of {_days(record.days)}"
    sentence = f"{_wanted(record)}, {test} needs {_units(record)}."
    dated = [need for need in record.needs if need.days_needed is not None]
    if record.accrued[-1].units == 0:  # numbers without units of a day
        return f"{whole(best(record).units)} shoppers", sentence, "plain"
    if not dated:
        return "Too long", f"{sentence} {_never(record)}", "alarm"
    first = min(dated, key=lambda need: need.days_needed or 0)
    if record.running is not None:
        return _left(record, sentence)
    told = listed([_by(record, need, _days(need.days_needed)) for need in dated])
    never = f" {_never(record)}" if len(dated) < len(record.needs) else ""
    return _days(first.days_needed), f"{sentence} That takes {told}.{never}", "plain"


def _by(record: PowerRecord, need: Need, told: str) -> str:
    """A number with the method that it is by, where there are several."""
    return f"{told} {METHODS[need.method]}" if len(record.needs) > 1 else told


def _wanted(record: PowerRecord) -> str:
    """What shall be found, and how surely."""
    power = f"with a power of {part(record.power)}"
    if record.margin is not None:
        side = "falls" if meaning(record.metric).better > 0 else "rises"
        lost = f"{noun(record)} {side} by less than {size(record, record.margin)}"
        return f"To show {power} that {lost}"
    assert record.effect is not None
    return f"To find a change of {size(record, record.effect)} in {noun(record)} {power}"


def _units(record: PowerRecord) -> str:
    """The shoppers that are needed, by method."""
    return listed([_by(record, need, f"{whole(need.units)} shoppers") for need in record.needs])


def _days(days: int | None) -> str:
    return ABSENT if days is None else counted(days, "day")


def _never(record: PowerRecord) -> str:
    """That the days that can be told do not suffice, and what they find."""
    late = [need for need in record.needs if need.days_needed is None]
    within = f"within {_days(record.most_days)}"
    if len(late) < len(record.needs):
        within += " " + listed([METHODS[need.method] for need in late])
    what = "least margin" if record.margin is not None else "least effect that is found"
    found = _by(record, best(record), size(record, best(record).least))
    return (
        f"That is not reached {within}: by then there are {whole(record.accrued[-1].units)} "
        f"shoppers. After {_days(record.days)} the {what} is {found}."
    )


def _left(record: PowerRecord, sentence: str) -> tuple[str, str, str]:
    """Of a test that is under way."""
    known = [need for need in record.needs if need.days_left is not None]
    fewest = min(need.days_left or 0 for need in known)
    told = listed([_by(record, need, _days(need.days_left)) for need in known])
    ran = f"It has run for {_days(record.running)}; {told} are left."
    late = " " + _never(record) if len(known) < len(record.needs) else ""
    badge = "Long enough" if fewest == 0 else f"{_days(fewest)} left"
    return badge, f"{sentence} {ran}{late}", "good" if fewest == 0 else "plain"


def _least(record: PowerRecord) -> tuple[str, str, str]:
    """Where nothing is to be found in particular."""
    told = [_by(record, need, size(record, need.least)) for need in record.needs]
    sentence = (
        f"After {_days(record.days)} a test finds a change in {noun(record)} with a power of "
        f"{part(record.power)} if it is at least {listed(told)}."
    )
    return f"From {size(record, best(record).least)} on", sentence, "plain"


def an_arm(need: Need) -> str:
    """Shoppers of the arms; one number where they are equal."""
    return ", ".join(whole(count) for count in dict.fromkeys(need.units_of_arms))


def kind(record: PowerRecord) -> str:
    """What `least` is of this test."""
    return "Least margin" if record.margin is not None else "Least effect"
