"""How the estimate settled, day by day."""

from collections.abc import Sequence
from functools import partial

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Contrast, Daily
from experiments.records.run import Run
from experiments.report.kit.colours import arm_class, arm_name, legend, named
from experiments.report.kit.curves import Curve, Point, chart, spanned
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, figure, panels, section
from experiments.report.kit.scales import Axis, Scale, around_zero, day_marks, known
from experiments.report.kit.sentences import change, changes, meaning
from experiments.report.kit.tables import Table

TITLE = "Effect as the days add up"


def daily(run: Run) -> Html:
    """The section with one small picture for each metric that was followed."""
    rows = run.metrics.daily
    if not rows:
        return section("daily", TITLE, None, absent("The run holds no daily effects."))
    names = list(dict.fromkeys(row.metric for row in rows))
    start = min(row.day for row in rows)
    pictures = panels(*((meaning(name).label, panel(run, name, start)) for name in names))
    lead = (
        "Each point is the effect estimated from all days so far. The band is an interval for a "
        "test that ends on that day, decided beforehand: it does not allow for stopping as soon "
        "as it leaves zero."
    )
    picture = tag("div", names_drawn(run), pictures)
    described = "Line charts: cumulative effect by day with its interval, one for each metric"
    return section("daily", TITLE, lead, figure(picture, daily_table(rows, start), described))


def names_drawn(run: Run) -> Html:
    """The treatments' colours where there are several, and the mark of the truth."""
    treatments = list(dict.fromkeys(row.contrast[1] for row in run.metrics.daily))
    names = [arm_name(run.arms, arm) for arm in treatments] if len(treatments) > 1 else []
    if run.truths is not None:
        names.append(named("mark-truth", "simulated truth over all days"))
    return legend(*names)


def panel(run: Run, metric: str, start: int) -> Html:
    """The cumulative effect on one metric, one line for each contrast."""
    own = [row for row in run.metrics.daily if row.metric == metric]
    rows = [row for row in own if row.effect.estimate is not None]
    if not rows:
        return absent("No effect could be estimated on any day.")
    contrasts = list(dict.fromkeys(row.contrast for row in rows))
    truths = {contrast: truth_of(run, metric, contrast) for contrast in contrasts}
    spans = [*(row.effect for row in rows), *truths.values()]
    up = around_zero(known(end for span in spans for end in span.numbers))
    last = max(max(row.day for row in rows), start + 1)
    curves = [
        Curve(
            arm_class(run.arms, contrast[1]),
            [day_point(row) for row in rows if row.contrast == contrast],
            spread="band",
            end=truths[contrast],
        )
        for contrast in contrasts
    ]
    days = Axis(Scale(start, last), marks=day_marks(start, last - start + 1, 7))
    return chart(curves, days, Axis(up, partial(changes, metric), 4), kind="")


def truth_of(run: Run, metric: str, contrast: Contrast) -> Interval:
    """The truth over all days and its interval."""
    truth = run.truths.of(metric, contrast) if run.truths else None
    return truth.effect if truth else UNKNOWN


def day_point(row: Daily) -> Point:
    """A day's estimate, and its numbers."""
    size, low, high = (change(row.metric, value) for value in row.effect.numbers)
    return spanned(row.day, row.effect, f"{size} ({low} to {high})")


def daily_table(rows: Sequence[Daily], start: int) -> Table:
    """Every day of every metric and contrast."""
    cells = [
        [
            meaning(row.metric).label,
            row.contrast[1],
            row.day - start + 1,
            change(row.metric, row.effect.estimate),
            f"{change(row.metric, row.effect.low)} to {change(row.metric, row.effect.high)}",
        ]
        for row in rows
    ]
    head = ["Metric", "Arm", "Days", "Effect so far", "Interval"]
    return Table("Cumulative effect by day", head, cells, names=2)
