"""How the models were trained: ids, stages of a training with their curves, fit of the rankers."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from experiments.records.metrics import Model, TrainingLoss, TrainingStage, Validation
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name, channel_class, legend, swatch
from experiments.report.kit.curves import Curve, Point, chart
from experiments.report.kit.digits import ABSENT, duration, fixed, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import figure, panels, section
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
    "purchase_loss": "Log loss of purchases, held out",
    "base_click_loss": "Log loss of one rate for all clicks",
    "ndcg": "NDCG of clicks, held out",
    "merge_ndcg": "NDCG in the order of the merge",
}
MEASURES = ("Loss", "Hits, beam 1", "Beam 10")
SHARES = ("purity", "embedding_hit")
STOPPED = {
    "finished": "all steps taken",
    "patience": "no longer better",
    "no_examples": "nothing to learn from",
}
_STAGES = TypeAdapter(tuple[TrainingStage, ...])


def models(run: Run) -> Html | None:
    """The section on the models' training; None where no model tells anything."""
    rows = run.metrics.models
    if not rows:
        return None
    channels = [row for row in rows if row.model == "channel"]
    rankers = [row for row in rows if row.model != "channel"]
    lead = (
        "How the trainings of this run's models went. Losses and hit rates are of held-out "
        "requests; in the stage that learns the items by heart, of some of those. A hit rate is "
        "the share of clicked and bought items that the ids of a beam cover."
    )
    parts = [channel_part(run, row) for row in channels]
    parts += [ranker_part(run, rankers)] if rankers else []
    return section("models", "Models", lead, *parts)


def channel_part(run: Run, row: Model) -> Html:
    """A channel's figures, and the stages of its training."""
    stages = training(row.report)
    shown = [(key, told(key, value)) for key, value in row.report.items() if key != "training"]
    entries = [tag("div", tag("dt", label(key)), tag("dd", value)) for key, value in shown if value]
    return tag(
        "div",
        tag("h3", swatch(run.channels, row.name)),
        tag("dl", *entries, cls="facts") if entries else None,
        stage_table(row.name, stages) if stages else None,
        courses(run, row.name, stages) if any(stage.losses for stage in stages) else None,
        cls="model",
    )


def training(report: Mapping[str, Any]) -> tuple[TrainingStage, ...]:
    """The stages that a report tells of; a plug-in's may be of any form, then there are none."""
    try:
        return _STAGES.validate_python(report.get("training", ()))
    except ValidationError:
        return ()


def label(key: str) -> str:
    """A figure's name."""
    return LABELS.get(key, plain_name(key))


def told(key: str, value: object) -> str:
    """A number, a text or a list of them in words; nothing for what is neither."""
    if isinstance(value, bool | str):
        return str(value)
    if value is None:
        return ABSENT
    if isinstance(value, int | float):
        return percent(value) if key in SHARES else number(value)
    if isinstance(value, list | tuple):
        return " \u00b7 ".join(told(key, each) for each in value)
    return ""


def stage_table(name: str, stages: Sequence[TrainingStage]) -> Table:
    """How each stage went and how good the weights are that were kept."""
    cells = [
        [
            plain_name(stage.stage),
            STOPPED.get(stage.stopped, plain_name(stage.stopped)),
            *best_cells(stage.best),
            number(stage.examples),
            number(stage.steps),
            duration(stage.seconds),
        ]
        for stage in stages
    ]
    head = ["Stage", "Ended", *MEASURES, "Examples seen", "Steps", "Time"]
    return Table(
        f"Training of {name}: loss and hit rate of the weights that were kept", head, cells, names=2
    )


def best_cells(best: Validation | None) -> list[str]:
    """Loss and hit rates of the best validation."""
    if best is None:
        return [ABSENT] * 3
    return [loss_words(best.loss), percent(best.hit_rate_1), percent(best.hit_rate_10)]


def loss_words(loss: float | None) -> str:
    """A cross entropy with three decimals."""
    return ABSENT if loss is None else fixed(loss, 3)


def courses(run: Run, name: str, stages: Sequence[TrainingStage]) -> Html:
    """A small picture of each stage's losses, and their numbers."""
    colour = channel_class(run.channels, name)
    drawn = [stage for stage in stages if stage.losses]
    up = from_zero(known(at.loss for stage in drawn for at in every_loss(stage)))
    pictures = panels(
        *(
            (f"{plain_name(stage.stage)}: loss by step", course(stage, up, colour))
            for stage in drawn
        )
    )
    keys = legend(("stroke a0", "training"), (f"dot {colour}", "validation"))
    described = f"Line charts: loss of {name} by step, one for each stage of its training"
    return figure(tag("div", keys, pictures), course_table(name, drawn), described)


def every_loss(stage: TrainingStage) -> list[TrainingLoss | Validation]:
    """All losses that are known of a stage."""
    return [*stage.losses, *stage.validations]


def course(stage: TrainingStage, up: Scale, colour: str) -> Html:
    """One stage: training loss as a line, validations as points that tell their numbers."""
    across = Scale(0, max(at.step for at in every_loss(stage)))
    marks = [(value, fixed(value, 0)) for value in across.ticks(3) if value.is_integer()]
    curves = [
        Curve("a0", losses(stage.losses), "faint", marked=False),
        Curve(colour, losses(stage.validations)),
    ]
    return chart(curves, Axis(across, marks=marks), Axis(up, most=4), kind="course")


def losses(rows: Sequence[Validation | TrainingLoss]) -> list[Point]:
    """Losses by step, and what is told of each."""
    found = []
    for at in rows:
        words = f"step {fixed(at.step, 0)}: {loss_words(at.loss)}"
        if isinstance(at, Validation) and at.hit_rate_10 is not None:
            words += f", hit rate {percent(at.hit_rate_1)}, {percent(at.hit_rate_10)}"
        if at.loss is not None:
            found.append(Point(at.step, at.loss, words))
    return found


def course_table(name: str, stages: Sequence[TrainingStage]) -> Table:
    """Every validation of every stage."""
    cells = [
        [plain_name(stage.stage), number(at.step), *best_cells(at)]
        for stage in stages
        for at in stage.validations
    ]
    return Table(f"Validations of {name}: loss and hit rate", ["Stage", "Step", *MEASURES], cells)


def ranker_part(run: Run, rows: Sequence[Model]) -> Html:
    """The arms' rankers beside each other, a line for each figure."""
    keys = list(dict.fromkeys(key for row in rows for key in row.report))
    cells = [[label(key), *(told(key, row.report.get(key)) for row in rows)] for key in keys]
    names = [join((arm_name(run.arms, arm) for arm in row.arms), " ") for row in rows]
    numbers = Table("Rankers on exposures that they did not learn from", ["", *names], cells)
    return tag("div", tag("h3", "Rankers"), numbers, cls="model")
