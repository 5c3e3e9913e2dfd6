"""Stage four of the generator: rollouts, rewards, and a step of the policy, again and again."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cqsid.alignment.evaluation import Evaluator
from cqsid.alignment.idtask import IdTask
from cqsid.alignment.learner import Learner
from cqsid.alignment.report import (
    AlignmentReport,
    Course,
    Ended,
    Evaluation,
    StepReading,
    Watched,
    step_reading,
)
from cqsid.alignment.rollout import Batch, Roller
from cqsid.alignment.scalars import evaluation_scalars, step_scalars
from cqsid.alignment.settings import LOGGERS, AlgorithmSpec, AlignmentSpec
from cqsid.decoding.trie import Trie
from cqsid.generator.transformer import Weights
from cqsid.learned import Learned
from cqsid.loggers.named import Loggers
from cqsid.loggers.runlogger import Training
from cqsid.rewards.logged import Logged
from cqsid.rewards.mix import Mix
from cqsid.rewards.reward import Reward
from cqsid.rewards.shop import Shop
from cqsid.training.checkpoint import Checkpoint, fingerprint, under
from recall.device import one_thread, resolve_device
from recall.settings import DeviceName
from recall.texts.cache import TextCache
from simulator.errors import DataError


def save_weights(path: Path, weights: Weights) -> None:
    """Write the parameters of a generator; a tied table once."""
    tensors = {name: each.cpu().contiguous() for name, each in weights.tensors().items()}
    save_file(tensors, path)


def load_weights(path: Path, base: Weights) -> Weights:
    """Read what `save_weights` wrote.

    Args:
        path: the file.
        base: weights of the system that the alignment started from; only their shapes are read.

    Raises:
        DataError: no such file, one that is not whole, or parameters of another model.
    """
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path} == unreadable ({error}), must be weights") from error
    wanted = {name: tuple(tensor.shape) for name, tensor in base.tensors().items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    if shapes != wanted:
        odd = sorted(name for name in shapes | wanted if shapes.get(name) != wanted.get(name))[0]
        raise DataError(
            f"{path}: {odd} == {shapes.get(odd, 'missing')}, "
            f"must be {wanted.get(odd, 'left out')} as in the system that was aligned"
        )
    return base.holding(found)


_log = logging.getLogger(__name__)
Tell = Callable[[StepReading, Evaluation | None, int], None]


@dataclass(frozen=True)
class Alignment:
    """An aligned generator.

    Attributes:
        weights: on the CPU.
        report: how the training went.
        watched: (E, V) mean value of the best ten ids of each held-out request at each evaluation:
            of the reward, and of what was only watched.
    """

    weights: Weights
    report: AlignmentReport
    watched: Watched


def align(
    spec: AlignmentSpec,
    algorithm: AlgorithmSpec,
    learned: Learned,
    train: Logged,
    held: Logged,
    mix: Mix,
    shop: Shop,
    *,
    seed: int,
    personalised: bool = True,
    probes: Mapping[str, Reward] | None = None,
    device: DeviceName = "auto",
    workspace: Path | None = None,
    events: Path | None = None,
    name: str = "",
    progress: Tell | None = None,
) -> Alignment:
    """Align a trained generator with a reward; what was learned before is left as it is.

    Args:
        spec: steps, rates, evaluations.
        algorithm: how to learn from rewards.
        learned: the supervised system, also the reference of the divergence.
        train: logged requests to learn from, each with a click.
        held: later ones that only validate.
        mix: the reward.
        shop: what rewards may look up; its ids are the ones that may be generated.
        seed: of requests, samples and experts, >= 0.
        personalised: whether prompts tell of the shopper.
        probes: rewards that are watched on `held` and not learned from, by name.
        device: where to train; on an accelerator products are in bfloat16.
        workspace: folder of the checkpoint; None: none is written.
        events: folder of what loggers write; None: none is asked.
        name: of the training, for loggers.
        progress: told about every step; what it raises ends the training.

    Raises:
        ConfigError: no such device, a learning rate at which the loss is no longer finite, or a
            logger whose library is not installed.
        DataError: no request to learn from, or none to validate with.
        ContractError: a reward broke its contract, or no such logger.
    """
    with one_thread():
        training = _asked(learned, shop, train, personalised, "train")
        validating = _asked(learned, shop, held, personalised, "held")
        roller = _roller(algorithm, learned, mix, shop)
        learner = Learner(spec, roller, learned.weights, resolve_device(device))
        evaluate = Evaluator(roller, validating, probes or {}, spec.beam, learned.weights)
        run = _Run(learner, evaluate, training, seed)
        if workspace is not None:
            run.resume(workspace, held.requests.id_B)
        writer = None
        if events is not None and spec.loggers:
            writer = Loggers(spec.loggers, Training(name, events, run.course.step), LOGGERS)
        try:
            run.run(writer, progress)
        finally:
            if writer is not None:
                writer.close()
    report = run.course.report()
    if report.untaught and algorithm.objective != "sft":
        _log.warning(
            "the rewards of all groups tied at all %d steps: nothing can be learned from them",
            len(report.steps),
        )
    return Alignment(learner.weights, report, run.course.arrays())


def _roller(algorithm: AlgorithmSpec, learned: Learned, mix: Mix, shop: Shop) -> Roller[IdTask]:
    trie, task = Trie.of(shop.ids.sids_SL, shop.ids.sizes), IdTask(mix, shop)
    return Roller(algorithm, learned.prompts.vocabulary, learned.softmax, trie, task)


def _asked(
    learned: Learned, shop: Shop, logged: Logged, personalised: bool, place: str
) -> Batch[Logged]:
    """Requests as prompts; those without a known subword are left out."""
    prompts, known_B = learned.ask(
        logged.requests, shop.ids, TextCache(), personalised=personalised
    )
    rows = np.flatnonzero(known_B)
    if not len(rows):
        raise DataError(f"{place}: 0 requests with a known word, must be > 0")
    return Batch(logged.rows(rows), prompts.rows(rows))


class _Run:
    """The steps, evaluations and checkpoints of one alignment."""

    def __init__(
        self, learner: Learner, evaluate: Evaluator, training: Batch[Logged], seed: int
    ) -> None:
        self.learner, self.evaluate, self.training, self.seed = learner, evaluate, training, seed
        self.spec, self.course = learner.spec, Course()
        self._kept: dict[str, Tensor] = {}
        self._checkpoint: Checkpoint | None = None

    def run(self, writer: Loggers | None, progress: Tell | None) -> None:
        """Train to the end, from where the course stands."""
        course, spec, checkpoint = self.course, self.spec, self._checkpoint
        self._clock = time.monotonic()
        if not course.evaluations:
            self._evaluate(writer)
        while course.ended is None and course.step < spec.steps:
            reading = self._step()
            due = course.step % spec.evaluate_every == 0 or course.step == spec.steps
            evaluation = self._evaluate(writer) if due else None
            if writer is not None:
                writer.log(dict(step_scalars(reading)), reading.step)
            if checkpoint is not None and course.step % spec.checkpoint_steps == 0:
                self._save(checkpoint)
            if progress is not None:
                progress(reading, evaluation, spec.steps)
        if course.ended is None:
            course.ended = Ended.FINISHED
        if course.kept != course.step:
            self.learner.optimizer.restore(self._kept)
        if checkpoint is not None:
            self._save(checkpoint)

    def _step(self) -> StepReading:
        number = self.course.step
        batch = self._batch(number)
        rng = np.random.default_rng([self.seed, 1, number])
        update = self.learner.step(batch, number, rng)
        self._count_time()
        seconds = self.course.seconds
        reading = step_reading(number + 1, self.learner.roller, batch.asked, update, seconds)
        self.course.steps.append(reading)
        return reading

    def _batch(self, step: int) -> Batch[Logged]:
        """The requests of a step: passes over all of them, each in an order of its own."""
        number, size = len(self.training.asked), self.spec.batch
        place = step * size + np.arange(size)
        rows = np.empty(size, np.int64)
        for turn in np.unique(place // number):
            order = np.random.default_rng([self.seed, 0, turn]).permutation(number)
            mine = place // number == turn
            rows[mine] = order[place[mine] % number]
        prompts = self.training.prompts.rows(rows).trimmed()
        return Batch(self.training.asked.rows(rows), prompts)

    def _evaluate(self, writer: Loggers | None) -> Evaluation:
        with torch.no_grad():
            evaluation, watched = self.evaluate(self.learner.weights, self.course.step)
        if self.course.add(evaluation, watched, self.spec):
            self._kept = self.learner.optimizer.copy()
        self._count_time()
        if writer is not None:
            writer.log(dict(evaluation_scalars(evaluation)), evaluation.step)
        return evaluation

    def _count_time(self) -> None:
        now = time.monotonic()
        self.course.seconds += now - self._clock
        self._clock = now

    def _save(self, checkpoint: Checkpoint) -> None:
        tensors = self.learner.optimizer.state() | {
            f"kept.{n}": each for n, each in self._kept.items()
        }
        watched = self.course.arrays()
        tensors |= {f"watched.{n}": torch.from_numpy(each) for n, each in watched.items()}
        checkpoint.save(tensors, self.course.facts())

    def resume(self, workspace: Path, held: NDArray[np.int64]) -> None:
        """Go on from the workspace's checkpoint, if it is one of this very alignment."""
        told, arrays = self._told()
        mark = fingerprint(told, [*arrays, held])
        self._checkpoint = Checkpoint(workspace / "alignment.safetensors", mark)
        found = self._checkpoint.load()
        if found is None:
            return
        tensors, facts = found
        self.learner.optimizer.load(tensors)
        self._kept = under("kept.", tensors)
        watched = {name: each.numpy() for name, each in under("watched.", tensors).items()}
        self.course = Course.of(facts, watched)
        _log.info("resumed after step %d of %d", self.course.step, self.spec.steps)

    def _told(self) -> tuple[list[str], list[NDArray[Any]]]:
        """Texts and arrays that the result depends on."""
        roller = self.learner.roller
        told = [self.spec.model_dump_json(), roller.spec.model_dump_json(), str(self.seed)]
        told += [str(roller.vocabulary), roller.softmax, roller.task.mix.told]
        arrays: list[NDArray[Any]] = [
            self.training.asked.requests.id_B,
            roller.task.shop.ids.codes_IL,
        ]
        arrays += [self.training.prompts.tokens_BT]
        arrays += [each.cpu().float().numpy() for each in self.learner.optimizer.copy().values()]
        return told, arrays
