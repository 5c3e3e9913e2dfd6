"""How the trainings went: reward, ties, entropy, divergence and hit rates by step."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from cqsid.alignment.report import Evaluation, StepReading
from experiments.records.interval import Number
from experiments.records.rewards import Course, RewardsRecord
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, duration, fixed, number
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, choice, figure, panels, section
from experiments.report.kit.scales import Axis, Scale, around
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import colour, names, number_of, policy_name
from experiments.report.rewards.verdict import trained

TITLE = "Learning curves"
MOST_POINTS = 50  # of a curve over steps; more are averaged in blocks
GROUP = "curves"

Series = dict[int, float]


@dataclass(frozen=True)
class Figure:
    """One panel: what is read of a training.

    Attributes:
        title: above it.
        series: values of one training by step.
        policies: whose curves it has.
    """

    title: str
    series: Callable[[Course], Series]
    policies: tuple[str, ...]


def curves(record: RewardsRecord) -> Html:
    """The section with one panel for each figure."""
    shown = [name for name in names(record) if any(c.policy == name for c in record.courses)]
    if not shown:
        return section("curves", TITLE, None, absent("The record holds no trainings."))
    lead = (
        "Means over seeds, as far as all seeds went. Choose a policy to see its seeds. Rewards, "
        "ties and targets are of the ids that the policy generated while it learned; all else of "
        "held-out requests, by beam search as in service. Step 0 is the supervised model."
    )
    buttons = choice(GROUP, ["all", *(policy_name(record, name) for name in shown)])
    parts = []
    for title, figures in groups(record, shown):
        kept = [drawn for each in figures if (drawn := panel(record, each, shown)) is not None]
        if kept:
            parts += [tag("h3", title), panels(*kept, kind="small-multiples")]
    described = "Line charts: the course of the trainings, one for each figure"
    picture = tag("div", *parts)
    return section("curves", TITLE, lead, buttons, figure(picture, ends_table(record), described))


def groups(record: RewardsRecord, shown: Sequence[str]) -> list[tuple[str, list[Figure]]]:
    """The panels under their headings."""
    every = tuple(shown)
    rewards: dict[str, list[str]] = {}
    for row in trained(record):
        if row.name in every:
            rewards.setdefault(row.reward, []).append(row.name)
    first = [
        Figure(f"Reward: {name}", of_steps(lambda at: at.reward), tuple(own))
        for name, own in rewards.items()
    ]
    first += [
        Figure("Groups whose rewards tie (share)", of_steps(lambda at: at.tied), every),
        Figure("Groups that hold the target (share)", of_steps(lambda at: at.present), every),
    ]
    levels = depth(record)
    second = [
        Figure(f"Entropy of code {level + 1} (nats)", entropy(level), every)
        for level in range(levels)
    ]
    second += [
        Figure("First codes of the best ten ids", of_checks(lambda at: at.first_codes), every),
        Figure("Divergence from the supervised model (nats)", of_checks(lambda at: at.kl), every),
    ]
    third = [
        Figure(f"Hit rate at {beam}", hit_rate(at), every) for at, beam in enumerate((1, 10, 100))
    ]
    third.append(Figure("Item recall at 200", of_checks(lambda at: at.recall), every))
    return [
        ("What the policy is paid for", first),
        ("How narrow it becomes", second),
        ("What it finds", third),
    ]


def depth(record: RewardsRecord) -> int:
    """Codes of an id."""
    return max((len(at.entropy_L) for c in record.courses for at in c.evaluations), default=0)


def of_checks(read: Callable[[Evaluation], Number]) -> Callable[[Course], Series]:
    """A figure of the evaluations."""
    return lambda course: known((at.step, read(at)) for at in course.evaluations)


def of_steps(read: Callable[[StepReading], Number]) -> Callable[[Course], Series]:
    """A figure of the rollout batches."""
    return lambda course: blocks(known((at.step, read(at)) for at in course.steps))


def entropy(level: int) -> Callable[[Course], Series]:
    """Entropy at one code."""
    return of_checks(lambda at: at.entropy_L[level] if level < len(at.entropy_L) else None)


def hit_rate(place: int) -> Callable[[Course], Series]:
    """Hit rate at one beam."""
    return of_checks(lambda at: at.hit_rates[place] if place < len(at.hit_rates) else None)


def known(pairs: Iterable[tuple[int, Number]]) -> Series:
    """What is a number."""
    return {step: value for step, value in pairs if value is not None and math.isfinite(value)}


def blocks(series: Series, most: int = MOST_POINTS) -> Series:
    """A long series as means of equal blocks of steps, each at its last step.

    Blocks depend on the steps alone, up to the next power of two, so that trainings of about the
    same length have theirs in common.
    """
    width = 1
    while series and max(series) > most * width:
        width *= 2
    found: dict[int, list[float]] = {}
    for step, value in series.items():
        found.setdefault(-(-step // width) * width, []).append(value)
    return {step: fmean(values) for step, values in found.items()}


def mean_series(own: Sequence[Series]) -> Series:
    """Mean over trainings, at the steps that all of them have."""
    steps = set.intersection(*(set(series) for series in own)) if own else set()
    return {step: fmean(series[step] for series in own) for step in sorted(steps)}


def panel(record: RewardsRecord, shown: Figure, order: Sequence[str]) -> tuple[str, Html] | None:
    """One figure: each policy's mean, and its seeds."""
    lines, values, last = [], [], 1
    for name in shown.policies:
        own = [s for c in record.courses if c.policy == name and (s := shown.series(c))]
        mean = mean_series(own)
        if not mean:
            continue
        style = f"of-{1 + order.index(name)}"
        shade = colour(record, name)
        if len(own) > 1:
            lines += [Curve(shade, points_of(each), f"seed {style}", marked=False) for each in own]
        told = f"{number_of(record, name)} {name}"
        dense = len(mean) > MOST_POINTS // 3
        lines.append(Curve(shade, points_of(mean, told), style, marked=not dense))
        values += [value for each in own for value in each.values()]
        last = max(last, *(max(each) for each in own))
    if not values:
        return None
    across = Axis(Scale(0, last), whole_steps, name="step")
    return shown.title, chart(lines, across, Axis(around(values), most=4))


