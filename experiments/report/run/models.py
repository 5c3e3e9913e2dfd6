"""How the models were trained: ids, stages of a training with their curves, fit of the rankers."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from experiments.records.metrics import Model
from experiments.records.run import Run
from experiments.records.within.training import TrainingLoss, TrainingStage, Validation
from experiments.report.kit.colours import arm_name, channel_class, legend, swatch
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, duration, fixed, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, facts, figure, panels
from experiments.report.kit.scales import Axis, Scale, from_zero, known
from experiments.report.kit.sentences import plain_name
from experiments.report.kit.tables import Table

LABELS = {
    "items": "Items with an id",
    "ids": "Ids in use",
    "sizes": "Codes by level",
    "perplexity": "Perplexity by level",
    "conditional_perplexity": "Perplexity below one prefix",
    "p99": "Items per id, 99th percentile",
    "largest": "Items of the largest id",
    "gini": "Gini of items per id",
    "purity": "Items of their id\u2019s main category",
    "embedding_hit": "Items whose nearest has their id",
    "click_loss": "Log loss of clicks, held out",
    "want_loss": "Log loss of carts and purchases, held out",
    "carts": "Carts",
    "rounds": "Passes, or trees",
    "base_click_loss": "Log loss of one rate for all clicks",
    "ndcg": "NDCG of clicks, held out",
    "shown_ndcg": "NDCG in the order shown",
}
MEASURES = ("Loss", "Hits, beam 1", "Beam 10")
"""What is told of a validation."""
SHARES = ("purity", "embedding_hit")
STOPPED = {
    "finished": "all steps taken",
    "patience": "no longer better",
    "no_examples": "nothing to learn from",
}
_STAGES = TypeAdapter(tuple[TrainingStage, ...])


def models(run: Run) -> Content:
    """How trainings went; no such section where no model tells anything."""
    rows = run.metrics.models
    if not rows:
        return None
    lead = (
        "How the trainings of this run's models went. Losses and hit rates are of held-out "
        "requests; in the stage that learns the items by heart, of some of those. A hit rate is "
        "the share of clicked and bought items that the ids of a beam cover."
    )
    rankers = [row for row in rows if row.model == "ranker"]
    parts = [_channel(run, row) for row in rows if row.model == "channel"]
    parts += [_suggester(row) for row in rows if row.model == "suggester"]
    return lead, *parts, _rankers(run, rankers) if rankers else None


def _suggester(row: Model) -> Html:
    """How often a suggester, and popular texts, know what was asked next."""
    shown = {plain_name(key): _shares(value) for key, value in row.report.items()}
    return tag("div", tag("h3", f"Suggester {row.name}"), facts(shown), cls="model")


def _shares(value: object) -> str:
    """A count, or a share with both ends of its interval."""
    if not isinstance(value, list):
        return number(value) if isinstance(value, int) else ABSENT
    estimate, low, high = (percent(each) for each in value)
    return f"{estimate} ({low} to {high})"


def _channel(run: Run, row: Model) -> Html:
    """A channel's figures, and the stages of its training."""
    stages = _training(row.report)
    shown = {_label(key): _told(key, at) for key, at in row.report.items() if key != "training"}
    drawn = [stage for stage in stages if stage.losses]
    return tag(
        "div",
        tag("h3", swatch(run.channels, row.name)),
        facts(shown),
        _stages(row.name, stages) if stages else None,
        _courses(run, row.name, drawn) if drawn else None,
        cls="model",
    )


def _training(report: Mapping[str, Any]) -> tuple[TrainingStage, ...]:
    """The stages that a report tells of; a plug-in's may be of any form, then there are none."""
    try:
        return _STAGES.validate_python(report.get("training", ()))
    except ValidationError:
        return ()


def _label(key: str) -> str:
    return LABELS.get(key, plain_name(key))


def _told(key: str, value: object) -> str:
    """A number, a text or a list of them in words; nothing for what is neither."""
    if isinstance(value, bool | str):
        return str(value)
    if value is None:
        return ABSENT
    if isinstance(value, int | float):
        return percent(value) if key in SHARES else number(value)
    if isinstance(value, list | tuple):
        return " \u00b7 ".join(_told(key, each) for each in value)
    return ""


