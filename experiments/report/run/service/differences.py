"""How arms differ in what the service does: levels of both, and the change with its interval."""

from collections.abc import Callable, Sequence

from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Contrast, Estimate
from experiments.records.run import Run
from experiments.report.kit.colours import arm_class, arm_name
from experiments.report.kit.digits import THIN, change_words, points_words, sureness
from experiments.report.kit.ledger import Line, ledger, sized, spans
from experiments.report.kit.markup import Html, join, tag, words_of
from experiments.report.kit.scales import LONG, Axis, along, growths, shared

NEW = "none in control"
signed_points = along(100, THIN + "pp", sign=True)


def differing(
    run: Run,
    title: str,
    named: Sequence[tuple[object, str]],
    words: Callable[[float], str],
    *,
    shares: bool = False,
) -> Html | None:
    """A ledger of each contrast; None where the run knows no intervals of these.

    Args:
        run: whose service.
        title: of what is listed.
        named: label and metric of each line, see `Metrics.service`.
        words: of a level.
        shares: whether levels are shares, which differ by percentage points.
    """
    drawn = [
        each
        for contrast in run.metrics.contrasts
        if (each := _contrasted(run, contrast, title, named, words, shares=shares))
    ]
    return tag("div", *drawn) if drawn else None


def how_sure(run: Run) -> str:
    """How the intervals of a ledger are to be read."""
    strays = round(1 / (1 - run.metrics.confidence))
    return (
        f"Changes are from {run.arms[0]}, with {sureness(run.metrics.confidence)} intervals "
        "over shoppers, each for its line alone: of many lines, expect one in "
        f"{strays} to stray by chance."
    )


def _contrasted(
    run: Run,
    contrast: Contrast,
    title: str,
    named: Sequence[tuple[object, str]],
    words: Callable[[float], str],
    *,
    shares: bool,
) -> Html | None:
    found = {row.metric: row for row in run.metrics.service if row.contrast == contrast}
    colour = arm_class(run.arms, contrast[1])
    lines = [
        _line(label, found[metric], words, colour, shares=shares)
        for label, metric in named
        if metric in found
    ]
    if not lines:
        return None
    rows = spans(lines)
    axis = Axis(shared(rows), signed_points, LONG) if shares else growths(rows)
    heads = (title, f"{contrast[0]} \u2192 {contrast[1]}", "", "Change", "")
    several = len(run.metrics.contrasts) > 1
    return join(
        [tag("h4", arm_name(run.arms, contrast[1])) if several else "", ledger(lines, axis, heads)]
    )


def _line(
    label: object, row: Estimate, words: Callable[[float], str], colour: str, *, shares: bool
) -> Line:
    """Levels and change of one number."""
    one, two = row.control or 0.0, row.treatment or 0.0
    change = row.effect if shares else row.relative
    words_of_change = points_words(change) if shares else change_words(change, 2)
    known = change.estimate is not None
    told = sized(*words_of_change) if known else (NEW if two and not one else "")
    levels = f"{words(one)} \u2192 {words(two)}"
    return Line(
        label,
        levels,
        change,
        UNKNOWN,
        told,
        None,
        f"{words_of(label)}: {levels}; {words_of(told)}",
        colour,
    )
