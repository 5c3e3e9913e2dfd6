"""How the trainings went: reward, ties, entropy, divergence and hit rates by step."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from cqsid.alignment.report import Evaluation, StepReading
from experiments.records.interval import Number
from experiments.records.reading import grouped, rows_of
from experiments.records.rewards import Course, PolicyRow, RewardsRecord
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, duration, fixed, number
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, choice, figure, panels
from experiments.report.kit.scales import Axis, Scale, around
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import colour, names, number_of, policy_name, trained

MOST_POINTS = 50  # of a curve over steps; more are averaged in blocks
GROUP = "curves"

Series = dict[int, float]
"""Values of one training by step."""


@dataclass(frozen=True)
class Figure:
    """One panel: what is read of a training.

    Attributes:
        title: above it.
        read: of an evaluation, or of a rollout batch where it is `of_steps`.
        policies: whose curves it has.
        of_steps: whether it is of the rollout batches; then in blocks.
        most: what it cannot exceed: 1 for a share.
    """

    title: str
    read: Callable[[Any], Number]
    policies: Sequence[str]
    of_steps: bool = False
    most: float = math.inf

    def series(self, course: Course) -> Series:
        """The known values of one training."""
        rows = course.steps if self.of_steps else course.evaluations
        pairs = ((at.step, self.read(at)) for at in rows)
        series = {step: at for step, at in pairs if at is not None and math.isfinite(at)}
        return blocks(series) if self.of_steps else series


def curves(record: RewardsRecord) -> Content:
    """One panel for each figure."""
    shown = [name for name in names(record) if rows_of(record.courses, policy=name)]
    if not shown:
        return (absent("The record holds no trainings."),)
    lead = (
        "Means over seeds, as far as all seeds went. Choose a policy to see its seeds. Rewards, "
        "ties and targets are of the ids that the policy generated while it learned; all else of "
        "held-out requests, by beam search as in service. Step 0 is the supervised model."
    )
    buttons = choice(GROUP, ["all", *(policy_name(record, name) for name in shown)])
    parts = []
    for title, figures in _groups(record, shown).items():
        kept = [drawn for each in figures if (drawn := _panel(record, each, shown)) is not None]
        if kept:
            parts += [tag("h3", title), panels(*kept, kind="small-multiples")]
    described = "Line charts: the course of the trainings, one for each figure"
    return lead, buttons, figure(tag("div", *parts), _ends_table(record), described)


def _groups(record: RewardsRecord, shown: Sequence[str]) -> dict[str, list[Figure]]:
    own = [row for row in trained(record) if row.name in shown]
    paid = [
        Figure(
            f"Reward: {reward}",
            lambda at: at.reward,
            [row.name for row in own if row.reward == reward],
            of_steps=True,
        )
        for reward in dict.fromkeys(row.reward for row in own)
    ]
    paid += [
        Figure("Groups whose rewards tie (share)", lambda at: at.tied, shown, True, 1.0),
        Figure("Groups that hold the target (share)", lambda at: at.present, shown, True, 1.0),
    ]
    own_words = dict.fromkeys(n for c in record.courses for at in c.steps for n in at.logged)
    said = [
        Figure(name, _logged(name), [row.name for row in own], of_steps=True) for name in own_words
    ]
    depth = max((len(at.entropy_L) for c in record.courses for at in c.evaluations), default=0)
    narrow = [
        Figure(f"Entropy of code {level + 1} (nats)", _place("entropy_L", level), shown)
        for level in range(depth)
    ]
    narrow += [
        Figure("First codes of the best ten ids", lambda at: at.first_codes, shown),
        Figure("Divergence from the supervised model (nats)", lambda at: at.kl, shown),
    ]
    finds = [
        Figure(f"Hit rate at {beam}", _place("hit_rates", at), shown, most=1.0)
        for at, beam in enumerate((1, 10, 100))
    ]
    finds.append(Figure("Item recall at 200", lambda at: at.recall, shown, most=1.0))
    return {
        "What the policy is paid for": paid,
        "What rewards log beside their values": said,
        "How narrow it becomes": narrow,
        "What it finds": finds,
    }


def _logged(name: str) -> Callable[[StepReading], Number]:
    """What rewards logged by a name, where they did."""
    return lambda at: at.logged.get(name)


def _place(key: str, place: int) -> Callable[[Evaluation], Number]:
    """One of the numbers that an evaluation has in a row, where it has so many."""
    return lambda at: next(iter(getattr(at, key)[place : place + 1]), None)


def blocks(series: Series, most: int = MOST_POINTS) -> Series:
    """A long series as means of equal blocks of steps, each at its last step.

    Blocks depend on the steps alone, up to the next power of two, so that trainings of about the
    same length have theirs in common.
    """
    width = 1
    while series and max(series) > most * width:
        width *= 2
    found = grouped(series, lambda step: -(-step // width) * width)
    return {last: fmean(series[step] for step in steps) for last, steps in found.items()}


def mean_series(own: Sequence[Series]) -> Series:
    """Mean over trainings, at the steps that all of them have."""
    steps = set.intersection(*(set(series) for series in own)) if own else set()
    return {step: fmean(series[step] for series in own) for step in sorted(steps)}


def _panel(record: RewardsRecord, shown: Figure, order: Sequence[str]) -> tuple[str, Html] | None:
    """One figure: each policy's mean, and its seeds."""
    lines, values, last = [], [], 1
    for name in shown.policies:
        own = [s for c in rows_of(record.courses, policy=name) if (s := shown.series(c))]
        mean = mean_series(own)
        if not mean:
            continue
        style = f"of-{1 + order.index(name)}"
        shade = colour(record, name)
        if len(own) > 1:
            lines += [
                Curve(shade, _points(each), f"seed {style}", marked=False, told=_course(name, each))
                for each in own
            ]
        told = f"{number_of(record, name)} {name}"
        dense = len(mean) > MOST_POINTS // 3
        whole = _course(told, mean) if dense else ""
        lines.append(Curve(shade, _points(mean, told), style, marked=not dense, told=whole))
        values += [value for each in own for value in each.values()]
        last = max(last, *(max(each) for each in own))
    if not values:
        return None
    across = Axis(Scale(0, last), _whole_steps, name="step")
    return shown.title, chart(lines, across, Axis(around(values, shown.most), most=4))