def _stages(name: str, stages: Sequence[TrainingStage]) -> Table:
    """How each stage went and how good the weights are that were kept."""
    return Table.of(
        f"Training of {name}: loss and hit rate of the weights that were kept",
        stages,
        ("Stage", lambda stage: plain_name(stage.stage)),
        ("Ended", lambda stage: STOPPED.get(stage.stopped, plain_name(stage.stopped))),
        (MEASURES, lambda stage: _measures(stage.best) if stage.best else [ABSENT] * 3),
        ("Examples seen", lambda stage: number(stage.examples)),
        ("Steps", lambda stage: number(stage.steps)),
        ("Time", lambda stage: duration(stage.seconds)),
        names=2,
    )


def _measures(at: Validation) -> list[str]:
    return [fixed(at.loss, 3), percent(at.hit_rate_1), percent(at.hit_rate_10)]


def _courses(run: Run, name: str, drawn: Sequence[TrainingStage]) -> Html:
    """A small picture of each stage's losses, and their numbers."""
    colour = channel_class(run.channels, name)
    up = from_zero(known(at.loss for stage in drawn for at in _every_loss(stage)))
    pictures = panels(
        *(
            (f"{plain_name(stage.stage)}: loss by step", _course(stage, up, colour))
            for stage in drawn
        )
    )
    keys = legend(("stroke a0", "training"), (f"dot {colour}", "validation"))
    numbers = Table.of(
        f"Validations of {name}: loss and hit rate",
        [(plain_name(stage.stage), at) for stage in drawn for at in stage.validations],
        ("Stage", lambda row: row[0]),
        ("Step", lambda row: number(row[1].step)),
        (MEASURES, lambda row: _measures(row[1])),
    )
    described = f"Line charts: loss of {name} by step, one for each stage of its training"
    return figure(tag("div", keys, pictures), numbers, described)


def _every_loss(stage: TrainingStage) -> list[TrainingLoss | Validation]:
    return [*stage.losses, *stage.validations]


def _course(stage: TrainingStage, up: Scale, colour: str) -> Html:
    across = Scale(0, max(at.step for at in _every_loss(stage)))
    marks = [(value, fixed(value, 0)) for value in across.ticks(3) if value.is_integer()]
    curves = [
        Curve("a0", _losses(stage.losses), "faint", marked=False, told=_from_to(stage)),
        Curve(colour, _losses(stage.validations)),
    ]
    return chart(curves, Axis(across, marks=marks), Axis(up, most=4), kind="course")


def _from_to(stage: TrainingStage) -> str:
    """Where the loss of training begins and ends."""
    known = [at for at in stage.losses if at.loss is not None]
    if not known:
        return ""
    ends = (f"{fixed(at.loss, 3)} at step {fixed(at.step, 0)}" for at in (known[0], known[-1]))
    return f"training: {', '.join(ends)}"


def _losses(rows: Sequence[Validation | TrainingLoss]) -> list[Point]:
    found = []
    for at in rows:
        words = f"step {fixed(at.step, 0)}: {fixed(at.loss, 3)}"
        if isinstance(at, Validation) and at.hit_rate_10 is not None:
            words += f", hit rate {percent(at.hit_rate_1)}, {percent(at.hit_rate_10)}"
        if at.loss is not None:
            found.append(Point(at.step, at.loss, words))
    return found


def _rankers(run: Run, rows: Sequence[Model]) -> Html:
    """The arms' rankers beside each other, a line for each figure."""
    keys = dict.fromkeys(key for row in rows for key in row.report)
    cells = [[_label(key), *(_told(key, row.report.get(key)) for row in rows)] for key in keys]
    names = [join((arm_name(run.arms, arm) for arm in row.arms), " ") for row in rows]
    numbers = Table("Rankers on exposures that they did not learn from", ["", *names], cells)
    return tag("div", tag("h3", "Rankers"), numbers, cls="model")
