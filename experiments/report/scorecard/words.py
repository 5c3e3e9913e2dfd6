"""How a scorecard is put into words, on the page and in the terminal."""

from experiments.inference.finding import Finding, decide
from experiments.records.experiment.scorecard import CardMetric, CardRow, CardVerdict, Scorecard
from experiments.records.interval import Interval, Number
from experiments.report.kit.digits import (
    ABSENT,
    decimals_for,
    fixed,
    interval_decimals,
    percent,
    range_of,
)

LABELS = {"launch": "Launch", "test online": "Test online", "hold": "Hold"}
TONES = {"launch": "good", "test online": "plain", "hold": "bad"}

ROLES = {
    "primary": "primary",
    "success": "success",
    "guardrail": "guardrail",
    "quality": "quality",
    "secondary": "",
}


def level(metric: CardMetric, value: Number) -> str:
    """A metric in an arm."""
    if value is None:
        return ABSENT
    return percent(value, 2) if metric.share else fixed(value, decimals_for(value, 4))


def change(metric: CardMetric, effect: Interval) -> str:
    """A difference in the metric's own unit, with its interval."""
    if effect.estimate is None:
        return ABSENT
    scale = 100.0 if metric.share else 1.0
    shown = Interval(*(None if each is None else each * scale for each in effect.numbers))
    decimals = _decimals(shown)
    size = fixed(shown.estimate, decimals, sign=True)
    around = (
        "" if shown.ends is None else f" ({' to '.join(fixed(e, decimals) for e in shown.ends)})"
    )
    return f"{size}{around}{' points' if metric.share else ''}"


def _decimals(interval: Interval) -> int:
    width = max((abs(each) for each in interval.numbers if each is not None), default=1.0)
    return decimals_for(width, 3)


def growth(relative: Interval) -> str:
    """A relative difference, with its interval."""
    if relative.estimate is None:
        return ABSENT
    decimals = interval_decimals(relative)
    size = percent(relative.estimate, decimals, sign=True)
    return f"{size} ({range_of(relative, decimals)})" if relative.ends else size


def finding(row: CardRow, confidence: float) -> Finding:
    """What may be said about a row, after correction."""
    return decide(row.effect, tested=(row.p_value, row.p_adjusted), confidence=confidence)


def told(row: CardRow, metric: CardMetric, confidence: float) -> str:
    """The finding in a word."""
    found = finding(row, confidence)
    if found is Finding.MISSING:
        return "not known"
    if found is Finding.ALONE:
        return "chance among so many"
    if not found.real:
        return "no difference told"
    good = (found is Finding.MORE) == (metric.better == "more")
    return "better" if good else "worse"


def headline(card: Scorecard, verdict: CardVerdict) -> str:
    """What to do about a treatment, and the primary metric's change."""
    control, treatment = verdict.contrast
    primary = next(each for each in card.metrics if each.role == "primary")
    row = card.deciding(primary.name, verdict.contrast)
    how = "" if row.method == "plain" else f", {row.method}"
    return (
        f"{LABELS[verdict.label]} {treatment}: {primary.name} {growth(row.relative)} against "
        f"{control}{how}."
    )