def points_of(series: Series, told: str = "") -> list[Point]:
    """A series as points that tell their numbers."""
    return [
        Point(step, value, f"{told}, step {step}: {number(value, 4)}")
        for step, value in sorted(series.items())
    ]


def whole_steps(values: Sequence[float]) -> list[str]:
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


def ends_table(record: RewardsRecord) -> Table:
    """Where each training stood at its start and at its last evaluation."""
    rows = [
        end_cells(record, row.kept, row.ended, course)
        for row in trained(record)
        for course in record.courses
        if course.policy == row.name and course.evaluations
    ]
    head = ["Policy", "Seed", "Ended", "Kept step", "Hit rates at 1, 10, 100", "Recall at 200"]
    head += ["Entropy by code", "First codes", "Divergence", "Time"]
    return Table("Supervised model and last evaluation of each training", head, rows, names=2)


def end_cells(
    record: RewardsRecord, kept: Sequence[int], ended: Sequence[str], course: Course
) -> list[object]:
    """One training."""
    first, last = course.evaluations[0], course.evaluations[-1]
    order = [each.seed for each in record.courses if each.policy == course.policy]
    at = order.index(course.seed)

    def both(read: Callable[[Evaluation], Sequence[float]], decimals: int) -> str:
        shown = (", ".join(fixed(value, decimals) for value in read(e)) for e in (first, last))
        return " \u2192 ".join(shown)

    return [
        policy_name(record, course.policy),
        str(course.seed),
        ended[at] if at < len(ended) else ABSENT,
        str(kept[at]) if at < len(kept) else ABSENT,
        both(lambda e: e.hit_rates, 3),
        both(lambda e: (e.recall,), 3),
        both(lambda e: e.entropy_L, 2),
        both(lambda e: (e.first_codes,), 2),
        both(lambda e: (e.kl,), 3),
        duration(course.steps[-1].seconds) if course.steps else ABSENT,
    ]
