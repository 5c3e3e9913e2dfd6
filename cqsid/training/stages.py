"""The three supervised stages of the generator, one after the other.

1. item: an item's text -> its id,
2. query: a query -> ids of items that it led to,
3. shopper: a shopper's query -> the id of the item that this shopper took.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.decoder import Softmax
from cqsid.generator.vocabulary import Vocabulary
from cqsid.training.checkpoint import Checkpoint, fingerprint
from cqsid.training.examples import (
    Examples,
    PromptSource,
    TrainingData,
    item_examples,
    query_examples,
    shopper_examples,
)
from cqsid.training.loop import Course, Plan, Saving, StageRun, Stopped, Validation
from cqsid.training.settings import StageSpec, TrainingSpec
from cqsid.training.validation import WIDTHS, Split, Validator, title_sample
from recall.arrays import Ragged
from recall.device import one_thread, resolve_device
from recall.settings import DeviceName
from simulator.curves import Curve

_log = logging.getLogger(__name__)


class Stage(StrEnum):
    """A supervised stage."""

    ITEM = "item"
    QUERY = "query"
    SHOPPER = "shopper"


Tell = Callable[[Stage, Course, int], None]
"""Takes a stage, how far it is, and how many steps it has in all."""


@dataclass(frozen=True)
class StageReport:
    """What came of a stage.

    Attributes:
        stage: which one.
        stopped: why it ended.
        distinct: how many distinct examples there were.
        steps, examples: steps taken and examples seen in them.
        seconds: time spent, in earlier attempts too.
        losses: mean cross entropy of each batch.
        validations: in the order of the steps.
        best: the validation of the weights that were kept; None: the last weights, unvalidated.
    """

    stage: Stage
    stopped: Stopped
    distinct: int
    steps: int
    examples: int
    seconds: float
    losses: tuple[float, ...]
    validations: tuple[Validation, ...]
    best: Validation | None


@dataclass(frozen=True)
class TrainingReport:
    """What came of a training, stage by stage."""

    stages: tuple[StageReport, ...]

    @property
    def seconds(self) -> float:
        """Time spent on all stages."""
        return sum(each.seconds for each in self.stages)


@dataclass(frozen=True)
class _Task:
    """A stage with its settings, examples and validation."""

    stage: Stage
    spec: StageSpec
    examples: Examples
    validator: Validator | None


def train_generator(
    spec: TrainingSpec,
    model: Any,
    vocabulary: Vocabulary,
    data: TrainingData,
    *,
    seed: int,
    softmax: Softmax = "level",
    device: DeviceName = "auto",
    workspace: Path | None = None,
    progress: Tell | None = None,
) -> TrainingReport:
    """Train a generator in place, stage by stage, each from the best weights of the one before.

    With a workspace, a training that was cut off goes on from its last checkpoint, and finished
    stages are not run again; on a CPU the weights are bit for bit those of an unbroken one. A
    checkpoint counts only if seed, data, initial weights and the settings of its stage and all
    stages before are the same; another is ignored, with a warning, and overwritten. So later
    stages can be trained anew, with other settings, on what earlier ones left.

    Args:
        spec: settings.
        model: a `Qwen2ForCausalLM` of `build_model`; it ends on the CPU.
        vocabulary: its tokens.
        data: what to learn from.
        seed: of the order of examples, >= 0.
        softmax: what a code competes with, see `ModelSpec.softmax`.
        device: where to train; on an accelerator products are in bfloat16.
        workspace: folder of the checkpoints; None: none are written.
        progress: told about every step; what it raises ends the training.

    Raises:
        ConfigError: no such device, or a learning rate at which the loss is no longer finite.
    """
    before: tuple[Examples, ...] = ()
    reports: list[StageReport] = []
    model.to(resolve_device(device))
    chain = _fingerprint(spec, model, vocabulary, softmax, data, seed)
    with one_thread():
        for number, task in enumerate(_tasks(spec, data, vocabulary, softmax)):
            chain = fingerprint([chain, task.stage, task.spec.model_dump_json()], [])
            plan = Plan(task.spec, task.examples, before, (seed, number))
            saving = _saving(spec, task.stage, workspace, chain)
            run = StageRun(model, vocabulary, softmax, plan, task.validator, saving)
            reports.append(_run(task, run, progress))
            before += (task.examples,) if len(task.examples) else ()
    model.to("cpu")
    return TrainingReport(tuple(reports))


def _tasks(
    spec: TrainingSpec, data: TrainingData, vocabulary: Vocabulary, softmax: Softmax
) -> list[_Task]:
    split = Split.of(data.history, data.ids, spec.held_out, spec.held_out_most)
    titles, items = title_sample(data, spec.held_out_most if spec.held_out else 0)

    def task(
        stage: Stage, settings: StageSpec, own: Examples, prompts: PromptSource, targets: Ragged
    ) -> _Task:
        validator = Validator(prompts, targets, data.ids, vocabulary, softmax)
        return _Task(stage, settings, own, validator if len(targets) else None)

    tasks = [task(Stage.ITEM, spec.item, item_examples(data), titles, items)]
    queries = query_examples(data, split.before, spec.order_weight)
    tasks.append(task(Stage.QUERY, spec.query, queries, split.queries(data), split.targets))
    if spec.shopper is not None:
        shoppers = shopper_examples(data, split.before, spec.order_weight)
        asked = split.shoppers(data)
        tasks.append(task(Stage.SHOPPER, spec.shopper, shoppers, asked, split.targets))
    return tasks


def _run(task: _Task, run: StageRun, progress: Tell | None) -> StageReport:
    curve = Curve(task.stage)
    hear = heard(curve)

    def tell(course: Course, steps: int) -> None:
        hear(course, steps)
        if progress is not None:
            progress(task.stage, course, steps)

    if len(task.examples):
        with curve:
            course = run.run(tell)
    else:
        course = Course(stopped=Stopped.NO_EXAMPLES)
        _log.info("stage %s has nothing to learn from and is skipped", task.stage)
    return StageReport(
        stage=task.stage,
        stopped=course.stopped or Stopped.FINISHED,
        distinct=len(task.examples),
        steps=course.step,
        examples=course.examples,
        seconds=course.seconds,
        losses=tuple(course.losses),
        validations=tuple(course.validations),
        best=course.best,
    )


def heard(curve: Curve) -> Callable[[Course, int], None]:
    """Tells a curve what each step shows, for `StageRun.run`."""

    def tell(course: Course, steps: int) -> None:
        curve.tell(course.step, _figures(course))

    return tell


def _figures(course: Course) -> dict[str, float]:
    """What the last step showed, by tag; answers that are no ids have no hit rates."""
    figures = {"train/loss": course.losses[-1]}
    if course.validations and course.validations[-1].step == course.step:
        last = course.validations[-1]
        rates = zip(WIDTHS, last.hit_rates, strict=bool(last.hit_rates))
        figures |= {"eval/loss": last.loss, **{f"eval/hit_rate/{n}": rate for n, rate in rates}}
    return figures


def _saving(
    spec: TrainingSpec, stage: Stage, workspace: Path | None, fingerprint: str
) -> Saving | None:
    if workspace is None:
        return None
    checkpoint = Checkpoint(workspace / f"{stage}.safetensors", fingerprint)
    return Saving(checkpoint, spec.checkpoint_steps, spec.checkpoint_seconds)


def _fingerprint(
    spec: TrainingSpec,
    model: Any,
    vocabulary: Vocabulary,
    softmax: Softmax,
    data: TrainingData,
    seed: int,
) -> str:
    """Of all that the first stage depends on but its settings."""
    common = spec.model_dump_json(include={"held_out", "held_out_most", "order_weight"})
    names = sorted(data.history.__dataclass_fields__)
    columns = [getattr(data.history, name) for name in names]
    arrays: list[NDArray[Any]] = [each for each in columns if isinstance(each, np.ndarray)]
    for tokens in (data.titles, data.texts):
        arrays += [tokens.values, tokens.pointer]
    arrays += [each for each in (data.related_TC, data.category_I) if each is not None]
    arrays += [data.ids.codes_IL, np.array(data.ids.sizes)]
    for made in data.made:
        arrays += [made.texts.values, made.texts.pointer, made.text_P, made.item_P, made.weight_P]
        arrays += [np.array([data.made_share])]
    arrays += [p.detach().cpu().float().numpy() for p in model.parameters()]
    told = [common, str(vocabulary), softmax, str(seed), data.prompts.spec.model_dump_json()]
    return fingerprint(told, arrays)