def _course(told: str, series: Series) -> str:
    """Where a series begins and ends."""
    first, last = min(series), max(series)
    ends = f"{number(series[first], 4)} at step {first}, {number(series[last], 4)} at step {last}"
    return f"{told}: {ends}"


def _points(series: Series, told: str = "") -> list[Point]:
    return [
        Point(step, value, f"{told}, step {step}: {number(value, 4)}")
        for step, value in sorted(series.items())
    ]


def _whole_steps(values: Sequence[float]) -> list[str]:
    """Steps along an axis; nothing for what lies between two."""
    return [fixed(value, 0) if float(value).is_integer() else "" for value in values]


def choice_style(record: RewardsRecord) -> str:
    """CSS that shows the seeds of the chosen policy and lets the others fade."""
    rules = []
    for at in range(1, 1 + len(names(record))):
        chosen = f"#curves:has(#{GROUP}-{at}:checked)"
        rules.append(f"{chosen} .series:not(.of-{at}) {{ opacity: .13; }}")
        rules.append(f"{chosen} .series:not(.of-{at}) .point {{ display: none; }}")
        rules.append(f"{chosen} .seed.of-{at} {{ display: block; }}")
    return "\n".join(rules) + "\n"


def _ends_table(record: RewardsRecord) -> Table:
    """Where each training stood at its start and at its last evaluation."""
    rows = [
        [policy_name(record, row.name), *_end_cells(row, at, course)]
        for row in trained(record)
        for at, course in enumerate(rows_of(record.courses, policy=row.name))
        if course.evaluations
    ]
    head = ["Policy", "Seed", "Ended", "Kept step", "Hit rates at 1, 10, 100", "Recall at 200"]
    head += ["Entropy by code", "First codes", "Divergence", "Time"]
    return Table("Supervised model and last evaluation of each training", head, rows, names=2)


def _end_cells(row: PolicyRow, at: int, course: Course) -> list[object]:
    def both(read: Callable[[Evaluation], Sequence[float]], decimals: int) -> str:
        ends = (course.evaluations[0], course.evaluations[-1])
        shown = (", ".join(fixed(value, decimals) for value in read(each)) for each in ends)
        return " \u2192 ".join(shown)

    return [
        str(course.seed),
        row.ended[at] if at < len(row.ended) else ABSENT,
        str(row.kept[at]) if at < len(row.kept) else ABSENT,
        both(lambda e: e.hit_rates, 3),
        both(lambda e: (e.recall,), 3),
        both(lambda e: e.entropy_L, 2),
        both(lambda e: (e.first_codes,), 2),
        both(lambda e: (e.kl,), 3),
        duration(course.steps[-1].seconds) if course.steps else ABSENT,
    ]
